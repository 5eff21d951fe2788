// How an authorisation ends that its initiator has a say in: completed with the ticket that the
// browser brought back, or cancelled.
//
// A ticket is worth something only together with the workspace and user that asked for it. So a
// user who was lured into authorising somebody else's connection (login CSRF) brings a ticket to
// the platform that the platform, which knows who is logged in, cannot use.
#include <utility>

#include "base/text.hpp"
#include "control/authorization.hpp"
#include "control/connection_access.hpp"
#include "control/connection_json.hpp"
#include "control/routes.hpp"
#include "vault/error.hpp"

namespace sallyport::control {

namespace asio = boost::asio;

namespace {

answer worthless_ticket()
{
    return problem(404, "not_found", "The ticket is unknown, was used already or is too old.");
}

struct presented {
    held_credential held;
    attempt latest;
};

// What the ticket stands for, which stays where it is.
vault::task<presented> look_at(const services& gate, const std::string& id)
{
    auto reading = gate.vault.notes().read(std::string(ticket_kind), id);
    result<vault::note> found = co_await std::move(reading);
    if (!found) {
        co_return found.error();
    }
    const wiped_note note(std::move(*found));
    result<held_credential> held = read_held(note.get().text);
    if (!held) {
        co_return held.error();
    }
    auto finding = find_attempt(gate, held->record.id);
    result<attempt> latest = co_await std::move(finding);
    if (!latest) {
        co_return latest.error();
    }
    if (latest->note_id != id || latest->until <= now_micros()) {
        co_return error_code(vault::errc::not_found);
    }
    presented shown;
    shown.held = std::move(*held);
    shown.latest = std::move(*latest);
    co_return shown;
}

// Whoever else holds the ticket will not use it either.
asio::awaitable<answer> burn(request& call, const presented& shown, std::string_view code)
{
    audit::entry line = line_about(audit::kind::connection_authorized, shown.held.record);
    line.code = code;
    line.detail = "not done";
    // What is taken back here is taken back whether or not this can be written.
    [[maybe_unused]] const result<void> recorded = record(call, line);
    auto discarding = discard(call.gate, shown.latest);
    co_await std::move(discarding);
    std::string reason(code == "wrong_account" ? "another account was chosen"
                                               : "somebody else tried to complete it");
    auto restoring = restore(call.gate, shown.latest, std::move(reason), code == "wrong_account");
    co_await std::move(restoring);
    co_return worthless_ticket();
}

}  // namespace

asio::awaitable<answer> complete_connection(request& call)
{
    complaints wrong;
    member_reader members(call.body, "", wrong);
    const std::string ticket = members.required_text("ticket");
    const std::string workspace = members.required_text("workspace");
    const std::string user = members.required_text("user");
    members.refuse_others();
    if (!wrong.empty()) {
        co_return problem(wrong);
    }
    if (std::optional<answer> refusal = refuse_workspace(call, workspace)) {
        co_return std::move(*refusal);
    }
    const std::string id = token_digest(ticket);
    auto looking = look_at(call.gate, id);
    const result<presented> shown = co_await std::move(looking);
    if (!shown) {
        co_return shown.error() == vault::errc::unavailable ? problem(shown.error())
                                                            : worthless_ticket();
    }
    const vault::connection& wanted = shown->held.record;
    if (wanted.workspace != workspace || wanted.user != user) {
        auto burning = burn(call, *shown, "wrong_initiator");
        co_return co_await std::move(burning);
    }
    if (wanted.shared && call.who->role != role::admin) {
        co_return shared_needs_admin();
    }
    auto showing = call.gate.vault.show(wanted.id);
    const result<vault::connection> record_now = co_await std::move(showing);
    if (!record_now && record_now.error() != vault::errc::not_found) {
        co_return problem(record_now.error());
    }
    const bool is_gone = !record_now || record_now->status == vault::status::revoked ||
                         !is_same(wanted, *record_now);
    if (is_gone || !misfit(call.gate, *record_now, shown->held).empty()) {
        auto burning = burn(call, *shown, is_gone ? "connection_gone" : "wrong_account");
        co_return co_await std::move(burning);
    }
    const audit::entry line = line_about(audit::kind::connection_authorized, wanted);
    if (!record(call, line)) {
        co_return audit_unavailable();
    }
    auto taking = call.gate.vault.notes().take(std::string(ticket_kind), id);
    result<vault::note> taken = co_await std::move(taking);
    if (!taken) {
        const answer refusal = failed(call, line, taken.error());
        co_return taken.error() == vault::errc::not_found ? worthless_ticket() : refusal;
    }
    const wiped_note note(std::move(*taken));
    result<held_credential> fresh = read_held(note.get().text);
    if (!fresh) {
        co_return failed(call, line, fresh.error());
    }
    auto concluding = conclude(call.gate, std::move(*fresh), shown->latest);
    const result<vault::connection> concluded = co_await std::move(concluding);
    if (!concluded) {
        co_return failed(call, line, concluded.error());
    }
    co_return ok(to_json(*concluded));
}

asio::awaitable<answer> cancel_connection(request& call)
{
    auto searching = find_connection(call, access::change);
    const auto found = co_await std::move(searching);
    if (!found.record) {
        co_return found.refusal;
    }
    const vault::connection& before = *found.record;
    auto finding = find_attempt(call.gate, before.id);
    result<attempt> latest = co_await std::move(finding);
    if (!latest && latest.error() == vault::errc::unavailable) {
        co_return problem(latest.error());
    }
    if (!latest && before.status != vault::status::pending) {
        co_return problem(409, "connection_status", "No authorisation of it is under way.");
    }
    audit::entry line = line_about(audit::kind::connection_updated, before);
    line.detail = "authorisation cancelled";
    if (!record(call, line)) {
        co_return audit_unavailable();
    }
    attempt over;
    over.connection_id = before.id;
    if (latest) {
        over = std::move(*latest);
    }
    auto discarding = discard(call.gate, over);
    co_await std::move(discarding);
    auto restoring = restore(call.gate, over, "");
    co_await std::move(restoring);
    auto showing = call.gate.vault.show(before.id);
    const result<vault::connection> after = co_await std::move(showing);
    if (after && after->status == vault::status::pending) {
        co_return problem(error_code(vault::errc::unavailable));
    }
    co_return after ? ok(to_json(*after)) : problem(after.error());
}

}  // namespace sallyport::control
