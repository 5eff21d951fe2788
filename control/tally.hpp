// What the control plane counts for the metrics, and what it last did.
//
// Threading: the control thread.
#pragma once

#include <array>
#include <cstdint>

#include "base/time.hpp"

namespace sallyport::control {

struct tally {
    std::array<std::uint64_t, 6> answers{};  // by the first digit of the status
    std::uint64_t logins_refused = 0;        // with a wrong token
    std::uint64_t logins_limited = 0;        // told to wait: too many wrong ones before

    // Of the newest reading of the configuration after the start; none: reloaded_at is 0.
    unix_micros reloaded_at = 0;
    bool reload_applied = true;

    // Of the newest rotation of keys that was asked for, as its last step left it.
    std::uint64_t rotated = 0;  // keys wrapped anew, or records sealed anew
    bool rotation_under_way = false;
};

}  // namespace sallyport::control
