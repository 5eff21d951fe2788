// Every store behind the interface that the rest of the vault relies on; each test begins with an
// empty one.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "tests/vault/fixture.hpp"
#include "tests/vault/redis_server.hpp"
#include "vault/error.hpp"
#include "vault/open_store.hpp"

namespace sallyport::vault {

constexpr unix_micros second = 1'000'000;

class Store : public testing::TestWithParam<std::string> {
protected:
    static void TearDownTestSuite() { server_.reset(); }

    Store()
    {
        if (GetParam() == "sqlite") {
            where_ = "sqlite:" + directory_.file("vault.db");
        } else {
            if (!server_) {
                server_ = std::make_unique<redis_server>();
            }
            server_->empty();
            where_ = server_->url();
        }
        store_ = open_store(context_, where_);
    }

    template <class T>
    result<T> ask(task<T> work)
    {
        return run(context_, std::move(work));
    }

    error_code why(task<void> work)
    {
        const result<void> done = ask(std::move(work));
        return done ? error_code() : done.error();
    }

    template <class T>
    error_code why(task<T> work)
    {
        const result<T> done = ask(std::move(work));
        return done ? error_code() : done.error();
    }

    stored_connection insert(const std::string& name = "")
    {
        const stored_connection fresh{example_connection(name), std::string("sealed\0bytes", 12)};
        EXPECT_FALSE(why(store_->insert(fresh)));
        return fresh;
    }

    run_record live_run(const std::string& name)
    {
        run_record run{"acme", name, "ann", "mailer", now_micros(), now_micros() + 60 * second, 0};
        return run;
    }

    static inline std::unique_ptr<redis_server> server_;
    temporary_directory directory_;
    boost::asio::io_context context_;
    std::string where_;
    std::unique_ptr<store> store_;
};

}  // namespace sallyport::vault
