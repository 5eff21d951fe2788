// When a credential is to be refreshed, and how long not to try again. Pure: times in, times out.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "vault/connection.hpp"
#include "vault/settings.hpp"

namespace sallyport::vault {

// When calls should look after the record's credential (resolved::attention_at): `margin` before it
// expires, or halfway through a life too short for that; when it expires where it cannot be
// refreshed; never where that is not known.
unix_micros attention_of(const connection& record, bool refreshable,
                         std::chrono::milliseconds margin) noexcept;

bool has_expired(const connection& record, unix_micros now) noexcept;

// Why a connection's credential is left alone for a while.
struct refresh_pause {
    enum class cause : char {
        failed = 'f',    // No attempt at all.
        rejected = 'r',  // The same, and the record says reauth_required.
        young = 'y',     // It was refreshed just now: no attempt before it expires.
    };
    cause why = cause::failed;
    std::uint64_t credential_version = 0;  // of another one it says nothing
    unix_micros until = 0;
    unsigned count = 0;  // of attempts in a row

    bool operator==(const refresh_pause&) const = default;
};

constexpr std::chrono::seconds backoff_first{1};
constexpr std::chrono::seconds backoff_max{300};
constexpr std::chrono::seconds retry_after_max{3600};  // of what a provider may wish for
constexpr std::chrono::seconds rejected_pause{60};
constexpr std::chrono::seconds young_max{60};
// Refreshes that follow each other more closely than this are in a row.
constexpr std::chrono::minutes young_row{10};

// After a failure: twice as long each time, at least as long as the provider wishes. `jitter` is
// from [0, 1): gates that failed together do not come back together.
refresh_pause after_failure(const std::optional<refresh_pause>& before,
                            std::uint64_t credential_version, std::chrono::seconds retry_after,
                            unix_micros now, double jitter);

// After a success: nothing the first time. A provider that refuses fresh tokens, whatever they are,
// would have them refreshed with each call.
refresh_pause after_success(const std::optional<refresh_pause>& before,
                            std::uint64_t credential_version, unix_micros refreshed_before,
                            unix_micros now);

refresh_pause after_rejection(std::uint64_t credential_version, unix_micros now);

// As one line of text, for the fleet's note. Nullopt: not one of these.
std::string to_text(const refresh_pause& pause);
std::optional<refresh_pause> refresh_pause_from(std::string_view text);

}  // namespace sallyport::vault
