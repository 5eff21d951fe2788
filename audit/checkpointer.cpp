#include "audit/checkpointer.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "audit/checkpoint_end.hpp"

namespace sallyport::audit {

namespace {

using clock = std::chrono::steady_clock;

std::string origin_of(const std::string& node)
{
    std::string out = stem_of(node, "");
    out.pop_back();
    return out + "/audit";
}

}  // namespace

void posted_head::post(const chain_head& head)
{
    const std::lock_guard lock(mutex_);
    told_.head = head;
    changed_ = true;
}

void posted_head::begin_file(file_descriptor copy)
{
    const std::lock_guard lock(mutex_);
    files_.push_back(std::move(copy));
    has_begun_file_ = true;
}

void posted_head::close()
{
    const std::lock_guard lock(mutex_);
    told_.state = head_state::closed;
    changed_ = true;
}

checkpointer::checkpointer(int directory, const std::string& node, durability durable)
    : directory_(directory), durable_(durable), origin_(origin_of(node))
{
}

result<std::unique_ptr<checkpointer>> checkpointer::open(int directory, const std::string& node,
                                                         durability durable)
{
    std::optional<checkpoint_end> end = find_checkpoint_end(directory);
    if (!end) {
        return make_error_code(errc::unwritable);
    }
    std::unique_ptr<checkpointer> made(new checkpointer(directory, node, durable));
    made->file_number_ = end->file;
    made->number_ = end->number;
    made->previous_ = std::move(end->previous);
    made->lines_before_ = end->lines_closed;
    made->left_open_ = std::move(end->open);
    made->closed_before_ = std::move(end->closed);
    return made;
}

result<void> checkpointer::begin(std::vector<writer_head> found)
{
    std::unique_lock lock(mutex_);
    found_ = std::move(found);
    if (!open_file() || !write(true)) {
        return make_error_code(errc::unwritable);
    }
    lock.unlock();
    thread_ = std::thread([this] { run(); });
    return {};
}

checkpointer::~checkpointer()
{
    if (!thread_.joinable()) {
        return;
    }
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    wake_.notify_one();
    thread_.join();
}

// A new file and a new key: the file's first checkpoint names it.
bool checkpointer::open_file()
{
    file_descriptor fresh(::openat(directory_, checkpoint_file_name(file_number_ + 1).c_str(),
                                   O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC | O_NOFOLLOW,
                                   0600));
    if (!fresh.is_open()) {
        return false;
    }
    file_ = std::move(fresh);
    ++file_number_;
    file_size_ = 0;
    signer_ = std::make_unique<note_signer>(origin_);
    key_made_ = clock::now();
    return ::fsync(directory_) == 0;
}

result<std::shared_ptr<posted_head>> checkpointer::announce(std::string stem)
{
    auto head = std::make_shared<posted_head>(std::move(stem));
    const std::lock_guard lock(mutex_);
    writers_.push_back(head);
    if (!write(true)) {
        writers_.pop_back();
        return make_error_code(errc::unwritable);
    }
    return head;
}

bool checkpointer::prune(writer_head up_to)
{
    const std::lock_guard lock(mutex_);
    pruned_.push_back(std::move(up_to));
    const bool written = write(true);
    pruned_.clear();
    return written;
}

bool checkpointer::cover()
{
    const std::lock_guard lock(mutex_);
    return write(false);
}

void checkpointer::count(std::uint64_t lines) noexcept
{
    const std::uint64_t before = lines_.fetch_add(lines, std::memory_order_relaxed);
    if (before / lines_max != (before + lines) / lines_max) {
        wake_.notify_one();
    }
}

void checkpointer::run()
{
    std::unique_lock lock(mutex_);
    while (!stopping_) {
        wake_.wait_for(lock, interval);
        write(clock::now() - written_at_ >= idle_interval);
    }
    write(false);
}

// The heads as they stand, on disk by the time this returns. Writers that were closed are listed
// once more and then no longer.
std::vector<writer_head> checkpointer::collect(bool& changed)
{
    std::vector<writer_head> out = found_;
    changed = !found_.empty();
    bool has_begun_file = false;
    for (const std::shared_ptr<posted_head>& writer : writers_) {
        std::vector<file_descriptor> files;
        {
            const std::lock_guard lock(writer->mutex_);
            out.push_back(writer->told_);
            changed = changed || writer->changed_;
            writer->changed_ = false;
            files = std::move(writer->files_);
            has_begun_file = std::exchange(writer->has_begun_file_, false) || has_begun_file;
        }
        if (durable_ == durability::fsync || files.empty()) {
            continue;
        }
        for (const file_descriptor& file : files) {
            // What a failed sync loses, a power cut would have lost as well: not promised here.
            static_cast<void>(::fsync(file.get()));
        }
        // Lines may have been added meanwhile, also by a writer that is closed by now.
        if (out.back().state == head_state::open) {
            const std::lock_guard lock(writer->mutex_);
            writer->files_.insert(writer->files_.begin(), std::move(files.back()));
        }
    }
    if (has_begun_file) {
        static_cast<void>(::fsync(directory_));
    }
    return out;
}

// Under the lock. `always`: also if no head has moved.
bool checkpointer::write(bool always)
{
    bool changed = false;
    checkpoint next;
    next.heads = collect(changed);
    if (!always && !changed) {
        return true;
    }
    next.heads.insert(next.heads.end(), pruned_.begin(), pruned_.end());
    if (!put(next)) {
        for (const auto& writer : writers_) {
            const std::lock_guard lock(writer->mutex_);
            writer->changed_ = true;  // Tried again with the next.
        }
        return false;
    }
    for (const writer_head& one : next.heads) {
        if (one.state == head_state::closed || one.state == head_state::adopted) {
            lines_before_ += one.head.seq;
            std::erase_if(writers_,
                          [&](const auto& writer) { return writer->told_.stem == one.stem; });
        }
    }
    found_.clear();
    return true;
}

bool checkpointer::put(checkpoint& what)
{
    if (file_size_ >= file_bytes_max && !open_file()) {
        return false;
    }
    std::unique_ptr<note_signer> heir;
    if (file_size_ == 0) {
        what.key = signer_->key_text();
    } else if (clock::now() - key_made_ >= key_lifetime) {
        heir = std::make_unique<note_signer>(origin_);
        what.key = heir->key_text();
    }
    what.origin = origin_;
    what.number = number_ + 1;
    what.time = now_micros();
    what.previous = previous_;
    what.lines = lines_before_;
    for (const writer_head& one : what.heads) {
        what.lines += one.state == head_state::pruned ? 0 : one.head.seq;
    }
    const std::string note = signer_->sign(to_text(what));
    const bool is_written = write_all(file_.get(), note);
    if (!is_written || ::fsync(file_.get()) != 0) {
        // After a failed sync whatever of it stands there is the torn end of a file that nothing
        // follows in: it may come back.
        if (::ftruncate(file_.get(), static_cast<off_t>(file_size_)) != 0 || is_written) {
            file_size_ = file_bytes_max;
        }
        return false;
    }
    file_size_ += note.size();
    ++number_;
    previous_ = hash_of(note);
    written_at_ = clock::now();
    if (heir) {
        signer_ = std::move(heir);
        key_made_ = written_at_;
    }
    return true;
}

}  // namespace sallyport::audit
