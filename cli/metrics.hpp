// What GET /metrics tells, put together from the parts of a running gate. README.md lists it.
//
// Threading: the control thread. Lifetime: borrows the parts; the text is made when it is asked
// for.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>

#include "audit/settings.hpp"
#include "base/time.hpp"
#include "cli/errands.hpp"
#include "control/tally.hpp"
#include "policy/provider.hpp"
#include "proxy/server.hpp"
#include "vault/keeper.hpp"
#include "vault/lifecycle.hpp"

namespace sallyport::cli {

class gate_metrics {
public:
    gate_metrics() : started_at_(now_micros()) {}

    // What the vault tells its lifecycle_listener.
    void record_refresh(vault::lifecycle_kind outcome) noexcept
    {
        ++refreshes_[static_cast<std::size_t>(outcome)];
    }

    // What the numbers are read from.
    struct sources {
        const proxy::server& proxy;
        const vault::keeper& vault;
        const proxy::provider_register& providers;
        const policy::catalogue& catalogue;
        const control::tally& control;
        audit::durability durability = audit::durability::write;
        bool is_ready = false;
        bool has_stream = false;
        std::uint64_t audit_behind = 0;
        const errands* chores = nullptr;
    };
    std::string text(const sources& from) const;

private:
    unix_micros started_at_;
    std::array<std::uint64_t, 4> refreshes_{};
};

}  // namespace sallyport::cli
