// What can be asked of a connection's provider: does it work, fresh tokens; and how that went.
#include <algorithm>
#include <utility>

#include "control/connection_access.hpp"
#include "control/connection_json.hpp"
#include "control/routes.hpp"
#include "control/test_call.hpp"
#include "net/http_client.hpp"
#include "net/tls.hpp"
#include "oauth/endpoint.hpp"
#include "vault/error.hpp"

namespace sallyport::control {

namespace json = boost::json;
namespace asio = boost::asio;

namespace {

// Sends it. An answer without a status: it could not be asked.
asio::awaitable<net::http_answer> ask(request& call, net::http_request question,
                                      const std::string& tls_ca)
{
    net::http_answer nothing;
    if (!tls_ca.empty()) {
        auto trusted = net::make_client_context(tls_ca);
        if (!trusted) {
            co_return nothing;
        }
        question.tls = std::move(*trusted);
    }
    auto asking = call.gate.http->ask(std::move(question), test_call_limit);
    result<net::http_answer> got = co_await std::move(asking);
    co_return got ? std::move(*got) : nothing;
}

bool may_be_refreshed(vault::status status) noexcept
{
    return status == vault::status::active || status == vault::status::reauth_required;
}

bool is_stale(const vault::opened_connection& opened)
{
    const bool has_expired =
        opened.record.expires_at != 0 && opened.record.expires_at <= now_micros();
    return has_expired || oauth::find_field(opened.fields, "access_token").empty();
}

// The connection and its credential, with a token that has not run out where one can be had.
vault::task<vault::opened_connection> open_usable(const services& gate, std::string id)
{
    auto opening = gate.vault.open(id);
    result<vault::opened_connection> opened = co_await std::move(opening);
    if (!opened || gate.oauth == nullptr || opened->record.kind != "oauth2" ||
        opened->fields.empty() || !may_be_refreshed(opened->record.status) || !is_stale(*opened) ||
        !gate.oauth->can_refresh(opened->record)) {
        co_return opened;
    }
    auto refreshing = gate.vault.refresh(id, opened->record.credential_version);
    const result<vault::connection> refreshed = co_await std::move(refreshing);
    if (!refreshed) {
        co_return refreshed.error();
    }
    auto again = gate.vault.open(id);
    co_return co_await std::move(again);
}

// A provider that refuses the credential has said what the next call would be told.
void judge_status(const test_verdict& verdict, bool can_renew, vault::connection& record)
{
    const bool is_waiting = record.status == vault::status::testing ||
                            record.status == vault::status::draft ||
                            record.status == vault::status::error;
    if (verdict.is_ok && is_waiting) {
        record.status = vault::status::active;
        record.status_reason.clear();
    } else if (verdict.is_rejected && !can_renew &&
               (is_waiting || record.status == vault::status::active)) {
        record.status =
            record.kind == "oauth2" ? vault::status::reauth_required : vault::status::error;
        record.status_reason = "the provider refused the credential when it was tested";
    }
}

// What the test says about the credential that was tested, if it is still that one.
vault::task<vault::connection> learn(const services& gate, const vault::opened_connection& opened,
                                     const test_verdict& verdict)
{
    const vault::connection& tested = opened.record;
    const bool can_renew = gate.oauth != nullptr && may_be_refreshed(tested.status) &&
                           gate.oauth->can_refresh(tested, opened.fields);
    const std::function<void(vault::connection&)> change = [&](vault::connection& record) {
        if (record.credential_version == tested.credential_version) {
            judge_status(verdict, can_renew, record);
        }
    };
    vault::connection after = tested;
    change(after);
    if (after.status == tested.status) {
        co_return after;
    }
    auto updating = gate.vault.update(tested.id, change, std::nullopt);
    co_return co_await std::move(updating);
}

json::object to_json(const vault::refresh_outcome& outcome)
{
    using what = vault::lifecycle_kind;
    const bool failed = outcome.what == what::refresh_failed;
    json::object out;
    out["time"] = rfc3339(outcome.at);
    out["outcome"] = failed                            ? "failed"
                     : outcome.what == what::refreshed ? "refreshed"
                                                       : "reauth_required";
    out["reason"] = outcome.reason;
    out["retry_after"] = failed ? json::value(outcome.retry_after.count()) : json::value(nullptr);
    out["expires_at"] = time_or_null(outcome.expires_at);
    return out;
}

}  // namespace

asio::awaitable<answer> test_connection(request& call)
{
    if (call.gate.http == nullptr) {
        co_return not_found();
    }
    auto finding = find_connection(call, access::change);
    const auto found = co_await std::move(finding);
    if (!found.record) {
        co_return found.refusal;
    }
    if (found.record->status == vault::status::revoked) {
        co_return revoked_already();
    }
    auto opening = open_usable(call.gate, found.record->id);
    const result<vault::opened_connection> opened = co_await std::move(opening);
    if (!opened) {
        co_return problem(opened.error());
    }
    const vault::connection& record_now = opened->record;
    const std::shared_ptr<const policy::catalogue> catalogue = call.gate.catalogue();
    const policy::provider* provider = catalogue->find(record_now.provider);
    if (provider == nullptr) {
        co_return problem(422, complaint_code::provider,
                          "The catalogue no longer has the connection's provider.");
    }
    if (opened->fields.empty()) {
        co_return problem(409, "connection_status", "The connection has no credential to test.");
    }
    result<net::http_request> question =
        test_request(*provider, record_now, opened->fields, now_micros());
    if (!question) {
        co_return question.error() == vault::errc::not_found
            ? problem(422, "no_test", "The provider's file names no test call for it.")
            : problem(question.error());
    }
    audit::entry line = line_about(audit::kind::connection_tested, record_now);
    if (!record(call, line)) {
        co_return audit_unavailable();
    }
    auto asking = ask(call, std::move(*question), provider->facts().tls_ca);
    const net::http_answer got = co_await std::move(asking);
    const test_verdict verdict = judge_test(provider->facts().about.test, got);

    line.status = got.status;
    line.code = verdict.is_ok ? "" : got.status == 0 ? "upstream_unreachable" : "refused";
    line.detail = verdict.is_ok ? "works" : "does not work";
    // That it was tried stands already.
    [[maybe_unused]] const result<void> recorded = record(call, line);
    auto learning = learn(call.gate, *opened, verdict);
    const result<vault::connection> after = co_await std::move(learning);
    if (!after) {
        co_return problem(after.error());
    }
    call.gate.tell("connection.tested", *after);
    json::object out;
    out["ok"] = verdict.is_ok;
    out["status"] = got.status == 0 ? json::value(nullptr) : json::value(got.status);
    out["account"] = after->account;
    out["scopes"] = json::array(verdict.scopes.begin(), verdict.scopes.end());
    out["connection"] = to_json(*after);
    co_return ok(std::move(out));
}

asio::awaitable<answer> list_refreshes(request& call)
{
    auto finding = find_connection(call, access::read);
    const auto found = co_await std::move(finding);
    if (!found.record) {
        co_return found.refusal;
    }
    auto reading = call.gate.vault.refreshes(found.record->id);
    const auto outcomes = co_await std::move(reading);
    if (!outcomes) {
        co_return problem(outcomes.error());
    }
    json::array items;
    for (auto one = outcomes->rbegin(); one != outcomes->rend(); ++one) {
        items.push_back(to_json(*one));
    }
    co_return list_of(std::move(items));
}

asio::awaitable<answer> refresh_connection(request& call)
{
    auto finding = find_connection(call, access::change);
    const auto found = co_await std::move(finding);
    if (!found.record) {
        co_return found.refusal;
    }
    const vault::connection& before = *found.record;
    if (before.status == vault::status::revoked) {
        co_return revoked_already();
    }
    if (!may_be_refreshed(before.status)) {
        co_return problem(409, "connection_status", "Only an active connection can be refreshed.");
    }
    auto refreshing = call.gate.vault.refresh(before.id, before.credential_version);
    const result<vault::connection> refreshed = co_await std::move(refreshing);
    if (refreshed) {
        co_return ok(to_json(*refreshed));
    }
    answer refusal = problem(refreshed.error());
    if (refreshed.error() == vault::errc::refresh_failed) {
        const auto pause = call.gate.vault.refresh_pause(before.id);
        refusal.fields.emplace_back("Retry-After",
                                    std::to_string(std::max<long>(1, pause.count())));
    }
    co_return refusal;
}

}  // namespace sallyport::control
