#include "audit/covered.hpp"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <limits>

#include "audit/line.hpp"
#include "audit/scan.hpp"

namespace sallyport::audit {

namespace {

constexpr std::uint64_t scanned_bytes = 256u << 10;  // rather than halved further

std::optional<std::uint64_t> to_number(std::string_view text) noexcept
{
    std::uint64_t value = 0;
    const char* const last = text.data() + text.size();
    const auto [end, error] = std::from_chars(text.data(), last, value);
    if (text.empty() || error != std::errc{} || end != last) {
        return std::nullopt;
    }
    return value;
}

std::uint64_t seq_of(std::string_view line)
{
    const auto raw = find_member(line, "seq");
    return raw ? to_number(*raw).value_or(0) : 0;
}

// Of the first line that begins at `offset` or, unless that is 0, behind it. 0: there is none.
std::uint64_t seq_behind(int file, std::uint64_t offset, std::uint64_t& start)
{
    line_reader reader(file, offset == 0 ? 0 : offset - 1);
    if (offset != 0 && reader.next() != line_reader::state::line) {
        return 0;
    }
    if (reader.next() != line_reader::state::line) {
        return 0;
    }
    start = reader.start();
    return seq_of(reader.text());
}

std::uint64_t first_seq(const file_descriptor& segment)
{
    std::uint64_t start = 0;
    return segment.is_open() ? seq_behind(segment.get(), 0, start) : 0;
}

// Where the line `seq` stands in a segment whose first line is not behind it, or the segment's end.
std::uint64_t offset_of(int file, std::uint64_t seq)
{
    std::uint64_t low = 0;  // a line starts here, at most `seq`
    std::uint64_t high = size_of(file);
    while (high - low > scanned_bytes) {
        std::uint64_t start = 0;
        const std::uint64_t middle = low + (high - low) / 2;
        const std::uint64_t found = seq_behind(file, middle, start);
        if (found != 0 && found <= seq && start < high) {
            low = start;
        } else {
            high = middle;
        }
    }
    line_reader reader(file, low);
    while (reader.next() == line_reader::state::line) {
        if (seq_of(reader.text()) >= seq) {
            return reader.start();
        }
    }
    return reader.end();
}

}  // namespace

std::string to_string(place where)
{
    return std::to_string(where.checkpoint) + '-' + std::to_string(where.line);
}

std::optional<place> parse_place(std::string_view text)
{
    const std::size_t dash = text.find('-');
    if (dash == std::string_view::npos) {
        return std::nullopt;
    }
    const auto checkpoint = to_number(text.substr(0, dash));
    const auto line = to_number(text.substr(dash + 1));
    if (!checkpoint || !line) {
        return std::nullopt;
    }
    return place{*checkpoint, *line};
}

bool note_follower::open(std::uint32_t number)
{
    file_descriptor file = open_regular(directory_, checkpoint_file_name(number));
    if (!file.is_open()) {
        return false;
    }
    reader_.emplace(std::move(file));
    file_ = number;
    return true;
}

bool note_follower::next()
{
    if (!reader_) {
        rewind_to(0);
        if (!reader_) {
            return false;
        }
    }
    for (;;) {
        // A file that another one follows has ended, torn or not; asked for first, so that nothing
        // can be appended in between.
        const bool is_last = !open_regular(directory_, checkpoint_file_name(file_ + 1)).is_open();
        switch (reader_->next()) {
            case checkpoint_reader::state::note:
                if (checkpoint().number <= last_) {
                    continue;  // Read again from the start of its file.
                }
                last_ = checkpoint().number;
                return true;
            case checkpoint_reader::state::bad:
            case checkpoint_reader::state::failed:
                // What was read may have been half of a note that was taken back.
                if (is_last) {
                    open(file_);
                    return false;
                }
                break;
            case checkpoint_reader::state::end:
            case checkpoint_reader::state::torn: break;
        }
        if (is_last || !open(file_ + 1)) {
            return false;
        }
    }
}

bool note_follower::sync() const
{
    const file_descriptor file = open_regular(directory_, checkpoint_file_name(file_));
    return file.is_open() && ::fdatasync(file.get()) == 0;
}

void note_follower::rewind_to(std::uint64_t number)
{
    reader_.reset();
    last_ = 0;
    const auto files = list_checkpoint_files(directory_);
    for (const std::uint32_t file : files ? *files : std::vector<std::uint32_t>()) {
        checkpoint_reader first(open_regular(directory_, checkpoint_file_name(file)));
        if (reader_ && (first.next() != checkpoint_reader::state::note ||
                        first.checkpoint().number > number)) {
            continue;
        }
        open(file);
    }
}

covered_reader::covered_reader(const std::string& directory)
    : directory_(open_directory(directory)), notes_(directory_.get()), scout_(directory_.get())
{
}

bool covered_reader::seek(place where)
{
    heads_.clear();
    cursors_.clear();
    ranges_.clear();
    in_note_ = false;
    at_ = {};
    lines_read_ = 0;
    notes_.rewind_to(where.checkpoint == 0 ? 0 : where.checkpoint - 1);
    if (where.checkpoint == 0) {
        return true;
    }
    while (begin_note()) {
        if (at_.checkpoint == where.checkpoint) {
            pass_over(where.line);
            return true;
        }
        end_note();
    }
    return false;
}

void covered_reader::seek_to_end()
{
    seek({});
    notes_.rewind_to(std::numeric_limits<std::uint64_t>::max());
    while (begin_note()) {
        end_note();
    }
}

// Takes up the next checkpoint, if there is one.
bool covered_reader::begin_note()
{
    if (!notes_.next()) {
        return false;
    }
    const audit::checkpoint& now = notes_.checkpoint();
    for (const writer_head& one : now.heads) {
        if (one.state == head_state::pruned) {
            continue;
        }
        const auto known = heads_.find(one.stem);
        const std::uint64_t before = known == heads_.end() ? 0 : known->second;
        if (one.head.seq > before) {
            ranges_.push_back({one.stem, before + 1, one.head.seq});
        }
    }
    at_ = {now.number, 0};
    in_note_ = true;
    return true;
}

void covered_reader::end_note()
{
    const audit::checkpoint& now = notes_.checkpoint();
    std::uint64_t lines = 0;
    for (const range& one : ranges_) {
        lines += one.last - one.first + 1;
    }
    at_.line += lines;
    ranges_.clear();
    heads_.clear();
    for (const writer_head& one : now.heads) {
        if (one.state == head_state::pruned) {
            continue;
        }
        heads_.emplace(one.stem, one.head.seq);
        if (one.state != head_state::open) {
            cursors_.erase(one.stem);
        }
    }
    lines_read_ = now.lines;
    in_note_ = false;
}

void covered_reader::pass_over(std::uint64_t lines)
{
    while (lines != 0 && !ranges_.empty()) {
        range& one = ranges_.front();
        const std::uint64_t some = std::min(lines, one.last - one.first + 1);
        one.first += some;
        at_.line += some;
        lines_read_ += some;
        lines -= some;
        if (one.first > one.last) {
            ranges_.pop_front();
        }
    }
}

std::vector<covered_reader::item> covered_reader::read(std::size_t items, std::size_t bytes)
{
    std::vector<item> out;
    std::size_t used = 0;
    while (out.size() < items && (out.empty() || used < bytes)) {
        if (!in_note_ && !begin_note()) {
            break;
        }
        if (!ranges_.empty()) {
            read_range(out, items, bytes, used);
            continue;
        }
        end_note();
        out.push_back({at_, std::string(notes_.note().bytes), at_.checkpoint});
        used += out.back().text.size();
    }
    return out;
}

// Lines of the first range, as many as there is room for.
void covered_reader::read_range(std::vector<item>& out, std::size_t items, std::size_t bytes,
                                std::size_t& used)
{
    range& wanted = ranges_.front();
    cursor& at = cursors_[wanted.stem];
    if (at.seq + 1 != wanted.first || !at.file.is_open()) {
        if (!locate(at, wanted.stem, wanted.first)) {
            pass_over(wanted.last - wanted.first + 1);
            return;
        }
    }
    line_reader reader(at.file.get(), at.offset);
    while (out.size() < items && (out.empty() || used < bytes)) {
        if (reader.next() != line_reader::state::line) {
            at = {};  // The next segment, or whatever is left behind a hole.
            return;
        }
        const std::uint64_t seq = seq_of(reader.text());
        if (seq > wanted.last) {
            pass_over(wanted.last - wanted.first + 1);
            return;
        }
        if (seq < wanted.first) {
            continue;
        }
        pass_over(seq - wanted.first + 1);  // More than one where some are no longer there.
        at.offset = reader.end();
        at.seq = seq;
        used += reader.text().size();
        out.push_back({at_, std::string(reader.text()), 0});
        if (ranges_.empty() || &ranges_.front() != &wanted) {
            return;
        }
    }
}

// At the line `seq`, or at the first one behind it that is still there.
bool covered_reader::locate(cursor& at, const std::string& stem, std::uint64_t seq)
{
    at = {};
    at.seq = seq - 1;
    std::optional<listing> found = list_segments(directory_.get());
    std::vector<segment> segments = found ? std::move(found->segments) : std::vector<segment>();
    std::erase_if(segments, [&](const segment& one) { return one.stem != stem; });
    // Halved rather than tried one by one: each may have to be inflated.
    std::size_t low = 0;
    for (std::size_t high = segments.size(); low + 1 < high;) {
        const std::size_t middle = low + (high - low) / 2;
        const std::uint64_t first = first_seq(open_segment(directory_.get(), segments[middle]));
        (first != 0 && first <= seq ? low : high) = middle;
    }
    for (; low < segments.size(); ++low) {
        at.file = open_segment(directory_.get(), segments[low]);
        const std::uint64_t first = first_seq(at.file);
        at.offset = first != 0 && first < seq ? offset_of(at.file.get(), seq) : 0;
        if (first != 0 && at.offset < size_of(at.file.get())) {
            return true;
        }
    }
    return false;
}

std::string covered_reader::identity() const
{
    checkpoint_reader first(open_regular(directory_.get(), checkpoint_file_name(1)));
    return first.next() == checkpoint_reader::state::note ? hash_of(first.note().bytes)
                                                          : std::string();
}

std::string covered_reader::hash_of_note(std::uint64_t number) const
{
    note_follower notes(directory_.get());
    notes.rewind_to(number);
    while (notes.next()) {
        if (notes.checkpoint().number == number) {
            return hash_of(notes.note().bytes);
        }
    }
    return {};
}

std::uint64_t covered_reader::behind()
{
    if (lines_covered_ == 0) {
        scout_.rewind_to(std::numeric_limits<std::uint64_t>::max());
    }
    while (scout_.next()) {
        lines_covered_ = scout_.checkpoint().lines;
    }
    return lines_covered_ > lines_read_ ? lines_covered_ - lines_read_ : 0;
}

}  // namespace sallyport::audit
