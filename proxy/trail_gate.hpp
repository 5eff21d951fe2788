// The trail's place on the hot path: lines are queued by any number of calls in one turn of the
// event loop and written with one write(2); the calls that must not go on before their line is
// written wait here (DESIGN.md 5).
#pragma once

#include <vector>

#include "audit/trail.hpp"
#include "net/runtime.hpp"

namespace sallyport::proxy {

class trail_gate {
public:
    trail_gate(net::runtime& runtime, std::unique_ptr<audit::writer> writer)
        : runtime_(runtime), writer_(std::move(writer))
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

    // Writes what is queued now.
    bool flush();

private:
    void schedule();

    net::runtime& runtime_;
    std::unique_ptr<audit::writer> writer_;
    std::vector<net::asio::any_completion_handler<void()>> waiting_, resuming_;
    bool scheduled_ = false;
    bool last_flush_succeeded_ = true;
};

}  // namespace sallyport::proxy
