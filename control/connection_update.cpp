// PATCH of a connection: its settings, its variables, its credential.
//
// A credential and the variables that steer where it goes must always be a pair that was judged
// together, whatever else happens to the record meanwhile. So with a credential all variables are
// written as they were judged; without one, those that stand in URLs change only while there is no
// credential to steer.
#include <utility>

#include "control/connection_access.hpp"
#include "control/connection_json.hpp"
#include "control/precondition.hpp"
#include "control/routes.hpp"
#include "vault/error.hpp"

namespace sallyport::control {

namespace asio = boost::asio;

namespace {

bool has_credential(const vault::connection& record) noexcept
{
    return record.credential_version != 0;
}

struct update {
    connection_changes changes;
    variable_map all;    // the old ones and the new
    variable_map bound;  // of the new ones: those used in URLs
};

update read_update(const boost::json::object& body, const vault::connection& before,
                   const policy::provider& provider, const policy::credential_kind& kind,
                   unix_micros now, complaints& wrong)
{
    update read;
    member_reader members(body, "", wrong);
    read.changes = read_changes(members, provider, kind, now, wrong);
    members.refuse_others();
    read.all = before.variables;
    for (const auto& [name, value] : read.changes.variables.value_or(variable_map())) {
        const auto old = before.variables.find(name);
        if (is_used_in_url(provider, kind, name) &&
            (old == before.variables.end() || old->second != value)) {
            read.bound.emplace(name, value);
        }
        read.all[name] = value;
    }
    if (read.changes.credential) {
        check_completeness(provider, kind, read.changes.credential->fields, read.all, wrong);
    } else if (has_credential(before)) {
        for (const auto& [name, value] : read.bound) {
            wrong.add(pointer_to("/variables", name), "needs the credential again when it changes",
                      complaint_code::credential_required);
        }
    }
    return read;
}

void apply_credential(const update& wanted, unix_micros now, vault::connection& record)
{
    record.variables = wanted.all;
    record.expires_at = wanted.changes.credential->expires_at;
    record.connected_at = now;
    if (record.status != vault::status::inactive) {  // Switched off stays switched off.
        record.status = vault::status::active;
        record.status_reason.clear();
    }
}

// False, and nothing is changed, if a credential has come since the update was judged.
bool apply_variables(const update& wanted, vault::connection& record)
{
    if (!wanted.bound.empty() && has_credential(record)) {
        return false;
    }
    for (const auto& [name, value] : wanted.changes.variables.value_or(variable_map())) {
        record.variables[name] = value;
    }
    return true;
}

}  // namespace

asio::awaitable<answer> update_connection(request& call)
{
    auto finding = find_connection(call, access::change);
    const auto found = co_await std::move(finding);
    if (!found.record) {
        co_return found.refusal;
    }
    const vault::connection& before = *found.record;
    const binding bound = bound_to(call, before);
    if (bound.refusal) {
        co_return *bound.refusal;
    }
    if (before.status == vault::status::revoked) {
        co_return revoked_already();
    }
    const std::shared_ptr<const policy::catalogue> catalogue = call.gate.catalogue();
    const policy::provider* provider = catalogue->find(before.provider);
    const policy::credential_kind* kind = provider ? provider->kind(before.kind) : nullptr;
    if (kind == nullptr) {
        co_return problem(422, complaint_code::provider,
                          "The catalogue no longer has the connection's provider or kind.");
    }
    complaints wrong;
    const unix_micros now = now_micros();
    update wanted = read_update(call.body, before, *provider, *kind, now, wrong);
    if (!wrong.empty()) {
        co_return problem(wrong);
    }
    audit::entry line = line_about(audit::kind::connection_updated, before);
    line.detail = wanted.changes.credential ? "credential and settings" : "settings";
    if (!record(call, line)) {
        co_return audit_unavailable();
    }

    std::optional<vault::credential> credential = take_credential(wanted.changes);
    bool overtaken = false;
    const std::function<void(vault::connection&)> change = [&](vault::connection& record) {
        overtaken = record.status == vault::status::revoked || !bound.holds(record) ||
                    (!wanted.changes.credential && !apply_variables(wanted, record));
        if (overtaken) {
            return;
        }
        apply_plain(wanted.changes, record);
        if (wanted.changes.credential) {
            apply_credential(wanted, now, record);
        }
    };
    auto updating = call.gate.vault.update(before.id, change, std::move(credential));
    const auto updated = co_await std::move(updating);
    co_return changed(call, line, updated, overtaken, bound);
}

}  // namespace sallyport::control
