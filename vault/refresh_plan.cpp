#include "vault/refresh_plan.hpp"

#include <algorithm>
#include <limits>
#include <sstream>

namespace sallyport::vault {
namespace {

unix_micros micros(std::chrono::microseconds length) noexcept { return length.count(); }

// first * 2^(count - 1), at most `most`.
std::chrono::seconds doubled(std::chrono::seconds first, unsigned count, std::chrono::seconds most)
{
    std::chrono::seconds length = first;
    for (unsigned i = 1; i < count && length < most; ++i) {
        length *= 2;
    }
    return std::min(length, most);
}

}  // namespace

unix_micros attention_of(const connection& record, bool refreshable,
                         std::chrono::milliseconds margin) noexcept
{
    if (record.expires_at == 0) {
        return std::numeric_limits<unix_micros>::max();
    }
    if (!refreshable) {
        return record.expires_at;
    }
    unix_micros ahead = micros(margin);
    if (record.refreshed_at != 0 && record.refreshed_at < record.expires_at) {
        ahead = std::min(ahead, (record.expires_at - record.refreshed_at) / 2);
    }
    return record.expires_at - ahead;
}

bool has_expired(const connection& record, unix_micros now) noexcept
{
    return record.expires_at != 0 && record.expires_at <= now;
}

refresh_pause after_failure(const std::optional<refresh_pause>& before,
                            std::uint64_t credential_version, std::chrono::seconds retry_after,
                            unix_micros now, double jitter)
{
    const bool again = before && before->why == refresh_pause::cause::failed &&
                       before->credential_version == credential_version;
    refresh_pause next;
    next.credential_version = credential_version;
    next.count = again ? std::min(before->count + 1, 64u) : 1;
    const double backoff =
        static_cast<double>(micros(doubled(backoff_first, next.count, backoff_max)));
    // Half of it is certain, half is chance.
    const auto wait = static_cast<unix_micros>(backoff * (0.5 + jitter / 2));
    next.until = now + std::max(wait, micros(std::min(retry_after, retry_after_max)));
    return next;
}

refresh_pause after_success(const std::optional<refresh_pause>& before,
                            std::uint64_t credential_version, unix_micros refreshed_before,
                            unix_micros now)
{
    refresh_pause next;
    next.why = refresh_pause::cause::young;
    next.credential_version = credential_version;
    next.until = now;
    if (refreshed_before != 0 && now - refreshed_before < micros(young_row)) {
        const bool in_a_row = before && before->why == refresh_pause::cause::young;
        next.count = std::min(in_a_row ? before->count + 1 : 1, 64u);
        next.until = now + micros(doubled(backoff_first, next.count, young_max));
    }
    return next;
}

refresh_pause after_rejection(std::uint64_t credential_version, unix_micros now)
{
    return {refresh_pause::cause::rejected, credential_version, now + micros(rejected_pause), 1};
}

std::string to_text(const refresh_pause& pause)
{
    return std::string(1, static_cast<char>(pause.why)) + " " +
           std::to_string(pause.credential_version) + " " + std::to_string(pause.until) + " " +
           std::to_string(pause.count);
}

std::optional<refresh_pause> refresh_pause_from(std::string_view text)
{
    std::istringstream in{std::string(text)};
    char why = 0;
    refresh_pause read;
    in >> why >> read.credential_version >> read.until >> read.count;
    read.why = static_cast<refresh_pause::cause>(why);
    const bool known = why == 'f' || why == 'r' || why == 'y';
    return in && known && to_text(read) == text ? std::optional(read) : std::nullopt;
}

}  // namespace sallyport::vault
