#include "audit/scan.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/time.hpp"
#include "base/ulid.hpp"

namespace sallyport::audit {

namespace {

constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

constexpr int hex_value(char c) noexcept
{
    if (is_digit(c)) {
        return c - '0';
    }
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// The length of the escape at the start of `text`, 0 if it is none that line_maker writes.
std::size_t escape_size(std::string_view text) noexcept
{
    if (text.size() < 2) {
        return 0;
    }
    switch (text[1]) {
        case '"':
        case '\\':
        case 'n':
        case 'r':
        case 't': return 2;
        case 'u': break;
        default: return 0;
    }
    const bool low = text.size() >= 6 && text[2] == '0' && text[3] == '0' &&
                     hex_value(text[4]) >= 0 && hex_value(text[4]) < 8 && hex_value(text[5]) >= 0;
    return low ? 6 : 0;
}

bool is_hash(std::string_view text) noexcept
{
    return text.size() == hash_text_size &&
           std::all_of(text.begin(), text.end(), [](char c) { return hex_value(c) >= 0; });
}

bool is_name_char(char c) noexcept { return is_digit(c) || c == '_' || (c >= 'a' && c <= 'z'); }

bool read_seq(std::string_view raw, std::uint64_t& out) noexcept
{
    const auto [end, error] = std::from_chars(raw.data(), raw.data() + raw.size(), out);
    return error == std::errc{} && end == raw.data() + raw.size() && out != 0;
}

}  // namespace

bool line_scanner::take(char c) noexcept
{
    if (rest_.empty() || rest_.front() != c) {
        return false;
    }
    rest_.remove_prefix(1);
    return true;
}

bool line_scanner::take_text(std::string_view& out) noexcept
{
    if (!take('"')) {
        return false;
    }
    std::size_t at = 0;
    while (at < rest_.size() && rest_[at] != '"') {
        if (static_cast<unsigned char>(rest_[at]) < 0x20) {
            return false;
        }
        const std::size_t size = rest_[at] == '\\' ? escape_size(rest_.substr(at)) : 1;
        if (size == 0) {
            return false;
        }
        at += size;
    }
    if (at >= rest_.size()) {
        return false;
    }
    out = rest_.substr(0, at);
    rest_.remove_prefix(at + 1);
    return true;
}

bool line_scanner::take_value(member& out) noexcept
{
    if (rest_.empty()) {
        return false;
    }
    if (rest_.front() == '"') {
        out.type = member::type::text;
        return take_text(out.raw);
    }
    const std::string_view start = rest_;
    if (take('[')) {
        out.type = member::type::list;
        std::string_view ignored;
        if (!take(']')) {
            do {
                if (!take_text(ignored)) {
                    return false;
                }
            } while (take(','));
            if (!take(']')) {
                return false;
            }
        }
        out.raw = start.substr(0, start.size() - rest_.size());
        return true;
    }
    std::size_t digits = 0;
    while (digits < rest_.size() && is_digit(rest_[digits])) {
        ++digits;
    }
    out.type = member::type::number;
    out.raw = rest_.substr(0, digits);
    rest_.remove_prefix(digits);
    return digits != 0 && (digits == 1 || out.raw.front() != '0');
}

bool line_scanner::next(member& out)
{
    if (complete_) {
        return false;
    }
    if (started_ && take('}')) {
        complete_ = rest_.empty();
        return false;
    }
    if (!take(started_ ? ',' : '{')) {
        return false;
    }
    started_ = true;
    return take_text(out.name) && !out.name.empty() &&
           std::all_of(out.name.begin(), out.name.end(), is_name_char) && take(':') &&
           take_value(out);
}

std::optional<line_frame> read_frame(std::string_view line)
{
    static constexpr std::array<std::string_view, 6> first = {"id",   "time",   "kind",
                                                              "node", "writer", "seq"};
    line_frame out;
    std::array<std::string_view, first.size()> values;
    line_scanner scanner(line);
    member one;
    for (std::size_t i = 0; i < first.size(); ++i) {
        const auto type = i == 5 ? member::type::number : member::type::text;
        if (!scanner.next(one) || one.name != first[i] || one.type != type) {
            return std::nullopt;
        }
        values[i] = one.raw;
    }
    bool has_prev = false, has_hash = false;
    while (scanner.next(one)) {
        const bool again = std::find(first.begin(), first.end(), one.name) != first.end();
        if (again || has_hash || has_prev != (one.name == "hash")) {
            return std::nullopt;
        }
        if (one.name == "prev") {
            has_prev = one.type == member::type::text;
            out.prev = one.raw;
        } else if (one.name == "hash") {
            has_hash = one.type == member::type::text;
            out.hash = one.raw;
        }
    }
    if (!scanner.complete() || !has_hash || !is_hash(out.prev) || !is_hash(out.hash) ||
        !ulid::parse(values[0]) || values[1].size() != rfc3339_size || !parse_rfc3339(values[1]) ||
        !read_seq(values[5], out.seq)) {
        return std::nullopt;
    }
    out.id = values[0], out.time = values[1], out.kind = values[2];
    out.node = values[3], out.writer = values[4];
    constexpr std::size_t tail = std::string_view(R"(,"hash":""})").size() + hash_text_size;
    out.hashed = line.substr(0, line.size() - tail);
    return out;
}

std::optional<std::string_view> find_member(std::string_view line, std::string_view name)
{
    line_scanner scanner(line);
    member one;
    while (scanner.next(one)) {
        if (one.name == name) {
            return one.raw;
        }
    }
    return std::nullopt;
}

std::string unescape(std::string_view raw)
{
    std::string out;
    out.reserve(raw.size());
    for (std::size_t at = 0; at < raw.size();) {
        const std::size_t size = raw[at] == '\\' ? escape_size(raw.substr(at)) : 1;
        if (size == 0) {
            break;
        }
        char c = size == 2 ? raw[at + 1] : raw[at];
        if (size == 2 && (c == 'n' || c == 'r' || c == 't')) {
            c = c == 'n' ? '\n' : c == 'r' ? '\r' : '\t';
        } else if (size == 6) {
            c = static_cast<char>(hex_value(raw[at + 4]) * 16 + hex_value(raw[at + 5]));
        }
        out += c;
        at += size;
    }
    return out;
}

std::string_view chain_checker::check(std::string_view line)
{
    const std::optional<line_frame> frame = read_frame(line);
    if (!frame) {
        return "is not a line of the trail";
    }
    frame_ = *frame;
    std::array<char, hash_text_size> hash;
    hash_.write_hex(frame->hashed, hash.data());
    if (frame->hash != std::string_view(hash.data(), hash.size())) {
        return "its hash is not the hash of its bytes";
    }
    if (!anywhere_) {
        if (writer_.empty()) {
            node_ = frame->node;
            writer_ = frame->writer;
        }
        if (frame->node != node_ || frame->writer != writer_) {
            return "it belongs to another writer";
        }
        if (frame->seq != head_.seq + 1) {
            return frame->seq > head_.seq ? "lines before it are missing"
                                          : "it stands after lines that follow it";
        }
        if (frame->prev != head_.hash_text()) {
            return "its prev is not the hash of the line before it";
        }
    } else {
        node_ = frame->node;
        writer_ = frame->writer;
        anywhere_ = false;
    }
    head_.seq = frame->seq;
    head_.hash = hash;
    return {};
}

}  // namespace sallyport::audit
