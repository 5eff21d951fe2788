// A control server as `serve` runs it, on a unix socket in a directory of its own: a real vault on
// SQLite, a real trail, a real minter. Everything it answers is kept, so that each test ends by
// looking for the secrets that went in, in the answers and in the trail.
#pragma once

#include <gtest/gtest.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "control/audit_desk.hpp"
#include "control/client.hpp"
#include "control/server.hpp"
#include "tests/temporary_directory.hpp"

namespace sallyport::control {

namespace json = boost::json;

// What no answer and no line of the trail may ever hold.
inline constexpr std::string_view planted[] = {"planted-secret-1", "planted-secret-2",
                                               "planted-refresh", "planted-password"};

struct reply {
    unsigned status = 0;
    json::value body;
    std::string code() const
    {
        const json::value* found =
            body.is_object() ? body.as_object().if_contains("code") : nullptr;
        return found != nullptr && found->is_string() ? std::string(found->get_string()) : "";
    }
    std::string text(std::string_view member) const
    {
        return std::string(body.as_object().at(member).as_string());
    }
};

// The trail's writer, which can be told that the disk is full.
class breakable_writer final : public audit::writer {
public:
    explicit breakable_writer(std::unique_ptr<audit::writer> real) : real_(std::move(real)) {}

    result<std::uint64_t> append(const audit::entry& line) override { return real_->append(line); }
    result<void> flush() override
    {
        if (broken) {
            return error_code(audit::errc::unwritable);
        }
        return real_->flush();
    }
    std::size_t queued_bytes() const noexcept override { return real_->queued_bytes(); }
    bool commits() const noexcept override { return real_->commits(); }
    void begin_commit(std::function<void()> ready) override
    {
        real_->begin_commit(std::move(ready));
    }
    result<void> finish_commit() override { return real_->finish_commit(); }

    std::atomic<bool> broken = false;

private:
    std::unique_ptr<audit::writer> real_;
};

class Gate : public testing::Test {
protected:
    Gate();
    ~Gate() override;
    void TearDown() override;

    reply ask(std::string_view method, std::string_view target, std::string_view body = "",
              std::string_view token = "admin-token");
    std::string add(std::string_view body);        // the id of a connection that was added
    std::string send_raw(std::string_view bytes);  // everything that came back
    std::string trail() const;                     // every line so far
    std::vector<json::object> lines(std::string_view kind) const;

    services offered();  // what the server was given

    temporary_directory home_;
    const std::filesystem::path directory_ = home_.path();
    boost::asio::awaitable<reload_outcome> reload() { co_return next_reload_; }

    client_options reach_;
    reload_outcome next_reload_;
    std::vector<std::string> not_ready_;
    std::unique_ptr<breakable_writer> writer_;

    boost::asio::io_context context_{1};
    std::unique_ptr<vault::keeper> keeper_;
    std::unique_ptr<audit_desk> desk_;
    std::unique_ptr<server> server_;

private:
    std::unique_ptr<audit::trail> trail_;
    std::unique_ptr<identity::token_minter> minter_;
    std::shared_ptr<const policy::catalogue> catalogue_;
    std::string heard_;
    std::thread thread_;
};

std::shared_ptr<const policy::catalogue> test_catalogue();
settings settings_in(const std::filesystem::path& directory);

}  // namespace sallyport::control
