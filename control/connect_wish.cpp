#include "control/connect_wish.hpp"

#include <algorithm>
#include <utility>

#include "base/text.hpp"
#include "base/ulid.hpp"
#include "control/connection_access.hpp"
#include "control/connection_json.hpp"
#include "control/return_url.hpp"
#include "oauth/endpoint.hpp"
#include "vault/error.hpp"

namespace sallyport::control {

namespace asio = boost::asio;

namespace {

constexpr std::string_view oauth2_kind = "oauth2";

std::string read_name(member_reader& members, std::string_view name)
{
    std::string text = members.required_text(name);
    if (!text.empty() && !is_name(text)) {
        members.complain(name, "must be 1 to 128 letters, digits or ._@:+-");
    }
    return text;
}

void read_return_url(member_reader& members, const settings& settings, connect_wish& wish)
{
    wish.return_url = members.text("return_url").value_or("");
    if (!wish.return_url.empty() && !is_return_url_allowed(settings.return_urls, wish.return_url)) {
        members.complain("return_url", "is not one that control.return_urls allows");
    }
}

void check_scopes(member_reader& members, const policy::oauth2_facts& facts,
                  const std::vector<std::string>& scopes)
{
    const auto holds_separator = [&](const std::string& scope) {
        return !facts.scope_separator.empty() &&
               scope.find(facts.scope_separator) != std::string::npos;
    };
    if (std::any_of(scopes.begin(), scopes.end(), holds_separator)) {
        members.complain("scopes", "hold one that the provider would take for two");
    }
    if (std::find(scopes.begin(), scopes.end(), "*") != scopes.end()) {
        members.complain("scopes", "cannot be asked for by '*'");
    }
}

// How the user is to say yes. Where nothing is said: at the provider's page, if it has one. False
// if the provider does not have that.
bool read_grant(member_reader& members, std::string_view grant, const policy::oauth2_facts& facts,
                connect_wish& wish)
{
    if (grant != "" && grant != "authorization_code" && grant != "device_code") {
        members.complain("grant", "must be authorization_code or device_code");
        return true;
    }
    wish.by_device = grant == "device_code" || (grant.empty() && facts.authorize_url.empty());
    if (wish.by_device && !wish.return_url.empty()) {
        members.complain("return_url", "is of no use where no browser comes back");
    }
    return !(wish.by_device ? facts.device_authorization_url : facts.authorize_url).empty();
}

}  // namespace

connect_wish read_wish(const request& call, const policy::catalogue& catalogue, complaints& wrong)
{
    connect_wish wish;
    member_reader members(call.body, "", wrong);
    vault::connection& record = wish.record;
    record.workspace = read_name(members, "workspace");
    record.user = read_name(members, "user");
    record.provider = members.required_text("provider");
    const std::optional<std::string> id = members.text("connection_id");
    if (id && !vault::is_connection_id(*id)) {
        members.complain("connection_id", "must be conn_ and a ULID");
    }
    wish.is_new = !id;
    record.id = id.value_or("conn_" + make_ulid().text());
    record.shared = members.flag("shared").value_or(false);
    read_return_url(members, *call.gate.settings, wish);
    record.kind = oauth2_kind;
    record.created_at = now_micros();

    const std::string grant = members.text("grant").value_or("");
    const policy::provider* provider = catalogue.find(record.provider);
    const policy::credential_kind* kind = provider ? provider->kind(oauth2_kind) : nullptr;
    const bool has_oauth2 = kind != nullptr && provider->facts().oauth2;
    if (!has_oauth2 || !read_grant(members, grant, *provider->facts().oauth2, wish)) {
        members.complain("provider",
                         provider ? "does not let a user authorise a connection in this way"
                                  : "is not in the catalogue",
                         complaint_code::provider);
        return wish;
    }
    const connection_changes changes =
        read_changes(members, *provider, *kind, record.created_at, wrong);
    members.refuse_others();
    if (changes.credential || changes.scopes_requested || changes.account) {
        wrong.add("", "has a member that the provider decides", complaint_code::shape);
    }
    if (!wish.is_new && (changes.name || changes.variant || changes.settings_json)) {
        wrong.add("", "has a member that an existing connection keeps as it is",
                  complaint_code::shape);
    }
    apply_plain(changes, record);
    wish.scopes = std::exchange(record.scopes_granted, {});
    wish.variables = changes.variables.value_or(variable_map());
    check_scopes(members, *provider->facts().oauth2, wish.scopes);
    return wish;
}

std::optional<answer> refuse_setup(const request& call, const connect_wish& wish)
{
    if (call.gate.settings->public_url.empty() && !wish.by_device) {
        return problem(422, "not_configured",
                       "The providers could not send anybody back: the configuration sets no "
                       "public.url.");
    }
    if (!call.gate.oauth->has_client(wish.record.provider)) {
        return problem(422, "not_configured",
                       "The configuration has no OAuth client for this provider: set "
                       "oauth_clients." +
                           wish.record.provider + ".");
    }
    return std::nullopt;
}

asio::awaitable<std::optional<answer>> find_target(request& call, connect_wish& wish)
{
    if (wish.record.shared && call.who->role != role::admin) {
        co_return shared_needs_admin();
    }
    if (wish.is_new) {
        wish.record.variables = wish.variables;
        co_return std::nullopt;
    }
    auto showing = call.gate.vault.show(wish.record.id);
    result<vault::connection> shown = co_await std::move(showing);
    if (!shown) {
        co_return problem(shown.error());
    }
    if (shown->workspace != wish.record.workspace || shown->user != wish.record.user ||
        shown->provider != wish.record.provider) {
        co_return not_found();
    }
    if (shown->shared && call.who->role != role::admin) {
        co_return shared_needs_admin();
    }
    if (shown->status == vault::status::revoked) {
        co_return revoked_already();
    }
    if (shown->kind != oauth2_kind) {
        co_return problem(409, "connection_kind", "The connection does not use OAuth.");
    }
    wish.record = std::move(*shown);
    for (const auto& [name, value] : wish.variables) {
        wish.record.variables[name] = value;
    }
    // A grant replaces the one before: what is held is asked for again.
    for (const std::string& scope : wish.record.scopes_granted) {
        if (scope != "*" &&
            std::find(wish.scopes.begin(), wish.scopes.end(), scope) == wish.scopes.end()) {
            wish.scopes.push_back(scope);
        }
    }
    co_return std::nullopt;
}

}  // namespace sallyport::control
