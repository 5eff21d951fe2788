#include "audit/chain_files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace sallyport::audit {

namespace {

constexpr mode_t file_mode = 0600;

}  // namespace

chain_files::chain_files(std::shared_ptr<const directory> where, std::string stem)
    : where_(std::move(where)), stem_(std::move(stem))
{
}

chain_files::~chain_files() { close(false); }

bool chain_files::open() { return open_segment(); }

bool chain_files::open_segment()
{
    const int at = where_->self.get();
    constexpr int fresh = O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC | O_NOFOLLOW;
    if (!posted_) {
        // Not O_EXCL: an earlier try may have put the marker down and failed afterwards.
        const file_descriptor marker(
            ::openat(at, marker_name(stem_).c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, file_mode));
        if (!marker.is_open()) {
            return false;
        }
        auto announced = where_->checkpoints->announce(stem_);
        if (!announced) {
            return false;
        }
        posted_ = std::move(*announced);
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
    if (where_->durable == durability::write) {
        posted_->begin_file(file_descriptor(::fcntl(file.get(), F_DUPFD_CLOEXEC, 0)));
    }
    file_ = std::move(file);
    ++number_;
    written_ = reserved_ = 0;
    begun_ = std::chrono::steady_clock::now();
    return true;
}

// Where it fails every sync is dearer, and a full disk is found by the write.
void chain_files::reserve(std::uint64_t bytes)
{
    if (where_->durable == durability::write || written_ + bytes <= reserved_) {
        return;
    }
    const std::uint64_t more = bytes + preallocated_bytes;
    if (::fallocate(file_.get(), FALLOC_FL_KEEP_SIZE, static_cast<off_t>(written_),
                    static_cast<off_t>(more)) == 0) {
        reserved_ = written_ + more;
    }
}

chain_files::outcome chain_files::append(std::string_view lines, const chain_head& head)
{
    if (!file_.is_open() && !open_segment()) {
        return outcome::undone;
    }
    reserve(lines.size());
    if (!write_all(file_.get(), lines)) {
        return give_up(false);
    }
    // A failed fdatasync may have marked the pages clean: to ask again would be to be lied to.
    if (where_->durable == durability::fsync && ::fdatasync(file_.get()) != 0) {
        return give_up(true);
    }
    written_ += lines.size();
    where_->checkpoints->count(head.seq - acknowledged_.seq);
    acknowledged_ = head;
    posted_->post(head);
    const bool is_old = where_->segment_age.count() != 0 &&
                        std::chrono::steady_clock::now() - begun_ >= where_->segment_age;
    if (written_ >= where_->segment_bytes || is_old) {
        end_segment();
    }
    return outcome::done;
}

void chain_files::end_segment()
{
    if (file_.is_open() && reserved_ > written_) {
        // Where it fails, the space stays taken until the segment goes.
        [[maybe_unused]] const int freed = ::ftruncate(file_.get(), static_cast<off_t>(written_));
    }
    file_.close();
}

chain_files::outcome chain_files::give_up(bool in_doubt)
{
    const int at = where_->self.get();
    const bool undone = ::ftruncate(file_.get(), static_cast<off_t>(written_)) == 0 && !in_doubt;
    file_.close();
    if (undone) {
        if (written_ == 0 && ::unlinkat(at, segment_name(stem_, number_).c_str(), 0) == 0) {
            --number_;
        }
        return outcome::undone;
    }
    // A chain that acknowledged nothing is taken away, so that a disk that fails every time does
    // not fill its directory. Should it come back, it is a sound chain that promised nothing.
    if (acknowledged_.seq == 0) {
        ::unlinkat(at, segment_name(stem_, number_).c_str(), 0);
        ::unlinkat(at, marker_name(stem_).c_str(), 0);
    }
    return outcome::in_doubt;
}

void chain_files::close(bool settled)
{
    if (!posted_) {
        return;
    }
    end_segment();
    posted_->close();
    posted_.reset();
    if (settled) {
        ::unlinkat(where_->self.get(), marker_name(stem_).c_str(), 0);
    }
}

}  // namespace sallyport::audit
