// The connections of a workspace: list, add, show, remove.
#include <algorithm>
#include <utility>

#include "base/text.hpp"
#include "base/ulid.hpp"
#include "control/connection_access.hpp"
#include "control/connection_json.hpp"
#include "control/grant_revoker.hpp"
#include "control/paging.hpp"
#include "control/precondition.hpp"
#include "control/revoking.hpp"
#include "control/routes.hpp"

namespace sallyport::control {

namespace json = boost::json;
namespace asio = boost::asio;

namespace {

std::string read_name(member_reader& members, std::string_view name)
{
    std::string text = members.required_text(name);
    if (!text.empty() && !is_name(text)) {
        members.complain(name, "must be 1 to 128 letters, digits or ._@:+-");
    }
    return text;
}

std::string read_id(member_reader& members)
{
    const std::optional<std::string> given = members.text("id");
    if (given && !vault::is_connection_id(*given)) {
        members.complain("id", "must be conn_ and a ULID");
    }
    return given.value_or("conn_" + make_ulid().text());
}

const policy::credential_kind* read_kind(member_reader& members, const policy::provider& provider)
{
    const std::optional<std::string> given = members.text("kind");
    const auto& kinds = provider.facts().credentials;
    if (!given) {
        return kinds.empty() ? nullptr : &kinds.front();
    }
    const policy::credential_kind* kind = provider.kind(*given);
    if (kind == nullptr) {
        members.complain("kind", "is not one of the provider's");
    }
    return kind;
}

struct new_connection {
    vault::connection record;
    std::optional<vault::credential> credential;
};

// Reads the body of POST /api/connect/connections. Only meaningful where nothing is wrong.
new_connection read_new_connection(const json::object& body, const policy::catalogue& catalogue,
                                   complaints& wrong)
{
    new_connection fresh;
    member_reader members(body, "", wrong);
    vault::connection& record = fresh.record;
    record.workspace = read_name(members, "workspace");
    record.user = read_name(members, "user");
    record.provider = members.required_text("provider");
    record.id = read_id(members);
    record.shared = members.flag("shared").value_or(false);

    const policy::provider* provider = catalogue.find(record.provider);
    if (provider == nullptr) {
        members.complain("provider", "is not in the catalogue", complaint_code::provider);
        return fresh;
    }
    const policy::credential_kind* kind = read_kind(members, *provider);
    if (kind == nullptr) {
        return fresh;
    }
    record.kind = kind->kind;
    record.created_at = now_micros();
    connection_changes changes = read_changes(members, *provider, *kind, record.created_at, wrong);
    members.refuse_others();
    apply_plain(changes, record);
    record.variables = changes.variables.value_or(variable_map());
    if (changes.credential) {
        check_completeness(*provider, *kind, changes.credential->fields, record.variables, wrong);
        record.status = vault::status::active;
        record.connected_at = record.created_at;
        record.expires_at = changes.credential->expires_at;
    }
    fresh.credential = take_credential(changes);
    return fresh;
}

}  // namespace

// Of one workspace, or of all that the caller speaks for: one page of each, merged.
asio::awaitable<answer> list_connections(request& call)
{
    const std::string workspace = call.query("workspace").value_or("");
    const std::string user = call.query("user").value_or("");
    page_wish page;
    std::optional<answer> refusal = read_page(call, page);
    if (!refusal && !workspace.empty()) {
        refusal = refuse_workspace(call, workspace);
    }
    if (refusal) {
        co_return std::move(*refusal);
    }
    std::vector<std::string> workspaces{workspace};
    if (workspace.empty() && !call.who->everywhere) {
        workspaces = call.who->workspaces;
    }
    std::vector<vault::connection> records;
    for (const std::string& one : workspaces) {
        auto listing = call.gate.vault.list(one, user, page.after, page.limit + 1);
        auto found = co_await std::move(listing);
        if (!found) {
            co_return problem(found.error());
        }
        std::move(found->begin(), found->end(), std::back_inserter(records));
    }
    std::sort(records.begin(), records.end(),
              [](const auto& a, const auto& b) { return a.id < b.id; });
    json::array items;
    for (std::size_t i = 0; i < std::min(page.limit, records.size()); ++i) {
        items.push_back(to_json(records[i]));
    }
    co_return page_of(std::move(items),
                      records.size() > page.limit ? records[page.limit - 1].id : "");
}

asio::awaitable<answer> add_connection(request& call)
{
    const std::shared_ptr<const policy::catalogue> catalogue = call.gate.catalogue();
    complaints wrong;
    new_connection fresh = read_new_connection(call.body, *catalogue, wrong);
    if (!wrong.empty()) {
        co_return problem(wrong);
    }
    if (std::optional<answer> refusal = refuse_workspace(call, fresh.record.workspace)) {
        co_return std::move(*refusal);
    }
    if (fresh.record.shared && call.who->role != role::admin) {
        co_return shared_needs_admin();
    }
    const vault::connection named = fresh.record;
    const audit::entry line = line_about(audit::kind::connection_added, named);
    if (!record(call, line)) {
        co_return audit_unavailable();
    }
    auto adding = call.gate.vault.add(std::move(fresh.record), std::move(fresh.credential));
    const auto added = co_await std::move(adding);
    if (!added) {
        co_return failed(call, line, added.error());
    }
    call.gate.tell("connection.added", *added);
    answer reply = shown(*added);
    reply.status = 201;
    co_return reply;
}

asio::awaitable<answer> show_connection(request& call)
{
    auto finding = find_connection(call, access::read);
    const auto found = co_await std::move(finding);
    if (!found.record) {
        co_return found.refusal;
    }
    vault::connection now = *found.record;
    if (now.status == vault::status::revoked) {
        auto asking = awaits_revocation(call.gate.vault.notes(), now.id);
        const bool awaits = co_await std::move(asking);
        now.status_reason += awaits ? "; not yet revoked at the provider" : "";
    }
    answer reply = shown(now);
    if (is_known(call, now)) {
        reply.status = 304;
        reply.body = nullptr;
    }
    co_return reply;
}

asio::awaitable<answer> remove_connection(request& call)
{
    auto finding = find_connection(call, access::change);
    const auto found = co_await std::move(finding);
    if (!found.record) {
        co_return found.refusal;
    }
    const binding bound = bound_to(call, *found.record);
    if (bound.refusal) {
        co_return *bound.refusal;
    }
    const audit::entry line = line_about(audit::kind::connection_removed, *found.record);
    if (!record(call, line)) {
        co_return audit_unavailable();
    }
    auto removing = remove_with_note(call, *found.record, bound.version);
    const auto removed = co_await std::move(removing);
    if (!removed) {
        co_return not_done(call, line, removed.error());
    }
    call.gate.tell("connection.removed", *found.record);
    co_return no_content();
}

}  // namespace sallyport::control
