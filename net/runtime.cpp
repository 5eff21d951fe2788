#include "net/runtime.hpp"

namespace sallyport::net {

buffer::~buffer()
{
    if (pool_ != nullptr) {
        pool_->give_back(std::move(data_), capacity_);
    }
}

buffer buffer_pool::take(std::size_t size)
{
    buffer out;
    out.pool_ = this;
    out.capacity_ = size <= buffer::small_size ? buffer::small_size : buffer::large_size;
    auto& free_list = out.capacity_ == buffer::small_size ? small_ : large_;
    if (free_list.empty()) {
        out.data_.reset(new char[out.capacity_]);
    } else {
        out.data_ = std::move(free_list.back());
        free_list.pop_back();
    }
    return out;
}

void buffer_pool::give_back(std::unique_ptr<char[]> data, std::size_t capacity) noexcept
{
    auto& free_list = capacity == buffer::small_size ? small_ : large_;
    if (free_list.size() < kept_max) {
        if (free_list.capacity() == 0) {
            free_list.reserve(kept_max);
        }
        free_list.push_back(std::move(data));
    }
}

namespace {

std::int64_t steady_millis()
{
    using namespace std::chrono;
    return duration_cast<milliseconds>(steady_clock::now().time_since_epoch()).count();
}

}  // namespace

runtime::runtime(asio::io_context& io)
    : poller(io), io_(io), timer_(io.get_executor()), now_(steady_millis())
{
    schedule();
}

void runtime::schedule()
{
    timer_.expires_after(sweep_interval);
    timer_.async_wait([this](const boost::system::error_code& error) {
        if (!error && !stopped_) {
            sweep();
            schedule();
        }
    });
}

void runtime::sweep()
{
    now_ = steady_millis();
    for (auto at = timed_.begin(); at != timed_.end();) {
        timed& item = *at++;  // on_deadline may unlink the item.
        if (item.deadline != 0 && item.deadline <= now_) {
            item.deadline = 0;
            item.on_deadline();
        }
    }
}

void runtime::stop()
{
    stopped_ = true;
    timer_.cancel();
    poller.stop();
}

}  // namespace sallyport::net
