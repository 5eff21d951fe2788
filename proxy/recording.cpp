// What a call leaves in the trail: intent before, outcome after, or one refusal.
#include "base/text.hpp"
#include "proxy/session.hpp"

namespace sallyport::proxy {

namespace {

std::int64_t micros_between(exchange::clock::time_point from, exchange::clock::time_point to)
{
    return std::chrono::duration_cast<std::chrono::microseconds>(to - from).count();
}

constexpr std::size_t query_keys_max = 64;

// Names only, raw: values may be anything.
void collect_query_keys(std::string_view query, std::vector<std::string_view>& out)
{
    out.clear();
    while (!query.empty() && out.size() < query_keys_max) {
        const std::size_t end = query.find('&');
        const std::string_view name = query.substr(0, end).substr(0, query.find_first_of("=&"));
        if (!name.empty()) {
            out.push_back(name);
        }
        if (end == std::string_view::npos) {
            break;
        }
        query.remove_prefix(end + 1);
    }
}

// Refusals that come before a run is known.
bool unidentified(code value) noexcept
{
    switch (value) {
        case code::bad_request:
        case code::run_token_missing:
        case code::run_token_invalid:
        case code::run_token_expired:
        case code::unknown_provider:
        case code::method_not_allowed:
        case code::request_timeout:
        case code::target_too_long:
        case code::headers_too_large: return true;
        default: return false;
    }
}

}  // namespace

void session::fill_entry(audit::entry& entry)
{
    entry.call_id = call_.call_id();
    entry.trace_id = call_.trace.trace_id();
    entry.span_id = call_.trace.span_id();
    entry.client = from_.address;
    entry.method = call_.head.method;
    if (call_.run != nullptr) {
        const identity::run_claims& claims = call_.run->claims;
        entry.workspace = claims.workspace;
        entry.app = claims.app;
        entry.run = claims.run;
        entry.user = claims.user;
    }
    if (call_.credential != nullptr) {
        entry.connection_id = call_.credential->record().id;
        entry.provider = call_.credential->record().provider;
    } else if (call_.providers.size() == 1) {
        entry.provider = call_.providers.front()->provider->facts().id;
    }
    if (!call_.providers.empty()) {  // A target that was not understood is not repeated.
        collect_query_keys(call_.request.query, query_keys_);
        entry.query_keys = query_keys_;
        entry.path = call_.request.path;
    }
    if (call_.upstream != nullptr) {
        entry.host = call_.upstream->authority;
    }
    if (const policy::rule* const rule = call_.decision.decided_by) {
        entry.operation = rule->operation;
        entry.cls = policy::to_string(rule->cls);
        entry.rule = rule->source;
        if (call_.decision.alternative < rule->scopes.size()) {
            entry.scopes_used = rule->scopes[call_.decision.alternative];
        }
    }
    entry.stripped = call_.stripped;
}

net::task<refusal> session::record_intent()
{
    audit::entry intent;
    intent.kind = audit::kind::call_intent;
    fill_entry(intent);
    intent.decision = "allow";
    const refusal unavailable{code::audit_unavailable, "The call cannot be recorded.", {}, {}};
    if (worker_.trail.append(intent)) {
        co_return unavailable;
    }
    call_.intent_recorded = true;
    if (call_.request.body.kind == body_kind::none) {
        client_->watch();
    }
    co_await worker_.trail.written();
    if (!worker_.trail.last_written()) {
        call_.intent_recorded = false;  // What is not on disk did not happen.
        co_return unavailable;
    }
    co_return refusal{};
}

void session::record_outcome(std::string_view fault_code, bool denied)
{
    audit::entry outcome;
    outcome.kind = audit::kind::call_outcome;
    fill_entry(outcome);
    outcome.decision = denied ? "deny" : "allow";
    outcome.code = fault_code;
    outcome.status = call_.status == 0 ? -1 : static_cast<std::int64_t>(call_.status);
    outcome.request_bytes = static_cast<std::int64_t>(call_.request_bytes);
    outcome.response_bytes = static_cast<std::int64_t>(call_.response_bytes);
    outcome.duration_us = micros_between(call_.started, exchange::clock::now());
    if (call_.attempts != 0) {
        outcome.attempts = call_.attempts;
        outcome.upstream_us =
            call_.answered > call_.sent ? micros_between(call_.sent, call_.answered) : -1;
    }
    count_call(fault_code, outcome.duration_us, outcome.upstream_us);
    // An outcome that cannot be queued is found missing and closed as outcome_unknown.
    if (call_.capture != nullptr) {
        record_captured(outcome);
    } else {
        worker_.trail.append(outcome);
    }
}

// Of the provider that fill_entry() names.
void session::count_call(std::string_view code, std::int64_t duration_us, std::int64_t upstream_us)
{
    const provider_plan* provider = nullptr;
    if (call_.plan != nullptr) {
        provider = call_.plan->provider;
    } else if (call_.credential != nullptr) {
        provider = call_.catalogue->find(call_.credential->record().provider);
    } else if (call_.providers.size() == 1) {
        provider = call_.providers.front();
    }
    const policy::rule* const rule = call_.decision.decided_by;
    finished_call call;
    call.provider = provider == nullptr ? std::uint16_t{0} : provider->number;
    call.call_class = rule == nullptr ? 0 : static_cast<std::size_t>(rule->cls) + 1;
    call.code = code;
    const bool was_sent = call_.attempts != 0;
    call.gate_us = was_sent ? micros_between(call_.started, call_.sent) : duration_us;
    call.upstream_us = upstream_us;
    call.status = call_.answer.status;
    call.request_bytes = call_.request_bytes;
    call.response_bytes = call_.response_bytes;
    count(worker_.metrics, call);
}

// True if the line is written, folded, or rides with an intent that is.
net::task<bool> session::record_refusal(const refusal& fate)
{
    if (call_.intent_recorded) {
        record_outcome(to_string(fate.code), true);
        co_return true;
    }
    const std::int64_t duration_us = micros_between(call_.started, exchange::clock::now());
    count_call(to_string(fate.code), duration_us, -1);
    if (call_.run == nullptr && unidentified(fate.code)) {
        if (worker_.unidentified_lines >= worker_context::unidentified_lines_max) {
            ++worker_.unidentified_folded;
            worker_.metrics.own.refusals_folded.add();
            co_return true;
        }
        ++worker_.unidentified_lines;
    }
    audit::entry line;
    line.kind = audit::kind::call_refused;
    fill_entry(line);
    line.decision = "deny";
    line.code = to_string(fate.code);
    line.status = status_of(fate.code);
    line.duration_us = duration_us;
    if (worker_.trail.append(line)) {
        co_return false;
    }
    co_await worker_.trail.written();
    co_return worker_.trail.last_written();
}

net::task<bool> session::refuse(refusal fate)
{
    if (call_.intent_recorded && (call_.client_lost || call_.revoked)) {
        record_outcome(call_.revoked ? "revoked_midstream" : "client_abort", false);
        co_return false;
    }
    const bool broken = fate.code == code::bad_request || fate.code == code::request_timeout ||
                        fate.code == code::target_too_long || fate.code == code::headers_too_large;
    call_.status = status_of(fate.code);
    const bool recorded = co_await record_refusal(fate);
    if (!recorded) {
        fate = refusal{code::audit_unavailable, "The refusal cannot be recorded.", {}, {}};
    }
    // A small body that has arrived is passed over; for another the connection is given up.
    bool keep = !broken && call_.request.keep_alive && client_->is_open() && !client_->ended();
    if (call_.request.body.kind != body_kind::none && !call_.body_complete) {
        const bool there = call_.request.body.kind == body_kind::length &&
                           call_.request.body.length <= client_->pending().size() &&
                           call_.request_bytes == 0;
        if (there) {
            client_->consume(static_cast<std::size_t>(call_.request.body.length));
        }
        keep = keep && there;
    }
    const refusal_context context{
        .call_id = call_.call_id(),
        .forward = call_.request.way == way::forward,
        .basic_place = !call_.providers.empty() && call_.providers.front()->basic_place,
        .close = !keep || worker_.draining,
        .head_only = call_.head.method == "HEAD" && !broken};
    const std::string rendered = render(fate, context);
    if (!client_->put({rendered})) {
        client_->expires_after(worker_.settings.limits.idle_timeout);
        const error_code lost = co_await client_->drain();
        keep = keep && !lost;
    }
    co_return keep;
}

}  // namespace sallyport::proxy
