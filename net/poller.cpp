#include "net/poller.hpp"

#include <system_error>

namespace sallyport::net {

poller::poller(boost::asio::io_context& io) : set_(io.get_executor())
{
    const int descriptor = ::epoll_create1(EPOLL_CLOEXEC);
    if (descriptor < 0) {
        throw std::system_error(errno, std::system_category(), "epoll_create1");
    }
    set_.assign(descriptor);
    wait();
}

error_code poller::add(int descriptor, pollable& item)
{
    epoll_event event{};
    event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
    event.data.ptr = &item;
    if (::epoll_ctl(set_.native_handle(), EPOLL_CTL_ADD, descriptor, &event) != 0) {
        return {errno, boost::system::system_category()};
    }
    return {};
}

// Closing the descriptor takes it out of the set; what is left are events already fetched.
void poller::forget(const pollable& item) noexcept
{
    for (std::size_t i = 0; i < count_; ++i) {
        if (events_[i].data.ptr == &item) {
            events_[i].data.ptr = nullptr;
        }
    }
}

void poller::wait()
{
    set_.async_wait(decltype(set_)::wait_read, [this](const error_code& error) {
        if (error || stopped_) {
            return;
        }
        dispatch();
        if (!stopped_) {  // The last event may have ended everything.
            wait();
        }
    });
}

void poller::dispatch()
{
    const int ready =
        ::epoll_wait(set_.native_handle(), events_.data(), static_cast<int>(events_max), 0);
    count_ = ready > 0 ? static_cast<std::size_t>(ready) : 0;
    for (std::size_t i = 0; i < count_; ++i) {
        if (auto* const item = static_cast<pollable*>(events_[i].data.ptr)) {
            item->on_events(events_[i].events);
        }
    }
    count_ = 0;
}

void poller::stop()
{
    stopped_ = true;
    error_code ignored;
    set_.cancel(ignored);
}

}  // namespace sallyport::net
