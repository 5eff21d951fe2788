#include "audit/body_journal.hpp"

#include <utility>

#include "audit/trail.hpp"

namespace sallyport::audit {

body_journal::room::~room()
{
    if (of_ != nullptr) {
        of_->taken_.fetch_sub(bytes_, std::memory_order_relaxed);
    }
}

body_journal::body_journal(const settings& trail, std::unique_ptr<body_sealer> sealer,
                           std::function<void(const kept_call&, const error_code&)> lost)
    : directory_(trail.directory),
      rules_(trail.keeping),
      sealer_(std::move(sealer)),
      lost_(std::move(lost)),
      thread_([this] { run(); })
{
}

body_journal::~body_journal() { stop(); }

std::optional<body_journal::room> body_journal::take_room(std::size_t bytes) noexcept
{
    if (taken_.fetch_add(bytes, std::memory_order_relaxed) + bytes > room_bytes_max) {
        taken_.fetch_sub(bytes, std::memory_order_relaxed);
        return std::nullopt;
    }
    return room(*this, bytes);
}

void body_journal::put(kept_call call)
{
    {
        const std::lock_guard lock(mutex_);
        queue_.push_back(std::move(call));
    }
    wake_.notify_one();
}

void body_journal::stop()
{
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    wake_.notify_one();
    if (thread_.joinable()) {
        thread_.join();
    }
}

void body_journal::run()
{
    using clock = std::chrono::steady_clock;
    const file_descriptor directory = open_directory(directory_);
    body_writer writer(directory.get());
    auto next_look = clock::now();
    std::optional<clock::time_point> give_up_at;
    std::unique_lock lock(mutex_);
    for (;;) {
        wake_.wait_until(lock, next_look, [this] { return stopping_ || !queue_.empty(); });
        if (stopping_ && !give_up_at) {
            give_up_at = clock::now() + farewell;
        }
        std::optional<kept_call> next;
        if (!queue_.empty()) {
            next.emplace(std::move(queue_.front()));
            queue_.pop_front();
        } else if (stopping_) {
            return;
        }
        lock.unlock();
        if (next) {
            const bool in_time = !give_up_at || clock::now() < *give_up_at;
            const result<void> kept =
                in_time ? keep(writer, *next) : make_error_code(errc::backlog_full);
            if (!kept) {
                lost_(*next, kept.error());
            }
        }
        if (clock::now() >= next_look) {
            writer.close_if_old();
            prune_bodies(directory.get(), rules_, writer.open_number(), now_micros());
            next_look = clock::now() + look_interval;
        }
        next.reset();
        lock.lock();
    }
}

result<void> body_journal::keep(body_writer& writer, const kept_call& call)
{
    std::vector<sealed_body> sealed;
    for (const kept_body& one : call.bodies) {
        result<std::string> made =
            sealer_->seal(call.workspace, call.call_id, one.side, one.body.text());
        if (!made) {
            return made.error();
        }
        sealed.push_back({call.call_id, call.workspace, one.side, now_micros(), std::move(*made)});
    }
    if (!writer.append(sealed)) {
        return make_error_code(errc::unwritable);
    }
    return {};
}

}  // namespace sallyport::audit
