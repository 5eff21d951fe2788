// GET /api/connect/callback, on the public listener: the provider sends the user's browser back.
//
// Whoever holds the state may come here, once, at any gate of the fleet. What the provider says is
// believed only as far as tokens go; of its words none is shown, and of its error codes only those
// of RFC 6749, 4.1.2.1.
#include <utility>

#include "control/authorization.hpp"
#include "control/connection_access.hpp"
#include "control/ending.hpp"
#include "control/page.hpp"
#include "control/return_url.hpp"
#include "control/routes.hpp"
#include "oauth/endpoint.hpp"
#include "oauth/error.hpp"
#include "vault/error.hpp"

namespace sallyport::control {

namespace asio = boost::asio;

namespace {

answer worthless_link()
{
    return page(400, "This link does not work",
                "It was used already, is too old or was never made here. Please begin again.");
}

// Everything known about one callback once its state was taken.
struct visit {
    authorization what;
    attempt latest;
    vault::connection record;
};

answer farewell(const visit& here, std::string_view code)
{
    const ending& known = ending_of(code);
    if (!here.what.return_url.empty()) {
        return redirect_to(with_parameters(
            here.what.return_url,
            {{"error", std::string(known.code)}, {"connection_id", here.what.connection_id}}));
    }
    const bool is_ours = known.code.ends_with("_unavailable");
    return page(is_ours ? 503 : 400, "Not connected", known.text);
}

// It came to nothing: the trail says so, the connection is what it was, and tokens that were given
// already are left to be revoked.
asio::awaitable<answer> give_up(request& call, visit& here, std::string_view code,
                                std::optional<held_credential> orphan)
{
    audit::entry line = line_about(audit::kind::connection_authorized, here.record);
    line.code = ending_of(code).code;
    line.detail = "not done";
    // What is taken back here is taken back whether or not this can be written.
    [[maybe_unused]] const result<void> recorded = record(call, line);
    if (orphan) {
        auto leaving = leave_to_revocation(call.gate, std::move(*orphan));
        co_await std::move(leaving);
    }
    const bool is_told = code == "wrong_account";
    std::string reason(ending_of(code).text);
    auto restoring = restore(call.gate, here.latest, std::move(reason), is_told);
    co_await std::move(restoring);
    co_return farewell(here, code);
}

// Takes what belongs to the state. Nothing where that is worthless.
vault::task<visit> take_visit(const services& gate, std::string state)
{
    auto taking = gate.vault.notes().take(std::string(authorisation_kind), token_digest(state));
    result<vault::note> taken = co_await std::move(taking);
    if (!taken) {
        co_return taken.error();
    }
    const wiped_note note(std::move(*taken));
    result<authorization> what = read_authorization(note.get().text);
    if (!what) {
        co_return what.error();
    }
    visit here;
    here.what = std::move(*what);
    here.what.workspace = note.get().workspace;
    auto finding = find_attempt(gate, here.what.connection_id);
    result<attempt> latest = co_await std::move(finding);
    if (!latest || latest->note_id != note.get().id) {
        co_return latest ? error_code(vault::errc::not_found) : latest.error();
    }
    here.latest = std::move(*latest);
    auto showing = gate.vault.show(here.what.connection_id);
    result<vault::connection> shown = co_await std::move(showing);
    if (!shown) {
        co_return shown.error();
    }
    here.record = std::move(*shown);
    if (here.record.status == vault::status::revoked ||
        here.record.workspace != here.what.workspace ||
        here.record.created_at != here.what.created_at) {
        co_return error_code(vault::errc::not_found);
    }
    co_return here;
}

// The tokens wait under a ticket; the browser carries it to whoever asked for them.
asio::awaitable<answer> hand_out_ticket(request& call, visit& here, held_credential fresh)
{
    const std::string ticket = new_token();
    const unix_micros until = now_micros() + std::chrono::microseconds(ticket_lifetime).count();
    vault::note note;
    note.kind = ticket_kind;
    note.id = token_digest(ticket);
    note.workspace = here.record.workspace;
    note.text = to_text(fresh);
    // It outlives the ticket's worth, so that the sweep finds the tokens of one that nobody used.
    note.expires_at = until + std::chrono::microseconds(abandoned_lifetime).count();
    attempt next = here.latest;
    next.kind = ticket_kind;
    next.note_id = note.id;
    next.until = until;
    auto putting = call.gate.vault.notes().put(std::move(note));
    const result<void> put = co_await std::move(putting);
    result<void> replaced = put;
    if (put) {
        auto replacing = call.gate.vault.notes().replace(note_of(next));
        replaced = co_await std::move(replacing);
    }
    if (!replaced) {
        auto giving_up = give_up(call, here, "vault_unavailable", std::move(fresh));
        co_return co_await std::move(giving_up);
    }
    co_return redirect_to(with_parameters(
        here.what.return_url, {{"ticket", ticket}, {"connection_id", here.what.connection_id}}));
}

asio::awaitable<answer> activate(request& call, visit& here, held_credential fresh)
{
    const vault::connection before = here.record;
    const audit::entry line = line_about(audit::kind::connection_authorized, before);
    if (!record(call, line)) {
        auto giving_up = give_up(call, here, "audit_unavailable", std::move(fresh));
        co_return co_await std::move(giving_up);
    }
    auto concluding = conclude(call.gate, std::move(fresh), here.latest);
    const result<vault::connection> concluded = co_await std::move(concluding);
    if (!concluded) {
        const bool is_gone = concluded.error() == vault::errc::revoked ||
                             concluded.error() == vault::errc::not_found;
        auto giving_up =
            give_up(call, here, is_gone ? "connection_gone" : "vault_unavailable", std::nullopt);
        co_return co_await std::move(giving_up);
    }
    co_return page(200, "Connected", "The account is connected. You can close this window.");
}

}  // namespace

asio::awaitable<answer> receive_callback(request& call)
{
    if (call.gate.oauth == nullptr) {
        co_return not_found();
    }
    result<oauth::callback> got = oauth::read_callback(call.callback);
    if (!got) {
        co_return worthless_link();
    }
    auto taking = take_visit(call.gate, got->state);
    result<visit> taken = co_await std::move(taking);
    if (!taken) {
        co_return taken.error() == vault::errc::unavailable
            ? page(503, "Not connected", ending_of("vault_unavailable").text)
            : worthless_link();
    }
    visit& here = *taken;
    vault::connection asked = here.record;
    asked.variables = here.what.variables;
    const result<void> genuine = call.gate.oauth->check_callback(asked, *got);
    if (!genuine) {
        const bool is_anothers = genuine.error() == oauth::errc::wrong_issuer;
        auto giving_up =
            give_up(call, here, is_anothers ? "wrong_issuer" : "forged_callback", std::nullopt);
        co_return co_await std::move(giving_up);
    }
    if (!got->error.empty()) {
        auto giving_up = give_up(call, here, code_said(got->error), std::nullopt);
        co_return co_await std::move(giving_up);
    }
    oauth::code_grant grant;
    grant.code = std::move(got->code);
    grant.verifier = here.what.verifier;
    grant.redirect_uri = here.what.redirect_uri;
    auto exchanging = call.gate.oauth->exchange_code(asked, std::move(grant));
    vault::refresh_answer exchanged = co_await std::move(exchanging);
    if (exchanged.verdict != vault::refresh_verdict::fresh) {
        auto giving_up = give_up(call, here, code_of(exchanged.verdict), std::nullopt);
        co_return co_await std::move(giving_up);
    }
    held_credential fresh = hold(here.what, here.record, std::move(exchanged.tokens));

    std::string_view fault = misfit(call.gate, here.record, fresh);
    auto finding = find_attempt(call.gate, here.what.connection_id);
    const result<attempt> now = co_await std::move(finding);
    if (!now || now->note_id != here.latest.note_id) {
        fault = "cancelled";
    }
    if (!fault.empty()) {
        auto giving_up = give_up(call, here, fault, std::move(fresh));
        co_return co_await std::move(giving_up);
    }
    if (here.what.return_url.empty()) {
        auto activating = activate(call, here, std::move(fresh));
        co_return co_await std::move(activating);
    }
    auto handing_out = hand_out_ticket(call, here, std::move(fresh));
    co_return co_await std::move(handing_out);
}

asio::awaitable<answer> receive_webhook(request& call)
{
    if (!call.gate.take_webhook) {
        co_return not_found();
    }
    webhook event;
    event.provider = call.named.front();
    event.fields = std::move(call.fields);
    event.body = call.raw_body;
    event.client = call.client;
    auto taking = call.gate.take_webhook(std::move(event));
    co_return co_await std::move(taking);
}

}  // namespace sallyport::control
