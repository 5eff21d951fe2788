// What a worker's resolver has asked the control thread, and is waiting for.
//
// Threading: the worker's, but for return_address::send. Lifetime: questions die with the resolver,
// before the worker's io_context; the control thread holds none of them.
#pragma once

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include "vault/error.hpp"
#include "vault/lease.hpp"

namespace sallyport::vault {

constexpr std::chrono::milliseconds fetch_timeout{10'000};

// Whether an answer may be used: the epoch as it stood before the question, and the gate's lease.
// The lease is read first: lease.hpp says why.
struct validity {
    const vault::lease* lease;
    const std::atomic<std::uint64_t>* epoch;
    std::uint64_t stamp;

    bool stands() const noexcept { return epoch->load(std::memory_order_acquire) == stamp; }
    bool good(std::int64_t now) const noexcept { return lease->holds(now) && stands(); }
};

// A question under way, and the coroutines waiting for its answer.
template <class Answer>
struct question {
    question(boost::asio::io_context& worker, const validity& from,
             std::chrono::milliseconds limit = fetch_timeout)
        : valid(from), answered(worker)
    {
        answered.expires_after(limit);
    }
    void settle(result<Answer> with)
    {
        outcome.emplace(std::move(with));
        answered.cancel();
    }

    validity valid;
    std::optional<result<Answer>> outcome;
    boost::asio::steady_timer answered;  // Cancelled when there is an outcome.
};

template <class Answer>
using questions = std::unordered_map<std::string, std::shared_ptr<question<Answer>>>;

// Where the control thread sends answers: nowhere, once the resolver is gone. Locked by cold calls
// alone.
struct return_address {
    std::mutex mutex;
    boost::asio::io_context* worker;

    template <class Handler>
    void send(Handler handler)
    {
        const std::lock_guard lock(mutex);
        if (worker != nullptr) {
            boost::asio::post(*worker, std::move(handler));
        }
    }
};

// Waits for the answer. An error where it timed out; throws if the waiting coroutine was cancelled.
template <class Answer>
boost::asio::awaitable<result<void>> wait_for(std::shared_ptr<question<Answer>> asked)
{
    if (!asked->outcome) {
        constexpr auto as_result = boost::asio::as_tuple(boost::asio::use_awaitable);
        const auto [ended] = co_await asked->answered.async_wait(as_result);
        if (!asked->outcome) {
            if (ended == boost::asio::error::operation_aborted) {
                throw boost::system::system_error(ended);
            }
            co_return errc::unavailable;
        }
    }
    co_return result<void>();
}

}  // namespace sallyport::vault
