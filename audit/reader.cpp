#include "audit/reader.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <cstring>
#include <tuple>

#include "audit/line.hpp"
#include "audit/segments.hpp"
#include "base/time.hpp"
#include "base/ulid.hpp"

namespace sallyport::audit {

namespace {

constexpr std::size_t first_block_bytes = 64u << 10;
constexpr std::size_t last_block_bytes_max = 64u << 20;  // looked at backwards in one segment
constexpr unix_micros clock_slack = 1'000'000;           // a file's time is coarser than its lines'

// False for the rest of a line that was too long, and for what is no line of the trail at all.
bool begins_as_a_line(std::string_view line) noexcept { return line.starts_with(R"({"id":")"); }

// The time of a line, which is its sort key: it stands at a fixed place behind the id.
std::string_view time_of(std::string_view line) noexcept
{
    constexpr std::size_t at = std::string_view(R"({"id":"","time":")").size() + ulid::text_size;
    return line.size() >= at + rfc3339_size ? line.substr(at, rfc3339_size) : std::string_view();
}

void sort_by_time(std::vector<std::string>& lines)
{
    std::stable_sort(lines.begin(), lines.end(), [](const std::string& a, const std::string& b) {
        return time_of(a) < time_of(b);
    });
}

struct file_state {
    std::uint64_t size = 0;
    unix_micros changed = 0;
};

file_state state_of(int fd)
{
    struct stat status {};
    if (::fstat(fd, &status) != 0) {
        return {};
    }
    return {static_cast<std::uint64_t>(status.st_size),
            status.st_mtim.tv_sec * unix_micros{1'000'000} + status.st_mtim.tv_nsec / 1000};
}

struct file_end {
    std::vector<std::string> lines;  // oldest first
    std::uint64_t offset = 0;        // behind the last whole line
};

// The last `count` whole lines before `size`, in memory bounded by last_block_bytes_max.
file_end read_end(int fd, std::uint64_t size, std::size_t count)
{
    std::string block;
    for (std::size_t wanted = first_block_bytes;; wanted *= 4) {
        const std::size_t bytes = static_cast<std::size_t>(std::min<std::uint64_t>(size, wanted));
        block.resize(bytes);
        const ssize_t got = read_at(fd, block.data(), bytes, size - bytes);
        block.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
        const auto feeds = static_cast<std::size_t>(std::count(block.begin(), block.end(), '\n'));
        if (feeds > count || bytes == size || wanted >= last_block_bytes_max) {
            break;
        }
    }
    const std::size_t last = block.rfind('\n');
    if (last == std::string::npos) {
        return {};
    }
    file_end out;
    const std::uint64_t start = size - block.size();
    out.offset = start + last + 1;
    std::size_t end = last;
    while (out.lines.size() < count) {
        const std::size_t before = end == 0 ? std::string::npos : block.rfind('\n', end - 1);
        if (before == std::string::npos && start != 0) {
            break;  // The block begins somewhere in this line.
        }
        const std::size_t from = before == std::string::npos ? 0 : before + 1;
        const std::string_view line = std::string_view(block).substr(from, end - from);
        if (line.size() <= line_bytes_max && begins_as_a_line(line)) {
            out.lines.emplace_back(line);
        }
        if (before == std::string::npos) {
            break;
        }
        end = before;
    }
    std::reverse(out.lines.begin(), out.lines.end());
    return out;
}

// The whole lines behind `offset`, which moves on past them.
void read_behind(int fd, std::uint64_t& offset, std::vector<std::string>& out)
{
    const std::uint64_t stop = offset + tail_reader::bytes_per_read_max;
    while (offset < stop) {
        line_reader reader(fd, offset);
        line_reader::state state = reader.next();
        for (; state == line_reader::state::line; state = reader.next()) {
            if (begins_as_a_line(reader.text())) {
                out.emplace_back(reader.text());
            }
            offset = reader.end();
            if (offset >= stop) {
                return;
            }
        }
        if (state != line_reader::state::too_long) {
            return;
        }
        offset += line_bytes_max;
    }
}

}  // namespace

tail_reader::tail_reader(std::string directory) : directory_(std::move(directory))
{
    (void)read_last(0);
}

std::vector<std::string> tail_reader::read_last(std::size_t count)
{
    count = std::min(count, last_lines_max);
    struct candidate {
        segment which;
        file_state state;
    };
    std::vector<candidate> candidates;
    const file_descriptor directory = open_directory(directory_);
    const std::optional<listing> found = list_segments(directory.get());
    for (const segment& one : found ? found->segments : std::vector<segment>()) {
        const file_descriptor file = open_regular(directory.get(), one.name);
        if (file.is_open()) {
            candidates.push_back({one, state_of(file.get())});
        }
    }
    std::sort(candidates.begin(), candidates.end(), [](const candidate& a, const candidate& b) {
        return a.state.changed > b.state.changed;
    });
    std::vector<std::string> newest;
    for (const candidate& one : candidates) {
        // Once enough lines are newer than a file's last change, it can add none.
        const bool full = newest.size() == count;
        const auto oldest = full && count != 0 ? parse_rfc3339(time_of(newest.front()))
                                               : std::optional<unix_micros>();
        const bool too_old = oldest && one.state.changed + clock_slack < *oldest;
        if (one.which.is_compressed() && (too_old || count == 0)) {
            continue;  // Nothing is appended to it.
        }
        const file_descriptor file = open_segment(directory.get(), one.which);
        file_end end = read_end(file.get(), size_of(file.get()), too_old ? 0 : count);
        offsets_[one.which.name] = end.offset;
        std::move(end.lines.begin(), end.lines.end(), std::back_inserter(newest));
        sort_by_time(newest);
        if (newest.size() > count) {
            newest.erase(newest.begin(), newest.end() - static_cast<std::ptrdiff_t>(count));
        }
    }
    return newest;
}

std::vector<std::string> tail_reader::read_new()
{
    std::vector<std::string> out;
    const file_descriptor directory = open_directory(directory_);
    const std::optional<listing> found = list_segments(directory.get());
    if (!found) {
        return out;
    }
    for (const segment& one : found->segments) {
        // What is compressed was a plain file long enough to be read.
        const file_descriptor file =
            one.is_compressed() ? file_descriptor() : open_regular(directory.get(), one.name);
        if (file.is_open()) {
            read_behind(file.get(), offsets_[one.name], out);
        }
    }
    std::erase_if(offsets_, [&](const auto& known) {
        return std::none_of(found->segments.begin(), found->segments.end(),
                            [&](const segment& one) { return one.name == known.first; });
    });
    sort_by_time(out);
    return out;
}

}  // namespace sallyport::audit
