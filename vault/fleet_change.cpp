#include "vault/fleet_change.hpp"

#include <charconv>

namespace sallyport::vault {
namespace {

std::string_view next_word(std::string_view& text)
{
    const std::string_view word = text.substr(0, text.find(' '));
    text.remove_prefix(word.size());
    text.remove_prefix(text.empty() ? 0 : 1);
    return word;
}

std::optional<change_kind> parse_kind(std::string_view word) noexcept
{
    if (word.size() != 1) {
        return std::nullopt;
    }
    const auto kind = static_cast<change_kind>(word.front());
    switch (kind) {
        case change_kind::connection:
        case change_kind::connection_off:
        case change_kind::connection_revoked:
        case change_kind::connection_removed:
        case change_kind::run_ended:
        case change_kind::workspace:
        case change_kind::healed: return kind;
    }
    return std::nullopt;
}

}  // namespace

std::optional<std::uint64_t> parse_epoch(std::string_view text) noexcept
{
    std::uint64_t value = 0;
    const char* const end = text.data() + text.size();
    const auto read = std::from_chars(text.data(), end, value);
    if (text.empty() || read.ec != std::errc() || read.ptr != end) {
        return std::nullopt;
    }
    return value;
}

std::optional<fleet_change> parse_change(std::string_view message)
{
    const auto epoch = parse_epoch(next_word(message));
    fleet_change change;
    change.before = next_word(message);
    change.mark = next_word(message);
    const auto kind = parse_kind(next_word(message));
    change.what = next_word(message);
    if (!epoch || *epoch == 0 || change.before.empty() || change.mark.empty() || !kind ||
        change.what.empty()) {
        return std::nullopt;
    }
    change.epoch = *epoch;
    change.kind = *kind;
    if (change.kind == change_kind::run_ended) {
        const auto until = parse_epoch(next_word(message));
        if (!until || *until > std::uint64_t{1} << 62) {
            return std::nullopt;
        }
        change.keep_until = static_cast<std::int64_t>(*until);
    }
    return message.empty() ? std::optional(std::move(change)) : std::nullopt;
}

}  // namespace sallyport::vault
