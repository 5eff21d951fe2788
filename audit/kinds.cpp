#include "audit/trail.hpp"

namespace sallyport::audit {

std::string_view to_string(kind value) noexcept
{
    switch (value) {
        case kind::call_intent: return "call.intent";
        case kind::call_outcome: return "call.outcome";
        case kind::call_refused: return "call.refused";
        case kind::connection_added: return "connection.added";
        case kind::connection_updated: return "connection.updated";
        case kind::connection_authorized: return "connection.authorized";
        case kind::connection_refreshing: return "connection.refreshing";
        case kind::connection_refreshed: return "connection.refreshed";
        case kind::connection_revoked: return "connection.revoked";
        case kind::connection_removed: return "connection.removed";
        case kind::connection_reauth_required: return "connection.reauth_required";
        case kind::connection_expiring: return "connection.expiring";
        case kind::connection_tested: return "connection.tested";
        case kind::run_started: return "run.started";
        case kind::run_ended: return "run.ended";
        case kind::key_rotated: return "key.rotated";
        case kind::key_shredded: return "key.shredded";
        case kind::vault_backed_up: return "vault.backed_up";
        case kind::vault_restored: return "vault.restored";
        case kind::config_reloaded: return "config.reloaded";
        case kind::gate_started: return "gate.started";
        case kind::gate_stopped: return "gate.stopped";
        case kind::trail_gap: return "trail.gap";
        case kind::body_read: return "body.read";
        case kind::body_lost: return "body.lost";
    }
    return "unknown";
}

namespace {

class audit_category final : public boost::system::error_category {
public:
    const char* name() const noexcept override { return "sallyport.audit"; }
    std::string message(int value) const override
    {
        switch (static_cast<errc>(value)) {
            case errc::directory_locked: return "another gate writes to the audit directory";
            case errc::unwritable: return "the trail cannot be written";
            case errc::backlog_full: return "too much of the trail waits to be written";
            case errc::corrupted: return "a segment of the trail is damaged in the middle";
        }
        return "unknown error";
    }
};

}  // namespace

const boost::system::error_category& category() noexcept
{
    static const audit_category instance;
    return instance;
}

}  // namespace sallyport::audit
