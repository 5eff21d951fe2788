// How the newest refreshes of a connection went: a note of the notebook, so every gate of the fleet
// tells the same and it goes with the workspace's key. It is written before whoever waits for the
// refresh is answered; where it cannot be written the trail alone has it.
//
// Threading: the control thread.
// Limits:    the newest outcomes_kept; a connection that is not refreshed for outcomes_kept_for
//            has none any more. A reason is cut after reason_bytes_max.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "vault/key_store.hpp"
#include "vault/lifecycle.hpp"

namespace sallyport::vault {

struct core;

constexpr std::size_t outcomes_kept = 20;
constexpr std::chrono::hours outcomes_kept_for{400 * 24};
constexpr std::size_t reason_bytes_max = 512;

struct refresh_outcome {
    unix_micros at = 0;
    lifecycle_kind what = lifecycle_kind::refreshed;  // or refresh_failed, reauth_required
    std::string reason;                               // for people; holds no secret
    std::chrono::seconds retry_after{0};              // refresh_failed: not before
    unix_micros expires_at = 0;                       // refreshed: the fresh token, 0: not known

    bool operator==(const refresh_outcome&) const = default;
};

// As a note's text, and back. Nullopt: it is none.
std::string to_text(const std::vector<refresh_outcome>& outcomes);
std::optional<std::vector<refresh_outcome>> refresh_outcomes_from(std::string_view text);

// The outcome that an event tells of, at that time.
refresh_outcome outcome_of(const lifecycle_event& event, unix_micros now);

// The newest last; none where nothing was noted.
task<std::vector<refresh_outcome>> read_outcomes(std::shared_ptr<core> shared, std::string id);
// Adds one and leaves out the oldest beyond outcomes_kept. By whoever has the claim to refresh the
// connection: two at once may lose one.
task<void> add_outcome(std::shared_ptr<core> shared, std::string id, std::string workspace,
                       refresh_outcome newest);
task<void> forget_outcomes(std::shared_ptr<core> shared, std::string id);

}  // namespace sallyport::vault
