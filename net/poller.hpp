// The sockets of one worker, in an epoll set of its own.
//
// Why not Asio's: Boost 1.81 begins every read with a receive that almost always finds nothing, and
// queues an operation for each. Here a socket is registered once, edge-triggered both ways, and is
// read when its edge arrives: one receive per message. Asio still runs the loop, the timers, the
// acceptors and everything that is not a call; it sees this set as one descriptor.
//
// Threading: the worker's thread alone.
#pragma once

#include <sys/epoll.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <array>
#include <cstdint>

#include "base/result.hpp"

namespace sallyport::net {

class pollable {
public:
    // EPOLLIN, EPOLLOUT, EPOLLRDHUP, EPOLLHUP, EPOLLERR as they became true.
    virtual void on_events(std::uint32_t events) = 0;

protected:
    ~pollable() = default;
};

class poller {
public:
    static constexpr std::size_t events_max = 256;  // taken from the kernel at once

    explicit poller(boost::asio::io_context& io);

    error_code add(int descriptor, pollable& item);
    // Call before the item dies or its descriptor is closed: no event reaches it any more.
    void forget(const pollable& item) noexcept;
    void stop();

private:
    void wait();
    void dispatch();

    boost::asio::posix::basic_stream_descriptor<boost::asio::io_context::executor_type> set_;
    std::array<epoll_event, events_max> events_{};
    std::size_t count_ = 0;
    bool stopped_ = false;
};

}  // namespace sallyport::net
