// The life of a call. serve() is the whole story; every branch that settles a call's fate is in it
// or is the refusal that one of its stations returns.
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>

#include "base/text.hpp"
#include "net/error.hpp"
#include "proxy/session.hpp"
#include "vault/error.hpp"

namespace sallyport::proxy {

namespace {

refusal forbidden()
{
    return {code::connection_forbidden,
            "The run has no connection for this provider that it may use.",
            {},
            {}};
}

std::string quoted(std::string_view text)
{
    std::string out;
    append_json_string(out, text);
    return out;
}

std::string_view denial_text(policy::verdict outcome) noexcept
{
    switch (outcome) {
        case policy::verdict::class_above_access:
            return "The operation's class is above what the run may do.";
        case policy::verdict::tunnel: return "The call carries other calls, which no rule can see.";
        default: return "No rule of the provider names this operation.";
    }
}

}  // namespace

bool may_use(const vault::connection& record, const identity::run_claims& claims) noexcept
{
    return record.workspace == claims.workspace && (record.shared || record.user == claims.user);
}

net::task<bool> session::serve(refusal early)
{
    call_.reset();
    worker_.call_ids.next().write(call_.id.data());
    call_.catalogue = worker_.snapshot;

    refusal fate = std::move(early);
    if (!fate) {
        call_.trace.read(call_.head, call_.call_id());
        fate = admit(call_.head, call_.request);
    }
    if (!fate) {
        fate = address();
    }
    if (!fate) {
        fate = identify();
    }
    if (!fate && !run_known_live()) {
        fate = co_await check_run();
    }
    if (!fate && !resolve_warm(fate)) {
        fate = co_await resolve();
    }
    if (!fate) {
        fate = decide();
    }
    if (!fate && call_.decision.outcome == policy::verdict::needs_graphql) {
        fate = co_await decide_on_graphql();
    }
    if (!fate) {
        fate = check_rate();
    }
    if (!fate) {
        fate = co_await record_intent();
    }
    if (!fate) {
        fate = co_await forward();
        drop_kept();
    }
    bool keep = false;
    if (fate) {
        drop_collected();
        auto refusing = refuse(std::move(fate));
        keep = co_await std::move(refusing);
    } else {
        keep = co_await answer();
    }
    co_return keep;
}

bool session::is_candidate(std::string_view provider) const noexcept
{
    for (const provider_plan* plan : call_.providers) {
        if (plan->provider->facts().id == provider) {
            return true;
        }
    }
    return false;
}

// The usual case without a coroutine: one connection fits, and it is cached. False: ask resolve().
bool session::resolve_warm(refusal& fate)
{
    const identity::run_claims& claims = call_.run->claims;
    if (!call_.request.connection_id.empty() || !claims.connections.empty()) {
        return false;
    }
    const std::string* only = nullptr;
    for (const auto& [provider, id] : claims.connections_by_provider) {
        if (is_candidate(provider)) {
            if (only != nullptr) {
                return false;
            }
            only = &id;
        }
    }
    if (only == nullptr) {
        return false;
    }
    auto found = worker_.vault.cached(*only, vault::boot_millis());
    if (found == nullptr || !may_use(found->record(), claims) ||
        !is_candidate(found->record().provider) || !is_fresh(*found)) {
        return false;
    }
    worker_.metrics.own.credentials_cached.add();
    fate = use(std::move(found));
    return true;
}

net::task<refusal> session::resolve()
{
    const identity::run_claims& claims = call_.run->claims;
    const std::string_view wanted = call_.request.connection_id;
    std::vector<std::shared_ptr<const vault::resolved>> usable;
    const std::size_t keyed = claims.connections_by_provider.size();
    for (std::size_t i = 0; i < keyed + claims.connections.size(); ++i) {
        const std::string& id =
            i < keyed ? claims.connections_by_provider[i].second : claims.connections[i - keyed];
        if ((!wanted.empty() && id != wanted) ||
            (i < keyed && !is_candidate(claims.connections_by_provider[i].first))) {
            continue;
        }
        auto found = worker_.vault.cached(id, vault::boot_millis());
        (found ? worker_.metrics.own.credentials_cached : worker_.metrics.own.credentials_fetched)
            .add();
        if (found == nullptr) {
            auto asking = net::asio::co_spawn(worker_.runtime.io(), worker_.vault.fetch(id),
                                              net::asio::as_tuple(net::asio::deferred));
            auto [broken, answer] = co_await std::move(asking);
            if (broken || (!answer && answer.error() != vault::errc::not_found)) {
                co_return refuse_vault(broken ? error_code(vault::errc::unavailable)
                                              : answer.error());
            }
            if (!answer) {
                continue;
            }
            found = std::move(*answer);
        }
        if (may_use(found->record(), claims) && is_candidate(found->record().provider)) {
            usable.push_back(std::move(found));
        }
    }
    if (usable.empty()) {
        co_return forbidden();
    }
    if (usable.size() > 1) {
        std::vector<std::string> ids;
        for (const auto& candidate : usable) {
            ids.push_back(candidate->record().id);
        }
        refusal ambiguous{code::connection_ambiguous,
                          "Name one of the candidates in a Connection-Id field.",
                          {},
                          {}};
        ambiguous.members.emplace_back("candidates", json_array(ids));
        co_return ambiguous;
    }
    std::shared_ptr<const vault::resolved> chosen = std::move(usable.front());
    if (!is_fresh(*chosen)) {
        auto freshening = freshen(&chosen);
        refusal stale = co_await std::move(freshening);
        if (stale) {
            co_return stale;
        }
    }
    co_return use(std::move(chosen));
}

// Settles provider, plan and upstream for a connection that the run may use.
refusal session::use(std::shared_ptr<const vault::resolved> found)
{
    const vault::connection& record = found->record();
    call_.credential = std::move(found);
    if (refusal refused = state_refusal(record)) {
        return refused;
    }
    const auto noted = std::static_pointer_cast<const connection_plan>(call_.credential->note);
    if (noted != nullptr && noted->made_from == call_.catalogue) {
        call_.plan = noted;
    } else {
        const provider_plan* const provider = call_.catalogue->find(record.provider);
        if (provider != nullptr) {
            call_.plan = make_connection_plan(call_.catalogue, *provider, record, worker_.pool);
        }
        if (call_.plan == nullptr) {
            refusal refused{code::connection_inactive,
                            "The connection does not fit its provider's file any more.",
                            {},
                            {}};
            refused.members.emplace_back("connection_status", quoted("error"));
            refused.members.emplace_back("authorize_url", quoted(authorize_url(record)));
            return refused;
        }
        call_.credential->note = call_.plan;
    }
    const admitted& request = call_.request;
    const bool reverse = request.way == way::reverse;
    std::string_view host;
    unsigned port = 0;
    const std::string_view authority = reverse ? request.provider_host : request.authority;
    if (!authority.empty() && !split_authority(authority, host, port)) {
        return {code::unknown_provider, "The host after '@' is not an authority.", {}, {}};
    }
    call_.upstream = call_.plan->find(host, !reverse && port == http_port ? 0 : port);
    if (call_.upstream == nullptr || !call_.upstream->listed->covers(call_.path)) {
        return {code::unknown_provider, "The provider has no such host.", {}, {}};
    }
    return {};
}

refusal session::state_refusal(const vault::connection& record) const
{
    const bool expired = record.expires_at != 0 && record.expires_at <= now_micros();
    if (record.status == vault::status::active && !expired) {
        return {};
    }
    refusal refused;
    if (record.status == vault::status::revoked) {
        refused = {code::connection_revoked, "The connection was revoked.", {}, {}};
        refused.members.emplace_back("provider", quoted(record.provider));
        refused.members.emplace_back("connection_id", quoted(record.id));
    } else if (record.status == vault::status::reauth_required || expired) {
        refused = {code::reauth_required, "The provider no longer accepts the grant.", {}, {}};
    } else {
        refused = {code::connection_inactive, "The connection is not ready for calls.", {}, {}};
        refused.members.emplace_back("connection_status", quoted(to_string(record.status)));
    }
    refused.members.emplace_back("authorize_url", quoted(authorize_url(record)));
    return refused;
}

std::string session::authorize_url(const vault::connection& record) const
{
    std::string out = worker_.settings.connect_page;
    if (!out.empty()) {
        out += out.find('?') == std::string::npos ? '?' : '&';
        out += "provider=" + record.provider + "&connection_id=" + record.id;
    }
    return out;
}

// Leaves verdict::needs_graphql to be settled by the body.
refusal session::decide(const policy::graphql_request* graphql)
{
    const vault::connection& record = call_.credential->record();
    const policy::provider& provider = *call_.plan->provider->provider;
    const policy::grant grant{.kind = record.kind,
                              .variant = record.variant,
                              .granted = &call_.plan->granted,
                              .run = call_.run->scopes_for(call_.catalogue, provider),
                              .access = call_.run->access};
    const policy::call_facts facts{.method = call_.head.method,
                                   .host = call_.upstream->listed->facts->host,
                                   .path = &call_.path,
                                   .graphql = graphql};
    call_.decision = provider.decide(facts, grant);
    switch (call_.decision.outcome) {
        case policy::verdict::allow:
        case policy::verdict::needs_graphql: return {};
        case policy::verdict::scope_missing: return scope_refusal(grant);
        default: break;
    }
    refusal denied{code::operation_denied, denial_text(call_.decision.outcome), {}, {}};
    denied.members.emplace_back("operation",
                                quoted(call_.decision.decided_by != nullptr
                                           ? call_.decision.decided_by->operation
                                           : std::string(call_.head.method) + " " +
                                                 std::string(call_.request.path.substr(0, 256))));
    return denied;
}

refusal session::check_rate()
{
    const connection_plan& plan = *call_.plan;
    if (plan.rate.requests == 0) {
        return {};
    }
    const auto now = std::chrono::steady_clock::now();
    if (plan.meter == nullptr) {
        plan.meter = worker_.meters.find(call_.credential->record().id, now);
    }
    if (plan.meter == nullptr) {
        return {code::overloaded, "Too many connections have limits of their own.", {}, {}};
    }
    const std::chrono::nanoseconds wait = plan.meter->take(plan.rate, now);
    if (wait.count() == 0) {
        return {};
    }
    refusal limited{code::rate_limited, "The connection's rate_limit is reached.", {}, {}};
    limited.retry_after = std::chrono::ceil<std::chrono::seconds>(wait);
    return limited;
}

refusal session::scope_refusal(const policy::grant& grant) const
{
    const policy::rule& rule = *call_.decision.decided_by;
    refusal missing{code::scope_missing, "The connection or the run lacks a scope.", {}, {}};
    std::string alternatives = "[";
    for (const auto& alternative :
         call_.plan->provider->provider->missing(rule, grant, call_.path)) {
        alternatives += alternatives.size() > 1 ? "," : "";
        alternatives += json_array(alternative);
    }
    const vault::connection& record = call_.credential->record();
    missing.members.emplace_back("operation", quoted(rule.operation));
    missing.members.emplace_back("missing_scopes", alternatives + "]");
    missing.members.emplace_back("granted_scopes", json_array(record.scopes_granted));
    missing.members.emplace_back("authorize_url", quoted(authorize_url(record)));
    return missing;
}

}  // namespace sallyport::proxy
