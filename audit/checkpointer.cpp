#include "audit/checkpointer.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

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
}

void posted_head::close()
{
    const std::lock_guard lock(mutex_);
    told_.state = head_state::closed;
    changed_ = true;
}

checkpointer::checkpointer(int directory, const std::string& node, durability durable)
    : directory_(directory), durable_(durable), origin_(origin_of(node)), previous_(64, '0')
{
}

result<std::unique_ptr<checkpointer>> checkpointer::open(int directory, const std::string& node,
                                                         durability durable)
{
    std::unique_ptr<checkpointer> made(new checkpointer(directory, node, durable));
    if (!made->read_end()) {
        return make_error_code(errc::unwritable);
    }
    return made;
}

// The last whole checkpoint of the last file that has one. What is wrong with the others is
// verify's to say.
bool checkpointer::read_end()
{
    const auto numbers = list_checkpoint_files(directory_);
    if (!numbers) {
        return false;
    }
    file_number_ = numbers->empty() ? 0 : numbers->back();
    for (auto at = numbers->rbegin(); at != numbers->rend() && number_ == 0; ++at) {
        checkpoint_reader reader(open_regular(directory_, checkpoint_file_name(*at)));
        while (reader.next() == checkpoint_reader::state::note) {
            const checkpoint& last = reader.checkpoint();
            number_ = last.number;
            previous_ = hash_of(reader.note().bytes);
            lines_before_ = last.lines;
            left_open_.clear();
            for (const writer_head& one : last.heads) {
                if (one.state == head_state::open) {
                    lines_before_ -= one.head.seq;
                    left_open_.push_back(one.stem);
                }
            }
        }
    }
    return true;
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
    return durable_ == durability::write || ::fsync(directory_) == 0;
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
    const bool written = write(true) && ::fsync(file_.get()) == 0;
    pruned_.clear();
    return written;
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
    for (const std::shared_ptr<posted_head>& writer : writers_) {
        std::vector<file_descriptor> files;
        {
            const std::lock_guard lock(writer->mutex_);
            out.push_back(writer->told_);
            changed = changed || writer->changed_;
            writer->changed_ = false;
            files = std::move(writer->files_);
        }
        if (durable_ == durability::fsync || files.empty()) {
            continue;
        }
        for (const file_descriptor& file : files) {
            // What a failed sync loses, a power cut would have lost as well: not promised here.
            static_cast<void>(::fsync(file.get()));
        }
        const std::lock_guard lock(writer->mutex_);
        if (writer->told_.state == head_state::open) {
            writer->files_.insert(writer->files_.begin(), std::move(files.back()));
        }
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
    if (!write_all(file_.get(), note) ||
        (durable_ == durability::fsync && ::fsync(file_.get()) != 0)) {
        // Whatever of it stands there is the torn end of a file that nothing follows in.
        if (::ftruncate(file_.get(), static_cast<off_t>(file_size_)) != 0 ||
            durable_ == durability::fsync) {
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
