// A call's way back: the answer's head rewritten, its body streamed, both connections settled.
#include "net/error.hpp"
#include "proxy/answer.hpp"
#include "proxy/session.hpp"

namespace sallyport::proxy {

net::task<error_code> session::send_interim()
{
    // 100 is between us and whoever waits for it: a caller that does has been answered already.
    if (call_.answer.status == 100 || call_.head.minor == 0) {
        co_return error_code{};
    }
    answer_context context;
    context.plan = call_.plan.get();
    context.upstream = call_.upstream;
    context.request = &call_.request;
    context.gate_scheme = from_.scheme;
    out_.clear();
    write_answer_head(call_.answer, context, out_);
    if (client_->put({out_})) {
        co_return error_code{};
    }
    co_return co_await client_->drain();
}

net::task<bool> session::answer()
{
    const bool unknown_length = call_.answer_body.kind == body_kind::chunked ||
                                call_.answer_body.kind == body_kind::until_close;
    const bool one_one = call_.head.minor == 1;
    bool keep = call_.request.keep_alive && !worker_.draining && (one_one || !unknown_length);
    keep = keep && (call_.body_complete || pumping_);

    answer_context context;
    context.plan = call_.plan.get();
    context.upstream = call_.upstream;
    context.request = &call_.request;
    context.gate_scheme = from_.scheme;
    context.call_id = call_.call_id();
    context.date = worker_.date;
    context.body = call_.answer_body;
    context.chunk = unknown_length && one_one;
    context.close = !keep;
    call_.status = call_.answer.status;
    out_.clear();
    write_answer_head(call_.answer, context, out_);
    if (call_.capture != nullptr) {
        call_.capture->open(audit::body_side::response, call_.answer);
    }
    upstream_->consume(call_.answer.size);

    std::string_view fault;
    const bool complete = co_await relay_answer(fault);
    const bool body_sent = call_.body_complete;
    if (pumping_) {
        co_await stop_pump();
    }
    finish_upstream(complete && body_sent);
    if (call_.body_fault != code::none && fault.empty()) {
        fault = to_string(call_.body_fault);
    }
    if (call_.revoked) {
        fault = "revoked_midstream";
    } else if (call_.client_lost) {
        fault = "client_abort";
    }
    record_outcome(fault, false);
    if (!complete) {
        client_->close();  // Without the end of the body: never a clean end for a cut answer.
    }
    co_return keep&& complete&& body_sent && client_->is_open();
}

// Streams the body behind the head in out_. False: it did not arrive whole, or not at the caller.
net::task<bool> session::relay_answer(std::string_view& fault)
{
    const limits& limits = worker_.settings.limits;
    const bool chunk = call_.head.minor == 1 && (call_.answer_body.kind == body_kind::chunked ||
                                                 call_.answer_body.kind == body_kind::until_close);
    body_reader reader(call_.answer_body, chunk);
    std::string_view head = out_;
    for (;;) {
        const body_piece piece = reader.next(upstream_->pending());
        if (piece.state == chunk_reader::state::malformed) {
            fault = to_string(code::upstream_protocol_error);
            co_return false;
        }
        if (call_.capture != nullptr) {
            call_.capture->add(audit::body_side::response, piece.data);
        }
        bool sent = true;
        if (!head.empty() || !piece.empty()) {
            sent = client_->put({head, piece.head, piece.data, piece.tail});
            head = {};
        }
        upstream_->consume(piece.used);
        call_.response_bytes = reader.bytes();
        if (!sent) {
            client_->expires_after(limits.idle_timeout);
            const error_code lost = co_await client_->drain();
            if (lost) {
                call_.client_lost = true;
                co_return false;
            }
            client_->expires_after({});
        }
        if (reader.done()) {
            co_return true;
        }
        upstream_->expires_after(limits.upstream_timeout);
        const error_code ended = co_await upstream_->fill();
        if (!ended || !upstream_->pending().empty()) {
            continue;
        }
        if (ended == net::errc::closed && call_.answer_body.kind == body_kind::until_close &&
            !call_.client_lost) {
            if (!chunk || client_->put({reader.finish()})) {
                co_return true;
            }
            const error_code lost = co_await client_->drain();
            co_return !lost;
        }
        fault = "upstream_incomplete";
        co_return false;
    }
}

// Back to its lane if nothing is left over that another call could take for its own.
bool session::finish_upstream(bool complete)
{
    const bool clean = complete && call_.upstream_keep_alive && upstream_->pending().empty() &&
                       !upstream_->ended() && upstream_->is_open();
    if (clean) {
        upstream_->shrink();
        call_.upstream->lane->give(std::move(upstream_));
    } else {
        upstream_->close();
    }
    upstream_.reset();
    return clean;
}

}  // namespace sallyport::proxy
