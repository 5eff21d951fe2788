// What happens to connections by themselves, and who is told of it.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "vault/connection.hpp"

namespace sallyport::vault {

enum class lifecycle_kind : std::uint8_t {
    refreshed,
    refresh_failed,   // it will be tried again
    reauth_required,  // the record's status says so from now on
    orphaned,         // tokens came for a connection that was revoked or removed meanwhile
};
// "connection.refreshed" and so on: the trail's names.
std::string_view to_string(lifecycle_kind value) noexcept;

struct lifecycle_event {
    lifecycle_kind what = lifecycle_kind::refreshed;
    connection record;                    // as it stands afterwards
    std::string reason;                   // for people; holds no secret
    std::chrono::seconds retry_after{0};  // refresh_failed: not before
    // orphaned: nowhere stored, to be revoked at the provider by whoever is told. Shared because
    // what is told may be kept until that is done.
    std::shared_ptr<const credential> orphan;
};

// Called on the control thread, in order for one connection; must not throw.
using lifecycle_listener = std::function<void(const lifecycle_event&)>;

// Asked on the control thread before a provider is asked for fresh tokens. False: that cannot be
// recorded, so it is not done.
using refresh_recorder = std::function<bool(const connection&)>;

}  // namespace sallyport::vault
