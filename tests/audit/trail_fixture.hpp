// A directory of its own for every test, and short ways to fill and look at it.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "audit/trail.hpp"
#include "audit/verify.hpp"
#include "tests/temporary_directory.hpp"

namespace sallyport::audit {

inline std::string read_file(const std::filesystem::path& path)
{
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

inline void write_file(const std::filesystem::path& path, std::string_view bytes)
{
    std::ofstream out(path, std::ios::binary | std::ios::trunc);
    out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

inline std::vector<std::string> lines_of(std::string_view text)
{
    std::vector<std::string> out;
    while (!text.empty()) {
        const std::size_t end = text.find('\n');
        out.emplace_back(text.substr(0, end));
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
    return out;
}

inline entry intent(std::string_view call_id)
{
    entry out;
    out.kind = kind::call_intent;
    out.call_id = call_id;
    out.workspace = "acme", out.app = "mailer", out.run = "r1", out.user = "u_42";
    out.connection_id = "conn_1", out.provider = "github";
    out.method = "GET", out.host = "api.github.com", out.path = "/user";
    out.operation = "user.get", out.cls = "read";
    return out;
}

inline entry outcome(std::string_view call_id)
{
    entry out;
    out.kind = kind::call_outcome;
    out.call_id = call_id;
    out.status = 200;
    return out;
}

class TrailTest : public testing::Test {
protected:
    TrailTest() { settings_.directory = root_ / "trail"; }

    std::unique_ptr<trail> open(std::string* where = nullptr)
    {
        auto opened = open_trail(settings_, "gate-1", where);
        EXPECT_TRUE(opened) << opened.error().message();
        return opened ? std::move(*opened) : nullptr;
    }

    std::vector<std::filesystem::path> files(std::string_view suffix = ".jsonl") const
    {
        std::vector<std::filesystem::path> out;
        for (const auto& one : std::filesystem::directory_iterator(settings_.directory)) {
            if (one.path().string().ends_with(suffix)) {
                out.push_back(one.path());
            }
        }
        std::sort(out.begin(), out.end());
        return out;
    }

    verification verify() const { return verify_directory(settings_.directory); }

    // A writer with `calls` whole calls, closed.
    void fill(int calls, std::string_view place = "w0")
    {
        auto opened = open();
        auto writer = *opened->open_writer(place);
        for (int i = 0; i < calls; ++i) {
            const std::string id = "call" + std::to_string(i);
            ASSERT_TRUE(writer->append(intent(id)));
            ASSERT_TRUE(writer->append(outcome(id)));
            ASSERT_TRUE(writer->flush());
        }
    }

    temporary_directory home_{quick_directory()};
    const std::filesystem::path root_ = home_.path();
    settings settings_;
};

}  // namespace sallyport::audit
