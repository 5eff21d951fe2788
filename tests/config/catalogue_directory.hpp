// A directory of provider files and their tables, gone when the test is.
#pragma once

#include "config/catalogue.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "tests/temporary_directory.hpp"

namespace sallyport::config {

// What a provider's file needs at least.
inline constexpr std::string_view head = R"(id: example
base_url: "https://api.example.com"
credentials: [{kind: bearer, inject: [{in: header, name: Authorization, value: "Bearer {secret}"}]}]
)";

// A directory of its own for each test.
class CatalogueTest : public testing::Test {
protected:
    void write(const std::string& name, std::string_view text) const
    {
        std::ofstream(directory_ / name) << text;
    }

    loaded_catalogue load() const { return load_catalogue({directory_.string()}); }

    // What is wrong with a provider's file, without the directory.
    std::string problems_of(std::string_view text) const
    {
        write("example.yaml", text);
        return text_of(load().problems);
    }

    std::string text_of(const problems& found) const
    {
        std::string all;
        for (const problem& problem : found) {
            std::string line = problem.text();
            const auto at = line.find(directory_.string() + "/");
            all += (at == 0 ? line.substr(directory_.string().size() + 1) : line) + "\n";
        }
        return all;
    }

    temporary_directory home_;
    const std::filesystem::path directory_ = home_.path();
};

}  // namespace sallyport::config
