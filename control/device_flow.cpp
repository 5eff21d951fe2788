#include "control/device_flow.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "control/authorization.hpp"
#include "control/connection_access.hpp"
#include "control/ending.hpp"
#include "oauth/endpoint.hpp"
#include "vault/error.hpp"

namespace sallyport::control {

namespace asio = boost::asio;

namespace {

constexpr std::chrono::milliseconds claim_length{30'000};  // longer than one exchange

unix_micros micros(std::chrono::microseconds length) { return length.count(); }

// Everything known about one device that is waited for.
struct waiting {
    std::string id;
    authorization what;
    attempt latest;
    vault::connection record;
};

// errc::not_found: nothing is to come of it any more.
vault::task<waiting> find_waiting(const services& gate, std::string id)
{
    auto reading = gate.vault.notes().read(std::string(device_kind), id);
    result<vault::note> found = co_await std::move(reading);
    if (!found) {
        co_return found.error();
    }
    const wiped_note note(std::move(*found));
    result<authorization> what = read_authorization(note.get().text);
    if (!what) {
        co_return error_code(vault::errc::not_found);
    }
    waiting here;
    here.id = std::move(id);
    here.what = std::move(*what);
    here.what.workspace = note.get().workspace;
    auto finding = find_attempt(gate, here.what.connection_id);
    result<attempt> latest = co_await std::move(finding);
    if (!latest || latest->note_id != here.id) {
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

// The connection gets the tokens. Otherwise the code that says why not; those that are still at
// hand are the caller's to leave to revocation.
asio::awaitable<std::string_view> activate(const services& gate, const waiting& here,
                                           std::optional<held_credential>& tokens)
{
    if (!record(gate, line_about(audit::kind::connection_authorized, here.record))) {
        co_return "audit_unavailable";
    }
    held_credential fresh = std::move(*tokens);
    tokens.reset();
    auto concluding = conclude(gate, std::move(fresh), here.latest);
    const result<vault::connection> concluded = co_await std::move(concluding);
    if (concluded) {
        co_return "";
    }
    const bool is_gone =
        concluded.error() == vault::errc::revoked || concluded.error() == vault::errc::not_found;
    co_return is_gone ? "connection_gone" : "vault_unavailable";
}

// The end of it, well (no code) or not. Whoever cancelled it meanwhile has ended it already.
asio::awaitable<void> settle(const services& gate, const waiting& here, std::string_view code,
                             std::optional<held_credential> tokens)
{
    auto taking = gate.vault.notes().take(std::string(device_kind), here.id);
    result<vault::note> taken = co_await std::move(taking);
    const bool is_ours = taken.has_value();
    if (is_ours) {
        const wiped_note note(std::move(*taken));
    }
    if (!is_ours && !tokens) {
        co_return;
    }
    code = is_ours ? code : "cancelled";
    if (code.empty()) {
        auto activating = activate(gate, here, tokens);
        code = co_await std::move(activating);
    }
    if (code.empty()) {
        co_return;
    }
    audit::entry line = line_about(audit::kind::connection_authorized, here.record);
    line.code = code;
    line.detail = "not done";
    // What is taken back here is taken back whether or not this can be written.
    [[maybe_unused]] const result<void> recorded = record(gate, line);
    if (tokens) {
        auto leaving = leave_to_revocation(gate, std::move(*tokens));
        co_await std::move(leaving);
    }
    std::string reason(ending_of(code).text);
    auto restoring = restore(gate, here.latest, std::move(reason), true);
    co_await std::move(restoring);
}

asio::awaitable<void> keep_waiting(const services& gate, waiting& here, bool slower)
{
    device_wait& device = here.what.device;
    if (slower) {
        device.interval =
            std::min(device.interval + oauth::device_slow_down, oauth::device_interval_max);
    }
    device.next = now_micros() + micros(device.interval);
    const unix_micros until = here.latest.until + micros(device_note_grace);
    // One that was cancelled in this moment is dropped with the next question.
    auto replacing = gate.vault.notes().replace(note_of(here.what, here.id, until));
    [[maybe_unused]] const result<void> replaced = co_await std::move(replacing);
}

asio::awaitable<void> ask(const services& gate, waiting here)
{
    using state = oauth::device_poll::state;
    vault::connection asked = here.record;
    asked.variables = here.what.variables;
    auto polling = gate.oauth->poll_device(std::move(asked), here.what.device.code);
    oauth::device_poll polled = co_await std::move(polling);
    if (polled.now == state::pending || polled.now == state::slow_down) {
        auto keeping = keep_waiting(gate, here, polled.now == state::slow_down);
        co_await std::move(keeping);
        co_return;
    }
    std::optional<held_credential> tokens;
    std::string_view code = polled.now == state::denied    ? "access_denied"
                            : polled.now == state::expired ? "authorization_expired"
                                                           : code_of(polled.answer.verdict);
    if (polled.answer.verdict == vault::refresh_verdict::fresh) {
        tokens = hold(here.what, here.record, std::move(polled.answer.tokens));
        code = misfit(gate, here.record, *tokens);
    }
    auto settling = settle(gate, here, code, std::move(tokens));
    co_await std::move(settling);
}

// True if it was this gate that dealt with it.
asio::awaitable<bool> deal_with(const services& gate, std::string id, unix_micros now)
{
    auto finding = find_waiting(gate, id);
    result<waiting> found = co_await std::move(finding);
    if (!found && found.error() == vault::errc::not_found) {
        auto dropping = gate.vault.notes().drop(std::string(device_kind), id);
        [[maybe_unused]] const result<void> dropped = co_await std::move(dropping);
    }
    if (!found || (found->what.device.next > now && found->latest.until > now)) {
        co_return false;
    }
    if (found->latest.until <= now) {
        auto settling = settle(gate, *found, "authorization_expired", std::nullopt);
        co_await std::move(settling);
    } else {
        auto asking = ask(gate, std::move(*found));
        co_await std::move(asking);
    }
    co_return true;
}

}  // namespace

asio::awaitable<bool> ask_about_device(const services& gate, std::string note_id, unix_micros now)
{
    const std::string name = "device:" + note_id;
    auto claiming = gate.vault.notes().claim(name, claim_length);
    const result<std::optional<std::uint64_t>> claim = co_await std::move(claiming);
    if (!claim || !*claim) {
        co_return false;
    }
    auto dealing = deal_with(gate, std::move(note_id), now);
    const bool dealt = co_await std::move(dealing);
    auto releasing = gate.vault.notes().release(name, **claim);
    [[maybe_unused]] const result<void> released = co_await std::move(releasing);
    co_return dealt;
}

}  // namespace sallyport::control
