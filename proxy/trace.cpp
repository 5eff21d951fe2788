#include "proxy/trace.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "base/ulid.hpp"

namespace sallyport::proxy {

namespace {

constexpr std::string_view parent_field = "traceparent";
constexpr std::string_view state_field = "tracestate";
constexpr std::string_view digits = "0123456789abcdef";
constexpr std::size_t trace_at = 3, span_at = 36, flags_at = 53;
constexpr unsigned known_flags = 0x03;  // sampled, random trace id: the others have no meaning yet

bool is_hex(std::string_view text) noexcept
{
    return std::all_of(text.begin(), text.end(),
                       [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

bool is_zero(std::string_view text) noexcept
{
    return text.find_first_not_of('0') == std::string_view::npos;
}

// Of version 00, or of a later one, which begins like it (4.3 of the recommendation).
bool is_parent(std::string_view text) noexcept
{
    constexpr std::size_t size = 55;
    if (text.size() < size || text[2] != '-' || text[35] != '-' || text[52] != '-') {
        return false;
    }
    const std::string_view version = text.substr(0, 2);
    const bool ends = text.size() == size || (version != "00" && text[size] == '-');
    const std::string_view trace = text.substr(trace_at, 32), span = text.substr(span_at, 16);
    return ends && version != "ff" && is_hex(version) && is_hex(trace) && !is_zero(trace) &&
           is_hex(span) && !is_zero(span) && is_hex(text.substr(flags_at, 2));
}

}  // namespace

bool belongs_to_trace(std::string_view field_name) noexcept
{
    return !field_name.empty() && to_lower(field_name.front()) == 't' &&
           (equal_ignoring_case(field_name, parent_field) ||
            equal_ignoring_case(field_name, state_field));
}

void trace_context::read(const request_head& head, std::string_view call_id) noexcept
{
    known_ = false;
    const field* parent = nullptr;
    for (const field& candidate : head.fields) {
        if (!belongs_to_trace(candidate.name) || candidate.name.size() != parent_field.size()) {
            continue;
        }
        if (parent != nullptr) {
            return;  // Of two parents nobody can say which is meant.
        }
        parent = &candidate;
    }
    const auto id =
        parent == nullptr || !is_parent(parent->value) ? std::nullopt : ulid::parse(call_id);
    if (!id) {
        return;
    }
    std::copy_n(parent->value.data(), text_.size(), text_.begin());
    text_[0] = text_[1] = '0';
    // The random part of the call's id, which no two calls share.
    char* out = text_.data() + span_at;
    for (std::size_t i = id->bytes.size() - 8; i < id->bytes.size(); ++i) {
        *out++ = digits[id->bytes[i] >> 4];
        *out++ = digits[id->bytes[i] & 0xf];
    }
    const std::size_t flags = digits.find(text_[flags_at + 1]) & known_flags;
    text_[flags_at] = '0';
    text_[flags_at + 1] = digits[flags];
    known_ = true;
}

}  // namespace sallyport::proxy
