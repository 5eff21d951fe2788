// Credentials that are about to expire, have expired, or that the provider refuses.
#include <openssl/crypto.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <algorithm>

#include "proxy/session.hpp"
#include "vault/error.hpp"

namespace sallyport::proxy {

namespace {

// How long after a refresh was asked for calls leave it at that.
constexpr unix_micros asked_pause = 5'000'000;

// Of a body that may have to be sent again.
constexpr std::size_t kept_body_bytes_max = 64 * 1024;

}  // namespace

// False: it has expired, so the call waits for a fresher one. Ahead of that calls go on with what
// is still valid, and the first of them has it refreshed.
bool session::is_fresh(const vault::resolved& found)
{
    if (found.attention_at == vault::resolved::never) {
        return true;
    }
    const unix_micros now = now_micros();
    const vault::connection& record = found.record();
    if (now < found.attention_at || record.status != vault::status::active) {
        return true;
    }
    if (record.expires_at <= now) {
        return false;
    }
    found.attention_at = std::min(now + asked_pause, record.expires_at);
    worker_.vault.begin_refresh(record.id, record.credential_version);
    return true;
}

// Puts the fresher one into its place, which belongs to whoever waits. What that one's state means
// for the call is for the caller to say.
net::task<refusal> session::freshen(std::shared_ptr<const vault::resolved>* credential)
{
    const std::shared_ptr<const vault::resolved> stale = *credential;
    const vault::connection& record = stale->record();
    auto asking = net::asio::co_spawn(
        worker_.runtime.io(), worker_.vault.fetch_fresher(record.id, record.credential_version),
        net::asio::as_tuple(net::asio::deferred));
    auto [broken, answer] = co_await std::move(asking);
    if (broken) {
        co_return refuse_vault(vault::errc::unavailable);
    }
    if (answer.error == vault::errc::refresh_failed) {
        refusal failed{code::refresh_failed, "The provider gave no fresh token.", {}, {}};
        failed.retry_after = answer.retry_after;
        co_return failed;
    }
    if (answer.error == vault::errc::cannot_refresh) {
        co_return state_refusal(record);
    }
    if (answer.error == vault::errc::unrecorded) {
        co_return refusal{code::audit_unavailable, "The refresh cannot be recorded.", {}, {}};
    }
    if (answer.error && answer.error != vault::errc::not_found) {
        co_return refuse_vault(answer.error);
    }
    if (answer.error || !may_use(answer.found->record(), call_.run->claims)) {
        co_return refusal{
            code::connection_forbidden, "The connection is not the run's any more.", {}, {}};
    }
    *credential = std::move(answer.found);
    co_return refusal{};
}

bool session::wants_renewal() const noexcept
{
    return call_.answer.status == 401 && !call_.renewed && call_.credential->refreshable();
}

// A body that streams past is gone once it was sent. That of a call which may be made twice (RFC
// 9110, 9.2.2) is kept while it is small, should the provider refuse the credential.
void session::begin_keeping()
{
    call_.keeping = call_.request.body.kind != body_kind::none && call_.credential->refreshable() &&
                    is_idempotent(call_.head.method);
}

void session::keep_sent(std::string_view data)
{
    if (!call_.keeping || call_.renewed) {
        return;
    }
    if (data.size() > kept_body_bytes_max - kept_.size()) {
        drop_kept();
        return;
    }
    // Grows by hand: what a growing string leaves behind would not be wiped.
    if (kept_.capacity() - kept_.size() < data.size()) {
        std::string roomier;
        roomier.reserve(std::max(2 * kept_.capacity(), kept_.size() + data.size()));
        roomier += kept_;
        OPENSSL_cleanse(kept_.data(), kept_.size());
        kept_.swap(roomier);
    }
    kept_ += data;
}

void session::drop_kept()
{
    call_.keeping = false;
    if (!kept_.empty()) {
        OPENSSL_cleanse(kept_.data(), kept_.size());
        std::string().swap(kept_);
    }
}

bool session::can_repeat() const noexcept
{
    return call_.request.body.kind == body_kind::none || (call_.keeping && call_.body_complete);
}

// What was kept takes the place of a body that was collected.
void session::repeat_body()
{
    if (call_.request.body.kind == body_kind::none) {
        return;
    }
    drop_collected();
    collected_.swap(kept_);
    if (call_.body_type == body_type::other) {
        call_.body_type = body_type::opaque;
    }
    call_.request.body = {body_kind::length, collected_.size()};
}

// The provider refuses the credential although it should be valid. True: a fresher one is at hand
// and the call may be repeated. Else the answer is passed on, and the next call finds the fresher
// one; unless it turned out that there will be none.
net::task<bool> session::renew(refusal* fate)
{
    call_.renewed = true;
    const vault::connection& used = call_.credential->record();
    if (!can_repeat()) {
        worker_.vault.begin_refresh(used.id, used.credential_version);
        co_return false;
    }
    upstream_->expires_after({});
    std::shared_ptr<const vault::resolved> latest = call_.credential;
    auto freshening = freshen(&latest);
    const refusal failed = co_await std::move(freshening);
    upstream_->expires_after(upstream_limit());
    if (failed) {
        co_return false;
    }
    const vault::connection& record = latest->record();
    *fate = state_refusal(record);
    const bool fresher = record.credential_version != used.credential_version;
    if (!*fate && (!fresher || !same_grant(used, record))) {
        co_return false;
    }
    upstream_->close();
    upstream_.reset();
    if (*fate) {
        co_return false;
    }
    latest->note = call_.credential->note;
    call_.credential = std::move(latest);
    repeat_body();
    co_return true;
}

}  // namespace sallyport::proxy
