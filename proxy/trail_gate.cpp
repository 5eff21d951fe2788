#include "proxy/trail_gate.hpp"

#include <boost/asio/post.hpp>

namespace sallyport::proxy {

namespace asio = net::asio;

error_code trail_gate::append(const audit::entry& line)
{
    const auto appended = writer_->append(line);
    if (!appended) {
        return appended.error();
    }
    schedule();  // Also for lines nobody waits for: an outcome rides with the turn's batch.
    return {};
}

// Behind the handlers that are ready now, so that one write carries the lines of them all.
void trail_gate::schedule()
{
    if (scheduled_) {
        return;
    }
    scheduled_ = true;
    asio::post(runtime_.io(), [this] { flush(); });
}

bool trail_gate::flush()
{
    scheduled_ = false;
    last_flush_succeeded_ = static_cast<bool>(writer_->flush());
    std::swap(waiting_, resuming_);
    for (auto& waiter : resuming_) {
        std::move(waiter)();
    }
    resuming_.clear();
    return last_flush_succeeded_;
}

}  // namespace sallyport::proxy
