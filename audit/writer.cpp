#include "audit/writer.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace sallyport::audit {

namespace {

constexpr mode_t file_mode = 0600;
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
    const bool flushed = static_cast<bool>(flush());
    file_.close();
    if (flushed && unfinished_ == 0 && !lost_lines_) {
        ::unlinkat(where_->self.get(), marker_name(stem_).c_str(), 0);
    }
}

void segment_writer::name_chain()
{
    id_ = place_ + '-' + make_ulid().text();
    stem_ = stem_of(where_->node, id_);
    lines_ = std::make_unique<line_maker>(where_->node, id_);
    head_ = acknowledged_ = {};
    number_ = 0;
    unfinished_ = 0;
}

result<void> segment_writer::open()
{
    if (!open_segment()) {
        return make_error_code(errc::unwritable);
    }
    return {};
}

bool segment_writer::open_segment()
{
    const int at = where_->self.get();
    constexpr int fresh = O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC | O_NOFOLLOW;
    if (number_ == 0) {
        // Not O_EXCL: an earlier try may have put the marker down and failed afterwards.
        const file_descriptor marker(
            ::openat(at, marker_name(stem_).c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, file_mode));
        if (!marker.is_open()) {
            return false;
        }
    }
    const std::string name = segment_name(stem_, number_ + 1);
    file_descriptor file(::openat(at, name.c_str(), fresh, file_mode));
    if (!file.is_open()) {
        return false;
    }
    if (where_->durable == durability::fsync && ::fsync(at) != 0) {
        ::unlinkat(at, name.c_str(), 0);
        return false;
    }
    file_ = std::move(file);
    ++number_;
    written_ = 0;
    return true;
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

result<void> segment_writer::flush()
{
    if (queued_.size() == 0) {
        return {};
    }
    if (!file_.is_open() && !open_segment()) {
        drop_queue();
        return make_error_code(errc::unwritable);
    }
    if (!write_all(file_.get(), queued_.text())) {
        give_up_segment(false);
        return make_error_code(errc::unwritable);
    }
    // A failed fdatasync may have marked the pages clean: to ask again would be to be lied to.
    if (where_->durable == durability::fsync && ::fdatasync(file_.get()) != 0) {
        give_up_segment(true);
        return make_error_code(errc::unwritable);
    }
    written_ += queued_.size();
    acknowledged_ = head_;
    unfinished_ += std::exchange(unfinished_queued_, 0);
    queued_.clear();
    if (written_ >= where_->segment_bytes) {
        file_.close();
    }
    return {};
}

// `in_doubt`: parts of the batch may come back with the disk, whatever is truncated now.
void segment_writer::give_up_segment(bool in_doubt)
{
    const int at = where_->self.get();
    const bool undone = ::ftruncate(file_.get(), static_cast<off_t>(written_)) == 0 && !in_doubt;
    file_.close();
    drop_queue();
    if (undone && written_ == 0 && ::unlinkat(at, segment_name(stem_, number_).c_str(), 0) == 0) {
        --number_;
    }
    if (undone) {
        return;
    }
    // A chain that acknowledged nothing is taken away, so that a disk that fails every time does
    // not fill its directory. Should it come back, it is a sound chain that promised nothing.
    if (acknowledged_.seq == 0) {
        ::unlinkat(at, segment_name(stem_, number_).c_str(), 0);
        ::unlinkat(at, marker_name(stem_).c_str(), 0);
    }
    name_chain();
    after_gap_ = true;
}

void segment_writer::drop_queue()
{
    queued_.clear();
    unfinished_queued_ = 0;
    head_ = acknowledged_;
    lost_lines_ = true;
}

}  // namespace sallyport::audit
