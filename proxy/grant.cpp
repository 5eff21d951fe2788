// Whether what a call was decided on still holds: right before it leaves, and while it is under
// way.
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>

#include "proxy/session.hpp"
#include "vault/error.hpp"

namespace sallyport::proxy {

namespace {

constexpr int confirmations_max = 4;

}  // namespace

// Right before the send: what was true when the call was decided must still be (G3). Time passed
// while its line was written and a connection was made.
bool session::still_granted() const
{
    const identity::run_claims& claims = call_.run->claims;
    const std::int64_t now = vault::boot_millis();
    return call_.credential->good(now) &&
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
        if (still_granted()) {
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
    if (call_.credential->good(vault::boot_millis())) {
        co_return refusal{};
    }
    auto asking = net::asio::co_spawn(worker_.runtime.io(),
                                      worker_.vault.fetch(call_.credential->record().id),
                                      net::asio::as_tuple(net::asio::deferred));
    auto [broken, fresh] = co_await std::move(asking);
    if (broken || !fresh) {
        const bool gone = !broken && fresh.error() == vault::errc::not_found;
        co_return refusal{gone ? code::connection_forbidden : code::vault_unavailable,
                          gone ? "The connection was removed." : "The vault cannot be asked.",
                          {},
                          {}};
    }
    const vault::connection& before = call_.credential->record();
    const vault::connection& after = (*fresh)->record();
    const bool same_grant = before.version == after.version;
    if (refusal changed = state_refusal(after)) {
        co_return changed;
    }
    if (!same_grant) {  // Decided on what no longer holds: the caller may simply call again.
        co_return refusal{
            code::vault_unavailable, "The connection changed during the call.", {}, {}};
    }
    (*fresh)->note = call_.credential->note;
    call_.credential = std::move(*fresh);
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
