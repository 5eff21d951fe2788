// A directory with everything a configuration needs, gone when the test is.
#pragma once

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "config/init.hpp"
#include "config/settings.hpp"
#include "tests/temporary_directory.hpp"

namespace sallyport::config {

class settings_directory {
public:
    // With the keys and the catalogue that `init` makes.
    static settings_directory& filled(settings_directory& empty)
    {
        const created_setup made = create_setup(empty.path_.string());
        if (!made.failure.empty()) {
            throw std::runtime_error(made.failure);
        }
        return empty;
    }

    std::string file(std::string_view name) const { return (path_ / name).string(); }
    std::string path() const { return path_.string(); }

    void write(std::string_view name, std::string_view content, ::mode_t mode = 0600) const
    {
        std::ofstream(path_ / name, std::ios::binary) << content;
        ::chmod(file(name).c_str(), mode);
    }
    std::string read(std::string_view name) const
    {
        std::ifstream in(path_ / name, std::ios::binary);
        return {std::istreambuf_iterator<char>(in), {}};
    }

    loaded_settings load(std::string_view yaml) const
    {
        write("gate.yaml", yaml);
        return load_settings(file("gate.yaml"));
    }

    // The problems as line:column: message, one a line.
    std::string problems(std::string_view yaml) const
    {
        std::string text;
        for (const problem& found : load(yaml).problems) {
            text += (text.empty() ? "" : "\n") + found.text().substr(file("gate.yaml").size() + 1);
        }
        return text;
    }

private:
    temporary_directory directory_;
    const std::filesystem::path path_ = directory_.path();
};

class SettingsTest : public testing::Test {
protected:
    static void SetUpTestSuite()
    {
        directory = new settings_directory;
        settings_directory::filled(*directory);
    }
    static void TearDownTestSuite()
    {
        delete directory;
        directory = nullptr;
    }

    static inline settings_directory* directory = nullptr;
};

}  // namespace sallyport::config
