#include "audit/writer.hpp"

namespace sallyport::audit {

namespace {

constexpr std::string_view gap_detail =
    "a batch failed while it was made durable; its lines may stand at the end of an earlier chain";

}  // namespace

segment_writer::segment_writer(std::shared_ptr<const directory> where, std::string_view place)
    : where_(std::move(where)), place_(place)
{
    name_chain();
}

segment_writer::~segment_writer()
{
    if (thread_.joinable()) {
        {
            const std::lock_guard lock(mutex_);
            stopping_ = true;
        }
        wake_.notify_one();
        thread_.join();
        if (committing_.lines.size() != 0) {
            static_cast<void>(settle());
        }
    }
    const bool flushed = static_cast<bool>(flush());
    files_->close(flushed && unfinished_ == 0 && !lost_lines_);
}

void segment_writer::name_chain()
{
    const std::string id = place_ + '-' + make_ulid().text();
    lines_ = std::make_unique<line_maker>(where_->node, id);
    files_ = std::make_unique<chain_files>(where_, stem_of(where_->node, id));
    head_ = {};
    unfinished_ = 0;
}

result<void> segment_writer::open()
{
    if (!files_->open()) {
        return make_error_code(errc::unwritable);
    }
    if (commits()) {
        thread_ = std::thread([this] { run_commits(); });
    }
    return {};
}

result<std::uint64_t> segment_writer::append(const entry& line)
{
    if (queued_.size() >= backlog_bytes_max) {
        return make_error_code(errc::backlog_full);
    }
    if (after_gap_ && head_.seq == 0) {
        entry gap;
        gap.kind = kind::trail_gap;
        gap.time = line.time;
        gap.detail = gap_detail;
        lines_->append(queued_, gap, head_);
    }
    lines_->append(queued_, line, head_);
    if (counts_calls_) {
        unfinished_queued_ += line.kind == kind::call_intent    ? 1
                              : line.kind == kind::call_outcome ? -1
                                                                : 0;
    }
    return head_.seq;
}

void segment_writer::hand_over()
{
    std::swap(queued_, committing_.lines);
    committing_.head = head_;
    committing_.unfinished = std::exchange(unfinished_queued_, 0);
}

result<void> segment_writer::settle()
{
    committing_.lines.clear();
    if (committing_.outcome == chain_files::outcome::done) {
        unfinished_ += committing_.unfinished;
        return {};
    }
    // What was queued meanwhile follows lines that are not there.
    drop_queue();
    if (committing_.outcome == chain_files::outcome::in_doubt) {
        name_chain();
        after_gap_ = true;
    }
    return make_error_code(errc::unwritable);
}

void segment_writer::drop_queue()
{
    queued_.clear();
    unfinished_queued_ = 0;
    head_ = files_->acknowledged();
    lost_lines_ = true;
}

result<void> segment_writer::flush()
{
    if (queued_.size() == 0) {
        return {};
    }
    hand_over();
    committing_.outcome = files_->append(committing_.lines.text(), committing_.head);
    return settle();
}

void segment_writer::begin_commit(std::function<void()> ready)
{
    hand_over();
    {
        const std::lock_guard lock(mutex_);
        ready_ = std::move(ready);
    }
    wake_.notify_one();
}

result<void> segment_writer::finish_commit() { return settle(); }

void segment_writer::run_commits()
{
    std::unique_lock lock(mutex_);
    for (;;) {
        wake_.wait(lock, [this] { return ready_ || stopping_; });
        if (!ready_) {
            return;
        }
        lock.unlock();
        committing_.outcome = files_->append(committing_.lines.text(), committing_.head);
        lock.lock();
        const std::function<void()> ready = std::exchange(ready_, nullptr);
        lock.unlock();
        ready();
        lock.lock();
    }
}

}  // namespace sallyport::audit
