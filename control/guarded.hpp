// What runs beside the requests: an exception that escapes from it is a bug that the log is told
// of, never the gate's end.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <exception>
#include <utility>

namespace sallyport::control {

// For co_spawn. `who` is a literal.
class log_escaped {
public:
    explicit log_escaped(const char* who) : who_(who) {}
    void operator()(std::exception_ptr escaped) const;

private:
    const char* who_;
};

// What `work` gives, or `otherwise`: a round of what has to go on all the same.
template <class T>
boost::asio::awaitable<T> guarded(boost::asio::awaitable<T> work, T otherwise, const char* who)
{
    try {
        otherwise = co_await std::move(work);
    } catch (const std::exception&) {
        log_escaped{who}(std::current_exception());
    }
    co_return otherwise;
}

boost::asio::awaitable<void> guarded(boost::asio::awaitable<void> work, const char* who);

}  // namespace sallyport::control
