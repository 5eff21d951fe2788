// What every connection of one worker shares: the event loop, a coarse clock with deadlines, and
// recycled buffers. One per worker; nothing here is thread-safe, nothing needs to be.
#pragma once

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/intrusive/list.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "net/poller.hpp"

namespace sallyport::net {

namespace asio = boost::asio;

using executor = asio::io_context::executor_type;
template <class T = void>
using task =
    asio::awaitable<T, executor>;  // A concrete executor: nothing is type-erased per await.

// Where one coroutine waits for something that another part of the same thread announces.
class wake_point {
public:
    bool waiting() const noexcept { return waiter_.has_value(); }

    // Resumes the waiter, on this stack. Nothing happens when nobody waits.
    void wake()
    {
        if (waiter_) {
            handler waiter(std::move(*waiter_));
            waiter_.reset();
            std::move(waiter)();
        }
    }

    // co_await point.wait(): until wake() is called. One waiter at a time.
    auto wait()
    {
        return asio::async_initiate<const asio::deferred_t, void()>(
            [this](auto waiter) { waiter_.emplace(std::move(waiter)); }, asio::deferred);
    }

private:
    // Never assigned, only emplaced: Boost 1.81's move assignment of this type copies and recurses.
    using handler = asio::any_completion_handler<void()>;
    std::optional<handler> waiter_;
};

// Something that ends when its time has come. Deadlines are kept to the sweep's grain: they are
// limits against hostile or broken peers, not timers.
class timed : public boost::intrusive::list_base_hook<
                  boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
public:
    virtual void on_deadline() = 0;

    std::int64_t deadline = 0;  // Runtime milliseconds; 0: none.

protected:
    ~timed() = default;
};

// A block of memory that goes back to its pool when it dies.
class buffer_pool;
class buffer {
public:
    static constexpr std::size_t small_size = 4 * 1024;
    static constexpr std::size_t large_size = 68 * 1024;  // Four TLS records and their framing.

    buffer() = default;
    buffer(buffer&& other) noexcept { swap(other); }
    buffer& operator=(buffer&& other) noexcept
    {
        swap(other);
        return *this;
    }
    ~buffer();

    char* data() const noexcept { return data_.get(); }
    std::size_t capacity() const noexcept { return capacity_; }

private:
    friend class buffer_pool;
    void swap(buffer& other) noexcept
    {
        std::swap(pool_, other.pool_);
        std::swap(data_, other.data_);
        std::swap(capacity_, other.capacity_);
    }

    buffer_pool* pool_ = nullptr;
    std::unique_ptr<char[]> data_;
    std::size_t capacity_ = 0;
};

class buffer_pool {
public:
    static constexpr std::size_t kept_max = 256;  // of each size

    buffer take(std::size_t size);

private:
    friend class buffer;
    void give_back(std::unique_ptr<char[]> data, std::size_t capacity) noexcept;

    std::vector<std::unique_ptr<char[]>> small_;
    std::vector<std::unique_ptr<char[]>> large_;
};

class runtime {
public:
    static constexpr std::chrono::milliseconds sweep_interval{100};

    explicit runtime(asio::io_context& io);

    asio::io_context& io() noexcept { return io_; }
    std::int64_t now() const noexcept { return now_; }  // Milliseconds, as of the last sweep.
    void add(timed& item) { timed_.push_back(item); }

    // Ends the sweep and the polling; the loop can then run out of work.
    void stop();

    net::poller poller;
    buffer_pool buffers;
    std::string encrypted;  // Where TLS records are built before they are sent. Empty between uses.

private:
    void sweep();
    void schedule();

    asio::io_context& io_;
    asio::basic_waitable_timer<std::chrono::steady_clock,
                               asio::wait_traits<std::chrono::steady_clock>, executor>
        timer_;
    std::int64_t now_ = 0;
    bool stopped_ = false;
    boost::intrusive::list<timed, boost::intrusive::constant_time_size<false>> timed_;
};

}  // namespace sallyport::net
