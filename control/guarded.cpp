#include "control/guarded.hpp"

#include <spdlog/spdlog.h>

#include <typeinfo>

namespace sallyport::control {

void log_escaped::operator()(std::exception_ptr escaped) const
{
    if (!escaped) {
        return;
    }
    try {
        std::rethrow_exception(escaped);
    } catch (const std::exception& bug) {
        // what() may quote a caller's bytes, so only the type is told.
        spdlog::error("control: {} threw {}", who_, typeid(bug).name());
    }
}

boost::asio::awaitable<void> guarded(boost::asio::awaitable<void> work, const char* who)
{
    try {
        co_await std::move(work);
    } catch (const std::exception&) {
        log_escaped{who}(std::current_exception());
    }
}

}  // namespace sallyport::control
