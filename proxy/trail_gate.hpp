// The trail's place on the hot path: lines are queued by any number of calls in one turn of the
// event loop and written with one write(2); the calls that must not go on before their line is
// written wait here (DESIGN.md 5). With durability `fsync` the batch is handed to the writer's own
// thread; what is queued until the disk has answered makes the next batch.
//
// A disk that does not answer within commit_timeout refuses the calls that wait, and all further
// ones until it does. Their lines may be on it all the same: intents without an outcome, which the
// next start closes as `outcome_unknown`.
#pragma once

#include <chrono>
#include <memory>
#include <vector>

#include "audit/trail.hpp"
#include "net/runtime.hpp"
#include "proxy/metrics.hpp"

namespace sallyport::proxy {

class trail_gate {
public:
    static constexpr std::chrono::seconds commit_timeout{2};

    trail_gate(net::runtime& runtime, std::unique_ptr<audit::writer> writer,
               worker_counts<counter>& counts)
        : runtime_(runtime),
          writer_(std::move(writer)),
          counts_(counts),
          patience_(runtime.io().get_executor())
    {
    }

    // Queues a line. An error means that it will not be written: the call must be refused.
    error_code append(const audit::entry& line);

    // co_await gate.written(): until everything queued so far is written. last_written() then says
    // whether it was.
    auto written()
    {
        return net::asio::async_initiate<const net::asio::deferred_t, void()>(
            [this](auto waiter) { waiting_.emplace_back(std::move(waiter)); }, net::asio::deferred);
    }
    bool last_written() const noexcept { return last_flush_succeeded_; }

    // Writes what is queued now, or sees to it that it is written.
    void flush();

private:
    using waiters = std::vector<net::asio::any_completion_handler<void()>>;

    void schedule();
    void begin_commit();
    void end_commit();
    void give_up_waiting();
    void resume(waiters& all, bool written);

    net::runtime& runtime_;
    std::unique_ptr<audit::writer> writer_;
    worker_counts<counter>& counts_;
    net::asio::basic_waitable_timer<
        std::chrono::steady_clock, net::asio::wait_traits<std::chrono::steady_clock>, net::executor>
        patience_;
    waiters waiting_, committing_, resuming_;
    bool scheduled_ = false;
    bool commit_under_way_ = false;
    bool disk_hangs_ = false;
    bool last_flush_succeeded_ = true;
};

}  // namespace sallyport::proxy
