#include "audit/query.hpp"

#include <algorithm>
#include <queue>
#include <tuple>

#include "audit/line.hpp"
#include "audit/segment_index.hpp"
#include "base/text.hpp"
#include "base/ulid.hpp"

namespace sallyport::audit {

namespace {

// The time of a line: it stands at a fixed place behind the id. Nullopt: no line of the trail.
std::optional<unix_micros> time_of(std::string_view line) noexcept
{
    constexpr std::size_t at = std::string_view(R"({"id":"","time":")").size() + ulid::text_size;
    if (!line.starts_with(R"({"id":")") || line.size() < at + rfc3339_size) {
        return std::nullopt;
    }
    return parse_rfc3339(line.substr(at, rfc3339_size));
}

bool is_number(std::string_view text) noexcept
{
    return !text.empty() && text.size() <= 19 &&
           std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// A query in the form that lines and blocks are compared with. A member's name in quotes cannot
// stand inside a text, whose quotes are escaped: so looking for the bytes is exact.
class matcher {
public:
    explicit matcher(const query& what)
        : from_(what.from), until_(what.until), abandoned_(what.abandoned)
    {
        if (!what.before_id.empty()) {
            before_ = R"({"id":")" + what.before_id;
        }
        for (const condition& one : what.all) {
            alternatives any;
            for (const std::string& value : one.values) {
                std::string text;
                append_json_string(text, value);
                const std::string name = "\"" + one.member + "\":";
                any.needles.push_back(name + text);
                any.raw.push_back(text.substr(1, text.size() - 2));
                if (is_number(value)) {
                    any.needles.push_back(name + value + ",");
                    any.needles.push_back(name + value + "}");
                }
            }
            any.member = one.member;
            any.indexed = is_indexed(one.member);
            all_.push_back(std::move(any));
        }
    }

    bool may_match(const index_block& block) const
    {
        return block.last_time >= from_ &&
               (block.first_time < until_ || (block.first_time == until_ && !before_.empty())) &&
               std::all_of(all_.begin(), all_.end(), [&](const alternatives& one) {
                   return !one.indexed ||
                          std::any_of(one.raw.begin(), one.raw.end(), [&](const std::string& raw) {
                              return block.may_have(one.member, raw);
                          });
               });
    }

    bool matches(std::string_view line, unix_micros time) const
    {
        return time >= from_ && (time < until_ || (time == until_ && line < before_)) &&
               std::all_of(all_.begin(), all_.end(), [&](const alternatives& one) {
                   return std::any_of(one.needles.begin(), one.needles.end(),
                                      [&](const std::string& needle) {
                                          return line.find(needle) != std::string_view::npos;
                                      });
               });
    }

    bool abandoned() const noexcept
    {
        return abandoned_ != nullptr && abandoned_->load(std::memory_order_relaxed);
    }

private:
    struct alternatives {
        std::string member;
        std::vector<std::string> raw, needles;
        bool indexed = false;
    };
    unix_micros from_, until_;
    std::string before_;  // the start of the line that the search before stopped at
    const std::atomic<bool>* abandoned_;
    std::vector<alternatives> all_;
};

constexpr std::uint64_t to_the_end = std::numeric_limits<std::uint64_t>::max();

// The blocks of a segment that may match; the last one is what no index covers yet.
std::vector<index_block> blocks_of(int directory, const segment& one, const matcher& match,
                                   effort& spent)
{
    std::vector<index_block> blocks = index_segment(directory, one);
    const bool is_complete = one.is_compressed();
    index_block rest;
    rest.begin = blocks.empty() ? 0 : blocks.back().end;
    rest.end = to_the_end;
    rest.last_time = std::numeric_limits<unix_micros>::max();
    spent.blocks += blocks.size() + (is_complete ? 0 : 1);
    std::erase_if(blocks, [&](const index_block& block) { return !match.may_match(block); });
    if (!is_complete) {
        blocks.push_back(rest);
    }
    return blocks;
}

struct found_line {
    unix_micros time = 0;
    std::string text;
};

// A line begins with its id.
struct later {
    bool operator()(const found_line& a, const found_line& b) const noexcept
    {
        return std::tie(a.time, a.text) > std::tie(b.time, b.text);
    }
};

// The matching lines of one writer, front to back.
class writer_cursor {
public:
    writer_cursor(int directory, std::vector<segment> segments, const matcher& match, effort& spent)
        : directory_(directory), segments_(std::move(segments)), match_(match), spent_(spent)
    {
    }

    bool next(found_line& out)
    {
        for (;;) {
            while (reader_ && !match_.abandoned() && reader_->next() == line_reader::state::line) {
                if (reader_->start() >= stop_) {
                    break;
                }
                spent_.bytes_read += reader_->text().size() + 1;
                const auto time = time_of(reader_->text());
                if (time && match_.matches(reader_->text(), *time)) {
                    out.time = *time;
                    out.text = reader_->text();
                    return true;
                }
            }
            if (match_.abandoned() || !next_block()) {
                return false;
            }
        }
    }

private:
    bool next_block()
    {
        reader_.reset();
        while (block_ == blocks_.size()) {
            if (segment_ == segments_.size()) {
                return false;
            }
            const segment& one = segments_[segment_++];
            file_ = open_segment(directory_, one);
            blocks_ = file_.is_open() ? blocks_of(directory_, one, match_, spent_)
                                      : std::vector<index_block>();
            block_ = 0;
        }
        ++spent_.blocks_read;
        stop_ = blocks_[block_].end;
        reader_.emplace(file_.get(), blocks_[block_++].begin);
        return true;
    }

    int directory_;
    std::vector<segment> segments_;
    const matcher& match_;
    effort& spent_;
    std::size_t segment_ = 0, block_ = 0;
    file_descriptor file_;
    std::vector<index_block> blocks_;
    std::optional<line_reader> reader_;
    std::uint64_t stop_ = 0;
};

std::vector<std::vector<segment>> writers_of(const listing& found)
{
    std::vector<std::vector<segment>> out;
    for (const segment& one : found.segments) {
        if (out.empty() || out.back().back().stem != one.stem) {
            out.emplace_back();
        }
        out.back().push_back(one);
    }
    return out;
}

}  // namespace

void for_each_line(const std::string& directory, const query& what,
                   const std::function<bool(std::string_view)>& each, effort* spent)
{
    effort own;
    effort& cost = spent != nullptr ? *spent : own;
    const matcher match(what);
    const file_descriptor open = open_directory(directory);
    const std::optional<listing> found = list_segments(open.get());
    std::vector<writer_cursor> cursors;
    for (auto& segments : found ? writers_of(*found) : std::vector<std::vector<segment>>()) {
        cursors.emplace_back(open.get(), std::move(segments), match, cost);
    }
    using head = std::pair<found_line, std::size_t>;
    const auto after = [](const head& a, const head& b) { return a.first.time > b.first.time; };
    std::priority_queue<head, std::vector<head>, decltype(after)> heads(after);
    for (std::size_t i = 0; i < cursors.size(); ++i) {
        found_line line;
        if (cursors[i].next(line)) {
            heads.emplace(std::move(line), i);
        }
    }
    while (!heads.empty()) {
        head top = heads.top();
        heads.pop();
        if (!each(top.first.text)) {
            return;
        }
        if (cursors[top.second].next(top.first)) {
            heads.push(std::move(top));
        }
    }
}

std::vector<std::string> find_newest(const std::string& directory, const query& what,
                                     std::size_t limit, effort* spent)
{
    limit = std::min(limit, found_lines_max);
    effort own;
    effort& cost = spent != nullptr ? *spent : own;
    const matcher match(what);
    const file_descriptor open = open_directory(directory);
    const std::optional<listing> found = list_segments(open.get());
    struct piece {
        const segment* of;
        index_block block;
    };
    std::vector<piece> pieces;
    const std::vector<segment> segments = found ? found->segments : std::vector<segment>();
    for (const segment& one : segments) {
        if (match.abandoned()) {
            break;
        }
        for (const index_block& block : blocks_of(open.get(), one, match, cost)) {
            pieces.push_back({&one, block});
        }
    }
    // The newest first: once enough lines are newer than all of a block, so are they than the rest.
    std::stable_sort(pieces.begin(), pieces.end(), [](const piece& a, const piece& b) {
        return a.block.last_time > b.block.last_time;
    });
    std::priority_queue<found_line, std::vector<found_line>, later> newest;
    for (const piece& one : pieces) {
        if (limit == 0 || match.abandoned() ||
            (newest.size() == limit && one.block.last_time < newest.top().time)) {
            break;
        }
        const file_descriptor file = open_segment(open.get(), *one.of);
        line_reader reader(file.get(), one.block.begin);
        ++cost.blocks_read;
        while (file.is_open() && reader.next() == line_reader::state::line &&
               reader.start() < one.block.end && !match.abandoned()) {
            cost.bytes_read += reader.text().size() + 1;
            const auto time = time_of(reader.text());
            if (!time || !match.matches(reader.text(), *time)) {
                continue;
            }
            newest.push({*time, std::string(reader.text())});
            if (newest.size() > limit) {
                newest.pop();
            }
        }
    }
    std::vector<std::string> out;
    while (!newest.empty()) {
        out.push_back(newest.top().text);
        newest.pop();
    }
    return out;
}

}  // namespace sallyport::audit
