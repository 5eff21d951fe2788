// POST /api/connect/initiate: a user is about to be sent to a provider, to connect an account or to
// grant a connection more.
#include <algorithm>
#include <utility>

#include "base/text.hpp"
#include "base/ulid.hpp"
#include "control/authorization.hpp"
#include "control/connection_access.hpp"
#include "control/connection_json.hpp"
#include "control/return_url.hpp"
#include "control/routes.hpp"
#include "oauth/endpoint.hpp"
#include "oauth/error.hpp"
#include "vault/error.hpp"

namespace sallyport::control {

namespace json = boost::json;
namespace asio = boost::asio;

namespace {

constexpr std::string_view callback_path = "/api/connect/callback";
constexpr std::string_view oauth2_kind = "oauth2";

// What was asked for. The record is a new connection's until the one named was found.
struct connect_wish {
    vault::connection record;
    bool is_new = true;
    std::vector<std::string> scopes;
    std::string return_url;
    variable_map variables;
};

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

    const policy::provider* provider = catalogue.find(record.provider);
    const policy::credential_kind* kind = provider ? provider->kind(oauth2_kind) : nullptr;
    if (kind == nullptr || !provider->facts().oauth2 ||
        provider->facts().oauth2->authorize_url.empty()) {
        members.complain("provider",
                         provider ? "has no page where a user could authorise a connection"
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

// Why nothing can be begun, whatever was asked for.
std::optional<answer> refuse_setup(const request& call, const std::string& provider)
{
    if (call.gate.settings->public_url.empty()) {
        return problem(422, "not_configured",
                       "The providers could not send anybody back: the configuration sets no "
                       "public.url.");
    }
    if (!call.gate.oauth->can_authorize(provider)) {
        return problem(422, "not_configured",
                       "The configuration has no OAuth client for this provider: set "
                       "oauth_clients." +
                           provider + ".");
    }
    return std::nullopt;
}

// Replaces the wish's record by the connection it names. The answer that refuses it, or nothing.
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

answer problem_of_url(const error_code& error)
{
    if (error == oauth::errc::missing_value) {
        return problem(422, complaint_code::value,
                       "The provider's authorisation page depends on variables that the request "
                       "does not set.");
    }
    if (error == oauth::errc::client_elsewhere) {
        return problem(422, "not_configured",
                       "The configured OAuth client is not for the host that the variables name: "
                       "list it in the hosts of oauth_clients.");
    }
    return problem(422, complaint_code::value,
                   "The provider's authorisation page cannot be asked for this: too many scopes, "
                   "or a flow that it does not offer.");
}

bool waits_for_credential(vault::status status) noexcept
{
    return status != vault::status::active && status != vault::status::inactive &&
           status != vault::status::revoked;
}

// The connection as `pending`, unless it is in use.
vault::task<vault::connection> make_pending(const services& gate, const connect_wish& wish)
{
    if (wish.is_new) {
        vault::connection fresh = wish.record;
        fresh.status = vault::status::pending;
        fresh.scopes_requested = wish.scopes;
        auto adding = gate.vault.add(std::move(fresh), std::nullopt);
        co_return co_await std::move(adding);
    }
    const std::function<void(vault::connection&)> change = [&](vault::connection& record) {
        if (waits_for_credential(record.status)) {
            record.status = vault::status::pending;
            record.status_reason.clear();
        }
        record.scopes_requested = wish.scopes;
    };
    auto updating = gate.vault.update(wish.record.id, change, std::nullopt);
    co_return co_await std::move(updating);
}

struct journey {
    authorization what;
    std::string state;
    std::string url;  // where the user begins it
};

result<journey> prepare(const oauth::endpoint& authorities, const settings& settings,
                        const connect_wish& wish)
{
    journey ahead;
    ahead.state = new_token();
    authorization& what = ahead.what;
    what.connection_id = wish.record.id;
    what.workspace = wish.record.workspace;
    what.redirect_uri = settings.public_url + std::string(callback_path);
    what.return_url = wish.return_url;
    what.scopes = wish.scopes;
    what.variables = wish.record.variables;
    what.created_at = wish.record.created_at;
    oauth::authorization_request asked;
    asked.redirect_uri = what.redirect_uri;
    asked.state = ahead.state;
    asked.scopes = what.scopes;
    if (authorities.wants_pkce(wish.record.provider)) {
        oauth::pkce proof = oauth::make_pkce();
        asked.code_challenge = std::move(proof.challenge);
        what.verifier = std::move(proof.verifier);
    }
    result<std::string> url = authorities.authorize_url(wish.record, asked);
    if (!url) {
        return url.error();
    }
    ahead.url = std::move(*url);
    return ahead;
}

// Notes the attempt; the one before it is over.
vault::task<attempt> note_attempt(const services& gate, const connect_wish& wish,
                                  const journey& ahead, unix_micros until)
{
    attempt fresh;
    fresh.connection_id = wish.record.id;
    fresh.workspace = wish.record.workspace;
    fresh.kind = authorisation_kind;
    fresh.note_id = token_digest(ahead.state);
    fresh.before = wish.is_new ? vault::status::added : wish.record.status;
    fresh.reason_before = wish.record.status_reason;
    fresh.until = until;
    auto finding = find_attempt(gate, wish.record.id);
    const result<attempt> earlier = co_await std::move(finding);
    if (earlier) {
        fresh.before =
            wish.record.status == vault::status::pending ? earlier->before : fresh.before;
        auto discarding = discard(gate, *earlier);
        co_await std::move(discarding);
    } else if (fresh.before == vault::status::pending) {
        fresh.before = vault::status::added;
    }
    auto putting = gate.vault.notes().put(note_of(ahead.what, fresh.note_id, until));
    const result<void> put = co_await std::move(putting);
    if (!put) {
        co_return put.error();
    }
    auto replacing = gate.vault.notes().replace(note_of(fresh));
    const result<void> replaced = co_await std::move(replacing);
    if (!replaced) {
        co_return replaced.error();
    }
    co_return fresh;
}

}  // namespace

asio::awaitable<answer> initiate_connection(request& call)
{
    if (call.gate.oauth == nullptr) {
        co_return not_found();
    }
    const std::shared_ptr<const policy::catalogue> catalogue = call.gate.catalogue();
    complaints wrong;
    connect_wish wish = read_wish(call, *catalogue, wrong);
    if (!wrong.empty()) {
        co_return problem(wrong);
    }
    if (std::optional<answer> refusal = refuse_workspace(call, wish.record.workspace)) {
        co_return std::move(*refusal);
    }
    if (std::optional<answer> refusal = refuse_setup(call, wish.record.provider)) {
        co_return std::move(*refusal);
    }
    auto finding = find_target(call, wish);
    std::optional<answer> refusal = co_await std::move(finding);
    if (refusal) {
        co_return std::move(*refusal);
    }

    result<journey> prepared = prepare(*call.gate.oauth, *call.gate.settings, wish);
    if (!prepared) {
        co_return problem_of_url(prepared.error());
    }
    const vault::connection named = wish.record;
    audit::entry line = line_about(
        wish.is_new ? audit::kind::connection_added : audit::kind::connection_updated, named);
    line.detail = "authorisation begun";
    if (!record(call, line)) {
        co_return audit_unavailable();
    }
    const unix_micros until =
        now_micros() +
        std::chrono::microseconds(call.gate.settings->authorization_lifetime).count();
    // The notes first: without them nothing would ever end a pending connection.
    auto noting = note_attempt(call.gate, wish, *prepared, until);
    const result<attempt> noted = co_await std::move(noting);
    if (!noted) {
        co_return failed(call, line, noted.error());
    }
    auto beginning = make_pending(call.gate, wish);
    const result<vault::connection> begun = co_await std::move(beginning);
    if (!begun) {
        auto discarding = discard(call.gate, *noted);
        co_await std::move(discarding);
        auto restoring = restore(call.gate, *noted, "");
        co_await std::move(restoring);
        co_return failed(call, line, begun.error());
    }
    call.gate.tell(wish.is_new ? "connection.added" : "connection.updated", *begun);
    json::object out;
    out["connection_id"] = begun->id;
    out["authorize_url"] = prepared->url;
    out["expires_at"] = rfc3339(until);
    co_return ok(std::move(out));
}

}  // namespace sallyport::control
