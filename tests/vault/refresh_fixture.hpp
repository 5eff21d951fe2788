// A keeper on a store of every kind, before an authorisation server in memory.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/vault/fake_tokens.hpp"
#include "tests/vault/fixture.hpp"
#include "tests/vault/redis_server.hpp"
#include "vault/keeper.hpp"

namespace sallyport::vault {

using std::chrono::milliseconds;
using std::chrono::seconds;
constexpr unix_micros second = 1'000'000;

class refresh_fixture : public testing::TestWithParam<std::string> {
protected:
    static void TearDownTestSuite() { server_.reset(); }

    refresh_fixture() : settings_(settings_in(directory_))
    {
        if (GetParam() == "redis") {
            if (!server_) {
                server_ = std::make_unique<redis_server>();
            }
            server_->empty();
            settings_.store = server_->url();
        }
        settings_.refresh.timeout = milliseconds(500);
        start();
    }

    void start()
    {
        keeper_ = keeper::open(*context_, settings_);
        keeper_->use_tokens(source_,
                            [this](const lifecycle_event& event) { told_.push_back(event); });
    }

    // As a killed process leaves the store.
    void kill()
    {
        keeper_.reset();
        context_.emplace();
    }

    template <class T>
    result<T> ask(task<T> work)
    {
        return run(*context_, std::move(work));
    }

    template <class T>
    error_code why(task<T> work)
    {
        const result<T> done = ask(std::move(work));
        return done ? error_code() : done.error();
    }

    connection add(std::chrono::microseconds left = seconds(-1))
    {
        connection fresh = example_connection();
        fresh.kind = "oauth2";
        fresh.expires_at = now_micros() + left.count();
        fresh.scopes_granted = {"read", "write"};
        fresh.variables = {{"region", "eu"}};
        const auto added = ask(keeper_->add(fresh, tokens_of("access0", "refresh0")));
        EXPECT_TRUE(added);
        return *added;
    }

    // Asks without waiting; the outcome stands there once there is one.
    std::shared_ptr<std::optional<result<connection>>> begin(const connection& stale)
    {
        auto outcome = std::make_shared<std::optional<result<connection>>>();
        boost::asio::co_spawn(*context_, keeper_->refresh(stale.id, stale.credential_version),
                              [outcome](std::exception_ptr bug, result<connection> answer) {
                                  EXPECT_FALSE(bug);
                                  outcome->emplace(std::move(answer));
                              });
        return outcome;
    }

    template <class Condition>
    void run_until(Condition condition)
    {
        const auto end = std::chrono::steady_clock::now() + test_limit;
        context_->restart();
        while (!condition() && std::chrono::steady_clock::now() < end) {
            context_->run_one_for(milliseconds(100));
        }
        ASSERT_TRUE(condition());
    }

    std::string stored(const std::string& id, std::string_view field)
    {
        const auto found = ask(keeper_->open(id));
        return found ? field_of(found->fields, field) : found.error().message();
    }

    int told(lifecycle_kind kind) const
    {
        return static_cast<int>(
            std::count_if(told_.begin(), told_.end(),
                          [kind](const lifecycle_event& event) { return event.what == kind; }));
    }

    static inline std::unique_ptr<redis_server> server_;
    temporary_directory directory_;
    settings settings_;
    std::shared_ptr<fake_tokens> source_ = std::make_shared<fake_tokens>();
    std::vector<lifecycle_event> told_;
    std::optional<boost::asio::io_context> context_{std::in_place};
    std::unique_ptr<keeper> keeper_;
};

}  // namespace sallyport::vault
