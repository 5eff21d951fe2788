// A call's way to the provider: connect, inject, send, pass the body on, read the answer's head.
#include <openssl/crypto.h>

#include <boost/asio/co_spawn.hpp>

#include "net/error.hpp"
#include "proxy/outgoing.hpp"
#include "proxy/session.hpp"
#include "proxy/signing.hpp"

namespace sallyport::proxy {

namespace {

constexpr unsigned attempts_max = 2;
constexpr unsigned interim_answers_max = 16;
constexpr std::chrono::milliseconds dial_limit{10'000};
constexpr std::string_view go_on = "HTTP/1.1 100 Continue\r\n\r\n";

refusal protocol_error(std::string_view detail)
{
    return {code::upstream_protocol_error, detail, {}, {}};
}

}  // namespace

// RFC 9110, 9.2.2.
bool is_idempotent(std::string_view method) noexcept
{
    return method == "GET" || method == "HEAD" || method == "PUT" || method == "DELETE" ||
           method == "OPTIONS";
}

net::task<refusal> session::forward()
{
    const bool concerned = call_.plan->provider->reads_bodies || call_.plan->signature.signs();
    if (concerned && call_.body_type == body_type::other) {
        refusal unfit = co_await collect_body();
        if (unfit) {
            drop_collected();
            co_return unfit;
        }
    }
    begin_keeping();
    for (;;) {
        refusal fate;
        upstream_ = call_.attempts == 0 ? call_.upstream->lane->take() : net::stream::pointer();
        const bool reused = upstream_ != nullptr;
        if (reused) {
            worker_.metrics.own.connections_reused.add();
        } else {
            fate = co_await connect();
        }
        const bool caller_gone = client_->ended() && client_->pending().empty();
        const std::int64_t now = vault::boot_millis();
        if (!fate && (caller_gone || !still_granted(now))) {
            fate = co_await confirm();
        }
        if (fate) {
            if (upstream_ != nullptr) {
                upstream_->close();
                upstream_.reset();
            }
            drop_collected();
            co_return fate;
        }
        call_.credential->used(now);
        ++call_.attempts;
        fate = co_await send();
        if (!fate) {
            fate = co_await read_answer_head();
        }
        if (!fate && wants_renewal()) {
            auto renewing = renew(&fate);
            const bool again = co_await std::move(renewing);
            if (again) {
                continue;
            }
            if (fate) {
                co_return fate;
            }
            fate = co_await read_answer_head();  // What it had been read from may have moved.
        }
        if (!fate) {
            co_return fate;
        }
        if (pumping_) {
            co_await stop_pump();
        }
        const bool silent = upstream_->pending().empty();
        upstream_->close();
        upstream_.reset();
        if (call_.body_fault != code::none) {
            co_return refusal{call_.body_fault, "The request's body could not be read.", {}, {}};
        }
        if (fate.code != code::upstream_unreachable || !silent || !may_retry(reused)) {
            co_return fate;
        }
    }
}

// A kept connection may have been closed by the provider at the moment it was used; then nothing
// was processed, and what may be repeated is, once, on a fresh one.
bool session::may_retry(bool reused) const
{
    return reused && call_.attempts < attempts_max && !call_.client_lost &&
           call_.request.body.kind == body_kind::none && is_idempotent(call_.head.method);
}

net::task<refusal> session::connect()
{
    net::lane& lane = *call_.upstream->lane;
    auto dialling = net::dial(worker_.runtime, worker_.book, lane.to(), lane.slot(), dial_limit);
    auto dialed = co_await std::move(dialling);
    (dialed ? worker_.metrics.own.connections_dialled : worker_.metrics.own.dials_failed).add();
    if (!dialed) {
        co_return upstream_refusal(dialed.error());
    }
    upstream_ = std::move(*dialed);
    co_return refusal{};
}

refusal session::upstream_refusal(const error_code& error) const
{
    if (error == net::errc::timed_out) {
        return {code::upstream_timeout, "The provider did not answer in time.", {}, {}};
    }
    if (error == net::errc::untrusted) {
        return {code::upstream_tls_failed,
                "The provider's certificate was not accepted.",
                "tls_certificate_error",
                {}};
    }
    if (error == net::errc::tls_failed) {
        return {code::upstream_tls_failed,
                "The provider's TLS handshake failed.",
                "tls_protocol_error",
                {}};
    }
    if (error == net::errc::address_forbidden) {
        return {code::upstream_unreachable,
                "The provider's address is not a public one.",
                "destination_ip_prohibited",
                {}};
    }
    if (error == net::errc::resolve_failed) {
        return {code::upstream_unreachable, "The provider's name has no address.", "dns_error", {}};
    }
    if (error == net::errc::connect_failed) {
        return {code::upstream_unreachable,
                "The provider refused the connection.",
                "connection_refused",
                {}};
    }
    return {code::upstream_unreachable,
            "The provider ended the connection without an answer.",
            "connection_terminated",
            {}};
}

// The head as it goes out, with the credential in it, into the worker's buffer.
refusal session::write_head()
{
    outgoing parts;
    parts.head = &call_.head;
    parts.request = &call_.request;
    parts.plan = call_.plan.get();
    parts.upstream = call_.upstream;
    parts.credential = call_.credential.get();
    parts.token = call_.token.place;
    parts.scratch = &worker_.scratch;
    parts.trace = &call_.trace;

    if (call_.plan->provider->capture != nullptr) {
        begin_capture();
    }
    if (is_collected()) {
        keep_sent(collected_);
        refusal unusable = add_credential();
        if (unusable) {
            drop_collected();
            return unusable;
        }
    }
    if (call_.plan->signature.signs()) {
        parts.payload_hash = payload_hash(*call_.plan, *call_.upstream, call_.head, collected_);
        parts.now = now_micros();
    }
    std::string& out = worker_.request_head;
    out.clear();
    call_.stripped.resize(call_.stripped_of_body);  // An earlier attempt may have added to it.
    const write_fault fault = write_request_head(parts, out, call_.stripped);
    worker_.scratch.shrink(0);
    if (fault != write_fault::none) {
        OPENSSL_cleanse(out.data(), out.size());
        drop_collected();
        return {code::vault_unavailable, "The credential cannot be used.", {}, {}};
    }
    return {};
}

net::task<refusal> session::send()
{
    refusal unwritten = write_head();
    if (unwritten) {
        co_return unwritten;
    }
    std::string& out = worker_.request_head;  // Others write theirs as soon as this one waits.
    const bool collected = is_collected();
    request_body_ = body_reader(call_.request.body, call_.request.body.kind == body_kind::chunked);
    const std::string_view input = collected ? std::string_view(collected_) : client_->pending();
    const body_piece first = request_body_.next(input);
    if (first.state == chunk_reader::state::malformed) {
        OPENSSL_cleanse(out.data(), out.size());
        call_.body_fault = code::bad_request;
        co_return refusal{code::bad_request, "The request's body is framed wrongly.", {}, {}};
    }
    upstream_->expires_after(upstream_limit());
    call_.sent = exchange::clock::now();
    if (!collected) {
        keep_sent(first.data);
        if (call_.capture != nullptr) {
            call_.capture->add(audit::body_side::request, first.data);
        }
    }
    const bool sent = upstream_->put({out, first.head, first.data, first.tail});
    OPENSSL_cleanse(out.data(), out.size());
    if (collected) {
        drop_collected();
    } else {
        client_->consume(first.used);
    }
    call_.request_bytes = request_body_.bytes();
    call_.body_complete = request_body_.done();
    if (!sent) {
        const error_code failed = co_await upstream_->drain();
        // A provider that answers early may stop reading: its answer is looked for first.
        if (failed && upstream_->pending().empty()) {
            co_return upstream_refusal(failed);
        }
    }
    if (call_.body_complete) {
        client_->watch();
    } else {
        start_pump();
    }
    co_return refusal{};
}

std::chrono::milliseconds session::upstream_limit() const
{
    return call_.plan->timeout.count() != 0 ? call_.plan->timeout
                                            : worker_.settings.limits.upstream_timeout;
}

net::task<refusal> session::read_answer_head()
{
    const head_limits limits{
        .bytes = worker_.settings.limits.header_bytes, .lines = 256, .target = 0};
    std::size_t scanned = 0;
    unsigned interim = 0;
    for (;;) {
        const std::string_view pending = upstream_->pending();
        const head_state state = pending.empty()
                                     ? head_state::incomplete
                                     : read_response_head(pending, limits, scanned, call_.answer);
        if (state == head_state::incomplete) {
            const error_code ended = co_await upstream_->fill();
            if (ended) {
                co_return ended == net::errc::no_room
                    ? protocol_error("The provider's header section is too large.")
                : upstream_->pending().empty() || upstream_->timed_out()
                    ? upstream_refusal(ended)
                    : protocol_error("The provider's answer broke off in its head.");
            }
            continue;
        }
        if (state != head_state::complete) {
            co_return protocol_error("The provider's answer is not HTTP/1.1.");
        }
        const answer_fault fault = frame_answer(call_.answer, call_.head.method == "HEAD",
                                                call_.answer_body, call_.upstream_keep_alive);
        if (fault != answer_fault::none) {
            co_return protocol_error(fault == answer_fault::upgrade
                                         ? "The provider switched protocols unasked."
                                         : "The provider's answer is framed wrongly.");
        }
        if (call_.answer.status >= 200) {
            call_.answered = exchange::clock::now();
            co_return refusal{};
        }
        if (++interim > interim_answers_max) {
            co_return protocol_error("The provider sent too many interim answers.");
        }
        const error_code lost = co_await send_interim();
        if (lost) {
            call_.client_lost = true;
            co_return upstream_refusal(lost);
        }
        upstream_->consume(call_.answer.size);
        scanned = 0;
    }
}

void session::start_pump()
{
    pumping_ = true;
    pump_stopped_ = false;
    net::asio::co_spawn(worker_.runtime.io(), pump(), [this](std::exception_ptr failure) {
        pumping_ = false;
        if (failure) {
            call_.body_fault = code::bad_request;
            upstream_->close();
        }
        pump_ended_.wake();
    });
}

// Passes the rest of the request's body on, while the answer may already be on its way back.
net::task<> session::pump()
{
    if (call_.request.expects_continue && call_.request_bytes == 0 && client_->pending().empty() &&
        !client_->put({go_on})) {
        const error_code lost = co_await client_->drain();
        call_.client_lost = static_cast<bool>(lost);
    }
    const bool complete = co_await pump_body();
    call_.body_complete = complete;
    if (complete) {
        client_->expires_after({});
        client_->watch();
    } else if (!pump_stopped_ && upstream_ != nullptr) {
        upstream_->close();
    }
}

net::task<bool> session::pump_body()
{
    const limits& limits = worker_.settings.limits;
    const net::stream::pointer upstream = upstream_;
    while (!request_body_.done()) {
        if (pump_stopped_ || call_.client_lost) {
            co_return false;
        }
        if (client_->pending().empty()) {
            client_->expires_after(limits.idle_timeout, true);
        }
        const error_code ended = co_await client_->fill();
        if (pump_stopped_) {
            co_return false;
        }
        if (ended && client_->pending().empty()) {
            call_.client_lost = true;
            co_return false;
        }
        if (client_->timed_out()) {
            call_.body_fault = code::request_timeout;
            co_return false;
        }
        const body_piece piece = request_body_.next(client_->pending());
        if (piece.state == chunk_reader::state::malformed) {
            call_.body_fault = code::bad_request;
            co_return false;
        }
        keep_sent(piece.data);
        if (call_.capture != nullptr) {
            call_.capture->add(audit::body_side::request, piece.data);
        }
        upstream->expires_after(limits.upstream_timeout);
        const bool sent = piece.empty() || upstream->put({piece.head, piece.data, piece.tail});
        client_->consume(piece.used);
        call_.request_bytes = request_body_.bytes();
        if (!sent) {
            const error_code failed = co_await upstream->drain();
            if (failed) {
                co_return false;
            }
        }
    }
    co_return true;
}

net::task<> session::stop_pump()
{
    if (!pumping_) {
        co_return;
    }
    pump_stopped_ = true;
    upstream_->close();
    client_->interrupt();
    while (pumping_) {
        co_await pump_ended_.wait();
    }
}

}  // namespace sallyport::proxy
