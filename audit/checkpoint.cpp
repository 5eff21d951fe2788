#include "audit/checkpoint.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "audit/sha256.hpp"
#include "base/encoding.hpp"

namespace sallyport::audit {

namespace {

constexpr std::string_view file_prefix = "checkpoints-", file_suffix = ".notes";
constexpr std::size_t number_digits = 6;
constexpr std::size_t read_bytes = 256u << 10;

std::string_view name_of(head_state value) noexcept
{
    switch (value) {
        case head_state::open: return "open";
        case head_state::closed: return "closed";
        case head_state::adopted: return "adopted";
        case head_state::pruned: return "pruned";
    }
    return "open";
}

std::optional<head_state> parse_state(std::string_view text) noexcept
{
    for (const auto value :
         {head_state::open, head_state::closed, head_state::adopted, head_state::pruned}) {
        if (name_of(value) == text) {
            return value;
        }
    }
    return std::nullopt;
}

std::optional<std::uint64_t> to_number(std::string_view text) noexcept
{
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    const bool whole = error == std::errc{} && end == text.data() + text.size();
    // One text for one number.
    if (!whole || (text.size() > 1 && text.front() == '0')) {
        return std::nullopt;
    }
    return value;
}

bool is_hash(std::string_view text) noexcept
{
    return text.size() == hash_text_size && std::all_of(text.begin(), text.end(), [](char c) {
               return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
           });
}

std::string base64_hash(std::string_view bytes) { return to_base64(*from_hex(hash_of(bytes))); }

// Takes `text` apart, line by line and word by word. What was asked for and is not there makes the
// whole of it bad.
class taker {
public:
    explicit taker(std::string_view text) : rest_(text) {}

    std::string_view line()
    {
        const std::size_t feed = rest_.find('\n');
        if (feed == std::string_view::npos || feed == 0) {
            good_ = false;
            return {};
        }
        const std::string_view out = rest_.substr(0, feed);
        rest_.remove_prefix(feed + 1);
        return out;
    }
    // The line that starts with `name` and a space, without them.
    std::string_view line(std::string_view name)
    {
        const std::string_view all = line();
        good_ = good_ && all.starts_with(name) && all.substr(name.size()).starts_with(' ');
        return good_ ? all.substr(name.size() + 1) : std::string_view();
    }
    bool next_is(std::string_view name) const { return rest_.starts_with(name); }
    std::string_view rest() const noexcept { return rest_; }
    bool good() const noexcept { return good_; }

private:
    std::string_view rest_;
    bool good_ = true;
};

std::optional<writer_head> parse_head(std::string_view line)
{
    std::array<std::string_view, 4> words;
    for (std::size_t i = 0; i < words.size(); ++i) {
        const std::size_t end = i + 1 < words.size() ? line.find(' ') : line.size();
        if (end == std::string_view::npos) {
            return std::nullopt;
        }
        words[i] = line.substr(0, end);
        line.remove_prefix(std::min(end + 1, line.size()));
    }
    const auto state = parse_state(words[0]);
    const auto seq = to_number(words[2]);
    if (!state || !seq || words[1].empty() || !is_hash(words[3])) {
        return std::nullopt;
    }
    writer_head out{std::string(words[1]), {}, *state};
    out.head.seq = *seq;
    std::copy(words[3].begin(), words[3].end(), out.head.hash.begin());
    return out;
}

}  // namespace

std::string hash_of(std::string_view bytes)
{
    std::string out(hash_text_size, '\0');
    sha256().write_hex(bytes, out.data());
    return out;
}

std::string to_text(const checkpoint& what)
{
    std::string body = "number " + std::to_string(what.number) + "\ntime " + rfc3339(what.time) +
                       "\nprevious " + what.previous + "\n";
    if (!what.key.empty()) {
        body += "key " + what.key + "\n";
    }
    for (const writer_head& one : what.heads) {
        body += name_of(one.state);
        body.append(" ").append(one.stem).append(" ").append(std::to_string(one.head.seq));
        body.append(" ").append(one.head.hash_text()).append("\n");
    }
    return what.origin + "\n" + std::to_string(what.lines) + "\n" + base64_hash(body) + "\n" + body;
}

std::optional<checkpoint> parse_checkpoint(std::string_view text)
{
    taker from(text);
    checkpoint out;
    out.origin = from.line();
    const auto lines = to_number(from.line());
    const std::string_view root = from.line();
    if (!from.good() || root != base64_hash(from.rest())) {
        return std::nullopt;
    }
    const auto number = to_number(from.line("number"));
    const std::string_view time = from.line("time");
    const auto moment = parse_rfc3339(time);
    out.previous = from.line("previous");
    if (from.next_is("key ")) {
        out.key = from.line("key");
    }
    if (!from.good() || !lines || !number || !moment || time.size() != rfc3339_size ||
        !is_hash(out.previous)) {
        return std::nullopt;
    }
    out.lines = *lines, out.number = *number, out.time = *moment;
    while (!from.rest().empty()) {
        const auto head = parse_head(from.line());
        if (!head) {
            return std::nullopt;
        }
        out.heads.push_back(*head);
    }
    return out;
}

std::string checkpoint_file_name(std::uint32_t number)
{
    std::string digits = std::to_string(number);
    digits.insert(0, number_digits - std::min(digits.size(), number_digits), '0');
    return std::string(file_prefix).append(digits).append(file_suffix);
}

std::optional<std::vector<std::uint32_t>> list_checkpoint_files(int directory)
{
    const auto names = list_names(directory);
    if (!names) {
        return std::nullopt;
    }
    std::vector<std::uint32_t> out;
    for (const std::string& name : *names) {
        if (!name.starts_with(file_prefix) || !name.ends_with(file_suffix)) {
            continue;
        }
        std::uint32_t number = 0;
        std::from_chars(name.data() + file_prefix.size(), name.data() + name.size(), number);
        if (number != 0 && checkpoint_file_name(number) == name) {
            out.push_back(number);
        }
    }
    std::sort(out.begin(), out.end());
    return out;
}

checkpoint_reader::state checkpoint_reader::next()
{
    if (!file_.is_open()) {
        return state::failed;
    }
    bool more = true;
    for (;;) {
        const std::string_view rest = std::string_view(buffer_).substr(begin_);
        const std::optional<audit::note> found = read_note(rest);
        // At the end of what was read another signature may follow.
        if (found && (found->bytes.size() < rest.size() || !more)) {
            note_ = *found;
            begin_ += found->bytes.size();
            std::optional<audit::checkpoint> parsed = parse_checkpoint(found->text);
            if (!parsed) {
                return state::bad;
            }
            checkpoint_ = std::move(*parsed);
            return state::note;
        }
        if (!more) {
            return rest.empty() ? state::end : state::torn;
        }
        if (rest.size() > checkpoint_bytes_max) {
            return state::bad;
        }
        buffer_.erase(0, begin_);
        begin_ = 0;
        const std::size_t had = buffer_.size();
        buffer_.resize(had + read_bytes);
        const ssize_t got = read_at(file_.get(), buffer_.data() + had, read_bytes, offset_);
        if (got < 0) {
            return state::failed;
        }
        buffer_.resize(had + static_cast<std::size_t>(got));
        offset_ += static_cast<std::uint64_t>(got);
        more = got != 0;
    }
}

}  // namespace sallyport::audit
