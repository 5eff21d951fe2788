// Whether what a call was decided on still holds: right before it leaves, and while it is under
// way.
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>

#include "proxy/session.hpp"
#include "vault/error.hpp"

namespace sallyport::proxy {

namespace {

constexpr int confirmations_max = 4;

bool has_expired(const vault::connection& record)
{
    return record.expires_at != 0 && record.expires_at <= now_micros();
}

}  // namespace

// Not the version: a refreshed credential, or a new name, takes nothing from what was decided.
bool same_grant(const vault::connection& before, const vault::connection& after)
{
    return before.workspace == after.workspace && before.user == after.user &&
           before.shared == after.shared && before.provider == after.provider &&
           before.kind == after.kind && before.variant == after.variant &&
           before.status == after.status && before.scopes_granted == after.scopes_granted &&
           before.variables == after.variables && before.settings_json == after.settings_json;
}

// Right before the send: what was true when the call was decided must still be (G3). Time passed
// while its line was written and a connection was made.
bool session::still_granted(std::int64_t now) const
{
    const identity::run_claims& claims = call_.run->claims;
    return call_.credential->good(now) && !has_expired(call_.credential->record()) &&
           worker_.vault.cached_run_live(claims.workspace, claims.run, now) == 1;
}

// Asking again takes time too, in which something else may have changed.
net::task<refusal> session::confirm()
{
    for (int attempt = 0; attempt < confirmations_max; ++attempt) {
        if (client_->ended() && client_->pending().empty()) {
            call_.client_lost = true;
            co_return refusal{code::request_timeout, "The caller went away.", {}, {}};
        }
        if (still_granted(vault::boot_millis())) {
            co_return refusal{};
        }
        refusal fate = co_await reconfirm();
        if (fate) {
            co_return fate;
        }
    }
    co_return refusal{code::vault_unavailable, "The connection keeps changing.", {}, {}};
}

net::task<refusal> session::reconfirm()
{
    if (!run_known_live()) {
        refusal ended = co_await check_run();
        if (ended) {
            co_return ended;
        }
    }
    std::shared_ptr<const vault::resolved> latest = call_.credential;
    if (!latest->good(vault::boot_millis())) {
        auto asking =
            net::asio::co_spawn(worker_.runtime.io(), worker_.vault.fetch(latest->record().id),
                                net::asio::as_tuple(net::asio::deferred));
        auto [broken, fresh] = co_await std::move(asking);
        if (broken || !fresh) {
            const bool gone = !broken && fresh.error() == vault::errc::not_found;
            co_return refusal{gone ? code::connection_forbidden : code::vault_unavailable,
                              gone ? "The connection was removed." : "The vault cannot be asked.",
                              {},
                              {}};
        }
        latest = std::move(*fresh);
    }
    if (!is_fresh(*latest)) {
        auto freshening = freshen(&latest);
        refusal stale = co_await std::move(freshening);
        if (stale) {
            co_return stale;
        }
    }
    if (refusal changed = state_refusal(latest->record())) {
        co_return changed;
    }
    if (!same_grant(call_.credential->record(), latest->record())) {
        // Decided on what no longer holds: the caller may simply call again.
        co_return refusal{
            code::vault_unavailable, "The connection changed during the call.", {}, {}};
    }
    if (latest != call_.credential) {
        latest->note = call_.credential->note;
        call_.credential = std::move(latest);
    }
    co_return refusal{};
}

bool session::wants_recheck() const
{
    if (!serving_ || upstream_ == nullptr || rechecking_) {
        return false;
    }
    const policy::revoked_calls own = call_.plan->provider->provider->facts().on_revoke;
    const bool cuts = own == policy::revoked_calls::as_configured
                          ? worker_.settings.on_revoke == on_revoke::cut
                          : own == policy::revoked_calls::cut;
    const vault::resolved& latest = call_.rechecked ? *call_.rechecked : *call_.credential;
    return cuts && !(latest.good(vault::boot_millis()) && run_known_live());
}

// Asks what became of the grant that a call under way was decided on, and cuts the call if it is
// gone (on_revoke: cut). A moved epoch alone may mean a harmless change. Where the vault cannot be
// asked the call goes on for one lease beyond the last: a moment's outage cuts nothing, and what
// was revoked meanwhile does not stream on for longer than that.
void session::recheck()
{
    rechecking_ = true;
    net::asio::co_spawn(worker_.runtime.io(), recheck_grant(), [this](std::exception_ptr) {
        rechecking_ = false;
        recheck_ended_.wake();
    });
}

net::task<> session::recheck_grant()
{
    const std::array<char, ulid::text_size> id = call_.id;
    const std::string connection = call_.credential->record().id;
    bool gone = false;
    if (!run_known_live()) {
        const refusal ended = co_await check_run();
        gone = ended.code == code::run_ended;
    }
    if (!gone) {
        auto asking = net::asio::co_spawn(worker_.runtime.io(), worker_.vault.fetch(connection),
                                          net::asio::as_tuple(net::asio::deferred));
        const auto [broken, fresh] = co_await std::move(asking);
        if (!broken && fresh) {
            gone = (*fresh)->record().status != vault::status::active;
            if (!gone && serving_ && call_.id == id) {
                call_.rechecked = *fresh;  // Good for another while.
            }
        } else if (!broken) {
            gone = fresh.error() == vault::errc::not_found;
        }
        gone = gone || ((broken || !fresh) && worker_.vault.out_of_reach(vault::boot_millis()));
    }
    if (gone && serving_ && call_.id == id) {
        call_.revoked = true;
        cut();
    }
}

}  // namespace sallyport::proxy
