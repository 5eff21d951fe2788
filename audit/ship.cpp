#include "audit/ship.hpp"

#include <algorithm>
#include <limits>

namespace sallyport::audit {

using clock = std::chrono::steady_clock;

shipper::shipper(std::string directory, std::unique_ptr<stream_sink> sink,
                 std::function<void(const std::string&)> told)
    : directory_(std::move(directory)),
      sink_(std::move(sink)),
      told_(std::move(told)),
      trimmed_at_(clock::now())
{
    thread_ = std::thread([this] { run(); });
}

shipper::~shipper()
{
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    wake_.notify_one();
    thread_.join();
}

std::uint64_t shipper::behind() const
{
    const std::lock_guard lock(mutex_);
    return behind_;
}

std::uint64_t shipper::shipped_checkpoint() const
{
    const std::lock_guard lock(mutex_);
    return shipped_;
}

bool shipper::is_stopping() const
{
    const std::lock_guard lock(mutex_);
    return stopping_;
}

bool shipper::pause(std::chrono::milliseconds time)
{
    std::unique_lock lock(mutex_);
    return !wake_.wait_for(lock, time, [this] { return stopping_; });
}

void shipper::tell(const std::string& trouble)
{
    if (trouble != trouble_) {
        trouble_ = trouble;
        told_(trouble);
    }
}

void shipper::run()
{
    while (!is_stopping()) {
        if (!ship_some()) {
            reader_.reset();
            pause(retry_interval);
        } else if (idle_) {
            pause(interval);
        }
    }
    const auto until = clock::now() + farewell;
    while (clock::now() < until && ship_some() && !idle_) {
    }
}

// Asks the stream where it stands and goes there.
bool shipper::begin()
{
    auto reader = std::make_unique<covered_reader>(directory_);
    const std::uint64_t covered = reader->behind();
    {
        const std::lock_guard lock(mutex_);
        behind_ = covered - std::min(covered, lines_shipped_);
    }
    const std::string identity = reader->identity();
    if (identity.empty()) {
        return false;  // Nothing was ever written.
    }
    const result<stream_sink::position> found = sink_->find(identity);
    if (!found) {
        tell(found.error().message());
        return false;
    }
    const bool is_ours =
        found->note == 0 || reader->hash_of_note(found->note) == hash_of(found->note_text);
    // Checkpoints come behind their lines, so all lines of the newest one are there.
    place from = found->line;
    if (found->note >= from.checkpoint) {
        from = {found->note, std::numeric_limits<std::uint64_t>::max()};
    }
    if (!is_ours || !reader->seek(from)) {
        tell("it holds a later or another history of this trail, which was put back or replaced");
        return false;
    }
    reader_ = std::move(reader);
    return true;
}

// False: the stream has to be found again.
bool shipper::ship_some()
{
    if (!reader_ && !begin()) {
        return false;
    }
    const std::vector<covered_reader::item> items = reader_->read(batch_items, batch_bytes);
    idle_ = items.empty();
    // What is in the stream must not be lost here, or its ids would be given again.
    if (!idle_ && items.back().at.checkpoint != synced_checkpoint_) {
        if (!reader_->sync()) {
            tell("the checkpoints cannot be made durable");
            return false;
        }
        synced_checkpoint_ = items.back().at.checkpoint;
    }
    if (const result<void> added = idle_ ? result<void>() : sink_->add(items); !added) {
        tell(added.error().message());
        return false;
    }
    tell("");
    const std::uint64_t behind = reader_->behind();
    lines_shipped_ = reader_->covered() - behind;
    {
        const std::lock_guard lock(mutex_);
        behind_ = behind;
        for (const covered_reader::item& one : items) {
            shipped_ = std::max(shipped_, one.note);
        }
    }
    if (clock::now() - trimmed_at_ >= trim_interval) {
        trimmed_at_ = clock::now();
        static_cast<void>(sink_->trim());  // What is too much in the stream is no fault of ours.
    }
    return true;
}

}  // namespace sallyport::audit
