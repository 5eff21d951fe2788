// A vault as it runs in a gate: the keeper on a thread of its own, the resolver of one worker on
// the caller's. Every function is for the thread that made the object. Whatever fails is thrown.
#pragma once

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_future.hpp>
#include <chrono>
#include <future>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>

#include "vault/keeper.hpp"

namespace sallyport::vault {

class running_vault {
public:
    static constexpr std::size_t secret_bytes = 200;
    static constexpr std::chrono::seconds ready_within{10};

    running_vault(std::string store, std::string master_key)
    {
        settings with;
        with.store = std::move(store);
        with.master_key = std::move(master_key);
        keeper_ = keeper::open(control_, with);
        thread_ = std::thread([this] { control_.run(); });
        forget();
    }
    ~running_vault()
    {
        resolver_.reset();
        control_.stop();
        thread_.join();
        keeper_.reset();
    }
    running_vault(const running_vault&) = delete;
    running_vault& operator=(const running_vault&) = delete;

    // The id of a new connection, some time.
    std::future<result<connection>> add()
    {
        connection fresh;
        fresh.workspace = "acme";
        fresh.user = "ann";
        fresh.provider = "bench";
        fresh.kind = "bearer";
        fresh.scopes_granted = {"things:read", "things:write"};
        credential fields;
        fields.push_back({"secret", secret(std::string(secret_bytes, 't'))});
        auto adding = keeper_->add(std::move(fresh), std::move(fields));
        return boost::asio::co_spawn(control_, std::move(adding), boost::asio::use_future);
    }

    // Seals everything anew under a new generation, as `key rotate --workspace` does.
    void rotate()
    {
        data_progress made;
        while (!made.done) {
            auto rotating = keeper_->keys().rotating().rotate("acme", made.generation);
            auto step =
                boost::asio::co_spawn(control_, std::move(rotating), boost::asio::use_future);
            made = step.get().value();
        }
    }

    void save_uses()
    {
        auto saving = keeper_->save_uses();
        boost::asio::co_spawn(control_, std::move(saving), boost::asio::use_future).get().value();
    }

    // An empty cache.
    void forget() { resolver_ = keeper_->make_resolver(worker_); }

    resolver& of_worker() { return *resolver_; }

    // Runs a question of the resolver to its end; whether it was answered.
    template <class T>
    bool ask(boost::asio::awaitable<result<T>> question)
    {
        std::optional<bool> answered;
        boost::asio::co_spawn(worker_, std::move(question),
                              [&](std::exception_ptr thrown, const result<T>& answer) {
                                  answered = thrown == nullptr && answer.has_value();
                              });
        worker_.restart();
        while (!answered) {
            worker_.run_one();
        }
        return *answered;
    }

    bool find(const std::string& id) { return ask(resolver_->fetch(id)); }

    // A gate on Redis serves once it has heard from it.
    void await_readiness()
    {
        const auto limit = std::chrono::steady_clock::now() + ready_within;
        while (!ask(resolver_->fetch_run_live("acme", "any"))) {
            if (std::chrono::steady_clock::now() > limit) {
                throw std::runtime_error("the vault does not get ready");
            }
        }
    }

private:
    boost::asio::io_context control_{1};
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> busy_ =
        boost::asio::make_work_guard(control_);
    boost::asio::io_context worker_{1};
    std::unique_ptr<keeper> keeper_;
    std::unique_ptr<resolver> resolver_;
    std::thread thread_;
};

}  // namespace sallyport::vault
