#include "audit/retention.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <limits>
#include <optional>
#include <vector>

#include "audit/compress.hpp"
#include "audit/covered.hpp"
#include "audit/scan.hpp"
#include "audit/segment_index.hpp"

namespace sallyport::audit {

namespace {

struct kept_segment {
    segment which;
    std::uint64_t bytes = 0;
    unix_micros changed = 0;
    bool is_closed = false;
    bool is_first = false;  // of those of its writer that are left
};

std::vector<kept_segment> list_kept(int directory)
{
    std::vector<kept_segment> out;
    const std::optional<listing> found = list_segments(directory);
    for (const segment& one : found ? found->segments : std::vector<segment>()) {
        struct stat status {};
        if (::fstatat(directory, one.name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
            continue;
        }
        kept_segment next{
            one, static_cast<std::uint64_t>(status.st_size),
            status.st_mtim.tv_sec * unix_micros{1'000'000} + status.st_mtim.tv_nsec / 1000};
        next.is_first = out.empty() || out.back().which.stem != one.stem;
        if (!next.is_first) {
            out.back().is_closed = true;
        }
        next.is_closed =
            !std::binary_search(found->markers.begin(), found->markers.end(), one.stem);
        out.push_back(std::move(next));
    }
    return out;
}

// How far each writer is covered by the checkpoint `last`, where that or a later one lists it.
// Who is not listed and not open was closed before, and is covered to its end.
std::map<std::string, std::uint64_t> covered_by(int directory, std::uint64_t last)
{
    std::map<std::string, std::uint64_t> out;
    note_follower notes(directory);
    notes.rewind_to(last);
    while (notes.next()) {
        for (const writer_head& one : notes.checkpoint().heads) {
            if (one.state == head_state::pruned) {
                continue;
            }
            const auto [known, is_new] = out.try_emplace(one.stem, 0);
            if (notes.checkpoint().number <= last) {
                known->second = one.head.seq;
            }
        }
    }
    return out;
}

// The last line of a segment; nullopt if its lines do not follow one another.
std::optional<chain_head> end_of(int directory, const segment& which)
{
    const file_descriptor file = open_segment(directory, which);
    if (!file.is_open()) {
        return std::nullopt;
    }
    line_reader reader(file.get());
    chain_checker chain(chain_checker::start::anywhere);
    line_reader::state state = reader.next();
    while (state == line_reader::state::line && chain.check(reader.text()).empty()) {
        state = reader.next();
    }
    if (state != line_reader::state::end || chain.head().seq == 0) {
        return std::nullopt;
    }
    return chain.head();
}

bool prune(const directory& where, const segment& which,
           const std::map<std::string, std::uint64_t>& covered)
{
    const int at = where.self.get();
    const std::optional<chain_head> end = end_of(at, which);
    const auto known = covered.find(which.stem);
    if (!end || (known != covered.end() && known->second < end->seq)) {
        return false;
    }
    if (!where.checkpoints->prune({which.stem, *end, head_state::pruned})) {
        return false;
    }
    ::unlinkat(at, index_name(which.name).c_str(), 0);
    ::unlinkat(at, (which.name + ".torn").c_str(), 0);
    return ::unlinkat(at, which.name.c_str(), 0) == 0;
}

}  // namespace

retention::retention(std::shared_ptr<const directory> where, const keeping& rules,
                     std::function<std::uint64_t()> shipped)
    : where_(std::move(where)), rules_(rules), shipped_(std::move(shipped))
{
    thread_ = std::thread([this] { run(); });
}

retention::~retention()
{
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    wake_.notify_one();
    thread_.join();
}

void retention::run()
{
    std::unique_lock lock(mutex_);
    while (!stopping_) {
        lock.unlock();
        static_cast<void>(look(*where_, rules_, shipped_, now_micros()));
        lock.lock();
        wake_.wait_for(lock, interval, [this] { return stopping_; });
    }
}

retention::work retention::look(const directory& where, const keeping& rules,
                                const std::function<std::uint64_t()>& shipped, unix_micros now)
{
    work done;
    const auto settled_before =
        now - std::chrono::duration_cast<std::chrono::microseconds>(settle_time).count();
    const auto is_settled = [&](const kept_segment& one) {
        return one.is_closed && one.changed < settled_before;
    };
    if (rules.compress) {
        for (const kept_segment& one : list_kept(where.self.get())) {
            if (is_settled(one) && !one.which.is_compressed() &&
                compress_segment(where.self.get(), one.which)) {
                ::unlinkat(where.self.get(), index_name(one.which.name).c_str(), 0);
                ++done.compressed;
            }
        }
    }
    if (rules.age.count() == 0 && rules.bytes == 0) {
        return done;
    }
    const std::uint64_t last = shipped ? shipped() : std::numeric_limits<std::uint64_t>::max();
    if (last == 0) {
        return done;  // It is not known how far the stream is.
    }
    const auto covered = covered_by(where.self.get(), last);
    const auto too_old =
        now - std::chrono::duration_cast<std::chrono::microseconds>(rules.age).count();
    std::vector<std::string> stuck;  // writers of which nothing more can go
    for (;;) {
        std::uint64_t total = 0;
        std::optional<kept_segment> oldest;
        for (const kept_segment& one : list_kept(where.self.get())) {
            total += one.bytes;
            const bool may_go =
                one.is_first && is_settled(one) &&
                std::find(stuck.begin(), stuck.end(), one.which.stem) == stuck.end();
            if (may_go && (!oldest || one.changed < oldest->changed)) {
                oldest = one;
            }
        }
        const bool is_due = oldest && ((rules.age.count() != 0 && oldest->changed < too_old) ||
                                       (rules.bytes != 0 && total > rules.bytes));
        if (!is_due) {
            return done;
        }
        if (prune(where, oldest->which, covered)) {
            ++done.deleted;
        } else {
            stuck.push_back(oldest->which.stem);
        }
    }
}

}  // namespace sallyport::audit
