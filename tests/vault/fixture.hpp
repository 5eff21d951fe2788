// What the vault's tests share: coroutines that end in bounded time, and connections that are all
// alike.
#pragma once

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <optional>
#include <stdexcept>
#include <string>

#include "base/ulid.hpp"
#include "tests/temporary_directory.hpp"
#include "vault/master_key.hpp"
#include "vault/settings.hpp"
#include "vault/store.hpp"

namespace sallyport::vault {

constexpr std::chrono::seconds test_limit{20};

// Runs one task to its end.
template <class T>
T run(boost::asio::io_context& context, boost::asio::awaitable<T> work)
{
    std::optional<T> outcome;
    std::exception_ptr bug;
    boost::asio::co_spawn(context, std::move(work), [&](std::exception_ptr thrown, T answer) {
        bug = thrown;
        outcome.emplace(std::move(answer));
    });
    context.restart();
    const auto end = std::chrono::steady_clock::now() + test_limit;
    while (!outcome && std::chrono::steady_clock::now() < end) {
        context.run_one_for(std::chrono::milliseconds(100));
    }
    if (bug) {
        std::rethrow_exception(bug);
    }
    if (!outcome) {
        throw std::runtime_error("the task did not end");
    }
    return std::move(*outcome);
}

// A loop of the test's own, on which tasks run to their end.
class with_loop {
protected:
    template <class T>
    result<T> ask(task<T> work)
    {
        return run(context_, std::move(work));
    }
    template <class T>
    error_code why(task<T> work)
    {
        const result<T> done = ask(std::move(work));
        return done ? error_code() : done.error();
    }

    boost::asio::io_context context_;
};

inline std::string write_file(const std::string& path, const std::string& text, int mode = 0600)
{
    std::ofstream(path) << text;
    std::filesystem::permissions(path, static_cast<std::filesystem::perms>(mode));
    return path;
}

constexpr const char* test_master_key =
    "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

inline master_keys test_masters(char letter = 'm')
{
    master_keys masters(1);
    masters.front().source = "of the test's own";
    masters.front().key = secret(std::string(key_bytes, letter));
    masters.front().id = envelope().identify(masters.front().key);
    return masters;
}

inline settings settings_in(const temporary_directory& directory)
{
    settings out;
    out.store = "sqlite:" + directory.file("vault.db");
    out.master_key = "file:" + write_file(directory.file("master.key"), test_master_key);
    return out;
}

inline connection example_connection(const std::string& name = "")
{
    connection record;
    record.id = "conn_" + make_ulid().text();
    record.workspace = "acme";
    record.user = "ann";
    record.provider = "github";
    record.kind = "bearer";
    record.name = name;
    record.status = status::active;
    record.version = 1;
    return record;
}

inline credential one_secret(std::string_view value)
{
    credential fields;
    fields.push_back({"secret", secret(value)});
    return fields;
}

}  // namespace sallyport::vault
