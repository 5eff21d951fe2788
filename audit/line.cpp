#include "audit/line.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "base/text.hpp"

namespace sallyport::audit {

namespace {

constexpr std::size_t escaped_bytes_max = 6;   // "\u0000" for one byte
constexpr std::size_t fixed_bytes_max = 2048;  // names, numbers, punctuation, hashes

constexpr std::uint64_t each_byte(unsigned char value) { return 0x0101010101010101u * value; }

// The high bit of every byte of `word` that is zero; bits above the first such byte may be wrong.
constexpr std::uint64_t zero_bytes(std::uint64_t word)
{
    return (word - each_byte(0x01)) & ~word & each_byte(0x80);
}

// Whether eight bytes stand in JSON as they are: printable ASCII but for `"` and `\`.
bool all_plain(const char* at) noexcept
{
    std::uint64_t word;
    std::memcpy(&word, at, sizeof word);
    const std::uint64_t below_space = (word - each_byte(0x20)) & ~word;
    return ((word | below_space | zero_bytes(word ^ each_byte('"')) |
             zero_bytes(word ^ each_byte('\\')) | zero_bytes(word ^ each_byte(0x7f))) &
            each_byte(0x80)) == 0;
}

bool is_plain(std::string_view text) noexcept
{
    std::size_t at = 0;
    for (; at + 8 <= text.size(); at += 8) {
        if (!all_plain(text.data() + at)) {
            return false;
        }
    }
    if (at == text.size()) {
        return true;
    }
    char rest[8] = {'-', '-', '-', '-', '-', '-', '-', '-'};
    std::memcpy(rest, text.data() + at, text.size() - at);
    return all_plain(rest);
}

std::string_view cut(std::string_view text) noexcept { return text.substr(0, text_bytes_max); }

// Writes members into room that was measured before.
class cursor {
public:
    cursor(char* at, std::string& scratch) : at_(at), scratch_(scratch) {}
    char* at() const noexcept { return at_; }

    void raw(std::string_view text) noexcept
    {
        std::memcpy(at_, text.data(), text.size());
        at_ += text.size();
    }
    template <class Integer>
    void number(Integer value) noexcept
    {
        at_ = std::to_chars(at_, at_ + 24, value).ptr;
    }
    void string(std::string_view text)
    {
        if (is_plain(text)) {
            *at_++ = '"';
            raw(text);
            *at_++ = '"';
            return;
        }
        scratch_.clear();
        append_json_string(scratch_, text);
        raw(scratch_);
    }
    // `name` comes with its comma, quotes and colon.
    void member(std::string_view name, std::string_view text)
    {
        if (!text.empty()) {
            raw(name);
            string(cut(text));
        }
    }
    void member(std::string_view name, std::int64_t value) noexcept
    {
        if (value >= 0) {
            raw(name);
            number(value);
        }
    }
    template <class Text>
    void list(std::string_view name, std::span<const Text> texts)
    {
        if (texts.empty()) {
            return;
        }
        raw(name);
        std::size_t left = text_bytes_max;
        char separator = '[';
        for (const std::string_view text : texts) {
            if (text.size() + 3 > left) {
                break;
            }
            left -= text.size() + 3;
            *at_++ = separator;
            string(text);
            separator = ',';
        }
        if (separator == '[') {
            *at_++ = '[';
        }
        *at_++ = ']';
    }

private:
    char* at_;
    std::string& scratch_;
};

template <class Text>
std::size_t bytes_of(std::span<const Text> texts) noexcept
{
    std::size_t total = 0;
    for (const std::string_view text : texts) {
        total += text.size() + 3;
    }
    return std::min(total, text_bytes_max);
}

std::size_t room_for(const entry& from) noexcept
{
    std::size_t bytes = bytes_of(from.query_keys) + bytes_of(from.scopes_used) +
                        bytes_of(from.stripped) + bytes_of(from.capture_truncated);
    for (const std::string_view text : {from.trace_id,       from.span_id,       from.call_id,
                                        from.workspace,      from.app,           from.run,
                                        from.user,           from.connection_id, from.provider,
                                        from.method,         from.host,          from.path,
                                        from.operation,      from.cls,           from.decision,
                                        from.code,           from.rule,          from.client,
                                        from.actor,          from.detail,        from.request_proof,
                                        from.response_proof, from.capture_fault}) {
        bytes += std::min(text.size(), text_bytes_max);
    }
    return bytes * escaped_bytes_max + fixed_bytes_max;
}

void write_members(cursor& out, const entry& from)
{
    out.member(R"(,"call_id":)", from.call_id);
    out.member(R"(,"trace_id":)", from.trace_id);
    out.member(R"(,"span_id":)", from.span_id);
    out.member(R"(,"workspace":)", from.workspace);
    out.member(R"(,"app":)", from.app);
    out.member(R"(,"run":)", from.run);
    out.member(R"(,"user":)", from.user);
    out.member(R"(,"connection_id":)", from.connection_id);
    out.member(R"(,"provider":)", from.provider);
    out.member(R"(,"method":)", from.method);
    out.member(R"(,"host":)", from.host);
    out.member(R"(,"path":)", from.path);
    out.list(R"(,"query_keys":)", from.query_keys);
    out.member(R"(,"operation":)", from.operation);
    out.member(R"(,"class":)", from.cls);
    out.list(R"(,"scopes_used":)", from.scopes_used);
    out.member(R"(,"decision":)", from.decision);
    out.member(R"(,"code":)", from.code);
    out.member(R"(,"rule":)", from.rule);
    out.member(R"(,"status":)", from.status);
    out.member(R"(,"request_bytes":)", from.request_bytes);
    out.member(R"(,"response_bytes":)", from.response_bytes);
    out.member(R"(,"duration_us":)", from.duration_us);
    out.member(R"(,"upstream_us":)", from.upstream_us);
    out.member(R"(,"attempts":)", from.attempts);
    out.member(R"(,"client":)", from.client);
    out.member(R"(,"actor":)", from.actor);
    out.member(R"(,"count":)", from.count);
    out.member(R"(,"detail":)", from.detail);
    out.list(R"(,"stripped":)", from.stripped);
    out.member(R"(,"request_captured":)", from.request_captured);
    out.member(R"(,"request_proof":)", from.request_proof);
    out.member(R"(,"response_captured":)", from.response_captured);
    out.member(R"(,"response_proof":)", from.response_proof);
    out.list(R"(,"capture_truncated":)", from.capture_truncated);
    out.member(R"(,"capture_fault":)", from.capture_fault);
}

}  // namespace

char* batch::room(std::size_t more)
{
    if (capacity_ - size_ < more) {
        const std::size_t wanted = std::max(size_ + more, 2 * capacity_);
        auto larger = std::make_unique_for_overwrite<char[]>(wanted);
        if (size_ != 0) {
            std::memcpy(larger.get(), data_.get(), size_);
        }
        data_ = std::move(larger);
        capacity_ = wanted;
    }
    return data_.get() + size_;
}

line_maker::line_maker(std::string_view node, std::string_view writer)
{
    names_ = R"(,"node":)";
    append_json_string(names_, cut(node));
    names_ += R"(,"writer":)";
    append_json_string(names_, cut(writer));
    names_ += R"(,"seq":)";
}

void line_maker::append(batch& to, const entry& from, chain_head& head)
{
    const unix_micros time = from.time != 0 ? from.time : now_micros();
    char* const start = to.room(room_for(from) + names_.size());
    cursor out(start, escaped_);

    char id[ulid::text_size], moment[rfc3339_size];
    ids_.next(static_cast<std::uint64_t>(time / 1000)).write(id);
    write_rfc3339(time, moment);
    out.raw(R"({"id":")");
    out.raw({id, sizeof id});
    out.raw(R"(","time":")");
    out.raw({moment, sizeof moment});
    out.raw(R"(","kind":")");
    out.raw(to_string(from.kind));
    out.raw("\"");
    out.raw(names_);
    out.number(head.seq + 1);
    write_members(out, from);
    out.raw(R"(,"prev":")");
    out.raw(head.hash_text());
    out.raw("\"");

    hash_.write_hex({start, static_cast<std::size_t>(out.at() - start)}, head.hash.data());
    ++head.seq;
    out.raw(R"(,"hash":")");
    out.raw(head.hash_text());
    out.raw("\"}\n");
    to.grew_to(out.at());
}

}  // namespace sallyport::audit
