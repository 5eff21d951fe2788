#include "proxy/trail_gate.hpp"

#include <boost/asio/post.hpp>

namespace sallyport::proxy {

namespace asio = net::asio;

error_code trail_gate::append(const audit::entry& line)
{
    const result<std::uint64_t> appended =
        disk_hangs_ ? error_code(audit::errc::unwritable) : writer_->append(line);
    if (!appended) {
        counts_.trail_lines_refused.add();
        return appended.error();
    }
    counts_.trail_lines.add();
    schedule();  // Also for lines nobody waits for: an outcome rides with the turn's batch.
    return {};
}

// Behind the handlers that are ready now, so that one write carries the lines of them all.
void trail_gate::schedule()
{
    if (scheduled_ || commit_under_way_) {
        return;
    }
    scheduled_ = true;
    asio::post(runtime_.io(), [this] { flush(); });
}

void trail_gate::flush()
{
    scheduled_ = false;
    if (writer_->commits()) {
        begin_commit();
        return;
    }
    const bool written = static_cast<bool>(writer_->flush());
    resume(waiting_, written);
}

void trail_gate::begin_commit()
{
    if (commit_under_way_ || writer_->queued_bytes() == 0) {
        return;
    }
    commit_under_way_ = true;
    std::swap(waiting_, committing_);
    patience_.expires_after(commit_timeout);
    patience_.async_wait([this](const error_code& stopped) {
        if (!stopped) {
            give_up_waiting();
        }
    });
    writer_->begin_commit([this] { asio::post(runtime_.io(), [this] { end_commit(); }); });
}

void trail_gate::end_commit()
{
    const bool written = static_cast<bool>(writer_->finish_commit());
    commit_under_way_ = false;
    disk_hangs_ = false;
    patience_.cancel();
    if (writer_->queued_bytes() != 0) {
        schedule();
    }
    resume(committing_, written);
    if (!written) {
        resume(waiting_, false);  // Their lines followed those that failed.
    }
}

void trail_gate::give_up_waiting()
{
    if (commit_under_way_) {
        disk_hangs_ = true;
        resume(committing_, false);
        resume(waiting_, false);
    }
}

void trail_gate::resume(waiters& all, bool written)
{
    last_flush_succeeded_ = written;
    (written ? counts_.trail_flushes : counts_.trail_flushes_failed).add();
    std::swap(all, resuming_);
    for (auto& waiter : resuming_) {
        std::move(waiter)();
    }
    resuming_.clear();
}

}  // namespace sallyport::proxy
