// POST /api/connect/initiate: a user is about to connect an account, or to grant a connection more:
// at a provider's page, or by typing a code that the provider gave into a browser elsewhere.
#include <utility>

#include "control/authorization.hpp"
#include "control/connect_wish.hpp"
#include "control/connection_access.hpp"
#include "control/routes.hpp"
#include "oauth/endpoint.hpp"
#include "oauth/error.hpp"
#include "vault/error.hpp"

namespace sallyport::control {

namespace json = boost::json;
namespace asio = boost::asio;

namespace {

constexpr std::string_view callback_path = "/api/connect/callback";

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

// Is it what was asked for, and not what the provider said to it?
bool is_of_request(const error_code& error)
{
    return error == oauth::errc::missing_value || error == oauth::errc::unsendable;
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
    unix_micros until = 0;
    std::string url;        // where the user begins it
    std::string user_code;  // what they type in there; with a device alone
    std::string typing_url;
};

journey journey_of(const connect_wish& wish)
{
    journey ahead;
    ahead.state = new_token();
    authorization& what = ahead.what;
    what.connection_id = wish.record.id;
    what.workspace = wish.record.workspace;
    what.return_url = wish.return_url;
    what.scopes = wish.scopes;
    what.variables = wish.record.variables;
    what.created_at = wish.record.created_at;
    return ahead;
}

result<journey> prepare(const oauth::endpoint& authorities, const settings& settings,
                        const connect_wish& wish)
{
    journey ahead = journey_of(wish);
    ahead.until = now_micros() + std::chrono::microseconds(settings.authorization_lifetime).count();
    authorization& what = ahead.what;
    what.redirect_uri = settings.public_url + std::string(callback_path);
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

// Asks the provider for a code that the user can type in.
vault::task<journey> prepare_device(const services& gate, const connect_wish& wish)
{
    auto asking = gate.oauth->begin_device(wish.record, wish.scopes);
    result<oauth::device_authorization> begun = co_await std::move(asking);
    if (!begun) {
        co_return begun.error();
    }
    journey ahead = journey_of(wish);
    ahead.until = begun->expires_at;
    ahead.user_code = std::move(begun->user_code);
    ahead.url = begun->complete_uri.empty() ? begun->verification_uri : begun->complete_uri;
    ahead.typing_url = std::move(begun->verification_uri);
    device_wait& device = ahead.what.device;
    device.code = std::move(begun->device_code);
    device.interval = begun->interval;
    device.next = now_micros() + std::chrono::microseconds(begun->interval).count();
    co_return ahead;
}

// Notes the attempt; the one before it is over.
vault::task<attempt> note_attempt(const services& gate, const connect_wish& wish,
                                  const journey& ahead)
{
    attempt fresh;
    fresh.connection_id = wish.record.id;
    fresh.workspace = wish.record.workspace;
    fresh.kind = wish.by_device ? device_kind : authorisation_kind;
    fresh.note_id = token_digest(ahead.state);
    fresh.before = wish.is_new ? vault::status::added : wish.record.status;
    fresh.reason_before = wish.record.status_reason;
    fresh.until = ahead.until;
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
    const std::chrono::microseconds grace =
        wish.by_device ? device_note_grace : std::chrono::minutes(0);
    vault::note note = note_of(ahead.what, fresh.note_id, ahead.until + grace.count());
    auto putting = gate.vault.notes().put(std::move(note));
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

answer begun_answer(const vault::connection& record, const journey& ahead)
{
    json::object out;
    out["connection_id"] = record.id;
    out["authorize_url"] = ahead.url;
    out["expires_at"] = rfc3339(ahead.until);
    if (!ahead.user_code.empty()) {
        out["user_code"] = ahead.user_code;
        out["verification_uri"] = ahead.typing_url;
    }
    return ok(std::move(out));
}

// The trail has its line: it has begun, or it came to nothing.
asio::awaitable<answer> begin(request& call, const connect_wish& wish, audit::entry line,
                              const journey& ahead)
{
    // The notes first: without them nothing would ever end a pending connection.
    auto noting = note_attempt(call.gate, wish, ahead);
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
    co_return begun_answer(*begun, ahead);
}

// The same with a code that is asked for first.
asio::awaitable<answer> begin_by_device(request& call, const connect_wish& wish, audit::entry line)
{
    auto preparing = prepare_device(call.gate, wish);
    const result<journey> prepared = co_await std::move(preparing);
    if (!prepared) {
        line.code = "provider_unavailable";
        line.detail = "not done";
        // The line before stands whether or not this one can be written.
        [[maybe_unused]] const result<void> recorded = record(call, line);
        co_return is_of_request(prepared.error())
            ? problem_of_url(prepared.error())
            : problem(503, line.code, "The provider gave no code to type in.");
    }
    auto beginning = begin(call, wish, line, *prepared);
    co_return co_await std::move(beginning);
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
    if (std::optional<answer> refusal = refuse_setup(call, wish)) {
        co_return std::move(*refusal);
    }
    auto finding = find_target(call, wish);
    std::optional<answer> refusal = co_await std::move(finding);
    if (refusal) {
        co_return std::move(*refusal);
    }

    result<journey> prepared = journey();
    if (!wish.by_device) {
        prepared = prepare(*call.gate.oauth, *call.gate.settings, wish);
    }
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
    if (wish.by_device) {
        auto beginning = begin_by_device(call, wish, line);
        co_return co_await std::move(beginning);
    }
    auto beginning = begin(call, wish, line, *prepared);
    co_return co_await std::move(beginning);
}

}  // namespace sallyport::control
