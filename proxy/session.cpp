#include "proxy/session.hpp"

#include <openssl/crypto.h>

#include "net/error.hpp"

namespace sallyport::proxy {

namespace {

constexpr std::size_t linger_bytes_max = 1024 * 1024;
constexpr std::chrono::milliseconds linger_limit{2'000};
constexpr unsigned leading_empty_lines_max = 2;  // RFC 9112, 2.2: at least one is ignored.

void rebase(std::string_view& view, const char* from, const char* to)
{
    view = {to + (view.data() - from), view.size()};
}

// After the head's bytes were copied from `from` to `to`.
void rebase(request_head& head, const char* from, const char* to)
{
    rebase(head.method, from, to);
    rebase(head.target, from, to);
    for (field& field : head.fields) {
        rebase(field.name, from, to);
        rebase(field.value, from, to);
    }
}

refusal refuse_head(head_state state)
{
    switch (state) {
        case head_state::target_too_long:
            return {code::target_too_long, "The request target is longer than 8 KiB.", {}, {}};
        case head_state::too_large:
            return {code::headers_too_large, "The header section is too large.", {}, {}};
        default:
            return {code::bad_request, "The bytes sent are not an HTTP/1.1 request head.", {}, {}};
    }
}

}  // namespace

void exchange::reset()
{
    started = clock::now();
    trace = trace_context();
    request = admitted{};
    token.text = token.second = {};
    token.in_proxy_authorization = false;
    token.place = nullptr;
    providers.clear();
    catalogue.reset();
    run.reset();
    credential.reset();
    rechecked.reset();
    capture.reset();
    plan.reset();
    upstream = nullptr;
    decision = policy::decision{};
    stripped.clear();
    stripped_of_body = 0;
    intent_recorded = false;
    answer_body = framing{};
    upstream_keep_alive = false;
    attempts = 0;
    renewed = false;
    keeping = false;
    status = 0;
    request_bytes = response_bytes = 0;
    client_lost = false;
    revoked = false;
    body_type = proxy::body_type::other;
    body_fault = code::none;
    body_complete = false;
}

session::session(worker_context& worker, net::stream::pointer client, origin from)
    : worker_(worker), client_(std::move(client)), from_(std::move(from))
{
    client_->observe(this);
}

// Also where run() ended with an exception: the stream may live on for whoever is at work on it.
session::~session()
{
    client_->observe(nullptr);
    OPENSSL_cleanse(last_token_.data(), last_token_.size());
    OPENSSL_cleanse(head_text_.data(), head_text_.size());
    OPENSSL_cleanse(kept_.data(), kept_.size());
    OPENSSL_cleanse(collected_.data(), collected_.size());
}

net::task<> session::run()
{
    if (from_.tls != nullptr) {
        client_->start_tls(net::tls_engine::server(from_.tls), nullptr);
        client_->expires_after(worker_.settings.limits.header_timeout);
        const error_code failed = co_await client_->handshake();
        if (failed) {
            client_->close();
            co_return;
        }
    }
    for (;;) {
        refusal early;
        const head_result result = co_await read_head(early);
        if (result == head_result::gone) {
            break;
        }
        serving_ = true;
        const bool keep = co_await serve(std::move(early));
        serving_ = false;
        if (!keep || worker_.draining) {
            break;
        }
    }
    while (rechecking_) {
        co_await recheck_ended_.wait();
    }
    co_await linger();
    client_->observe(nullptr);
    client_->close();
}

net::task<> session::settle()
{
    cut();
    serving_ = false;
    pump_stopped_ = true;
    while (pumping_) {
        co_await pump_ended_.wait();
    }
    while (rechecking_) {
        co_await recheck_ended_.wait();
    }
}

net::task<session::head_result> session::read_head(refusal& fate)
{
    const limits& limits = worker_.settings.limits;
    const head_limits head_limits{.bytes = limits.header_bytes, .lines = 100, .target = 8 * 1024};
    std::size_t scanned = 0;
    unsigned empty_lines = 0;
    bool begun = false;
    client_->expires_after(limits.idle_timeout, true);
    for (;;) {
        while (scanned == 0 && empty_lines < leading_empty_lines_max &&
               client_->pending().starts_with("\r\n")) {
            client_->consume(2);
            ++empty_lines;
        }
        const std::string_view pending = client_->pending();
        if (!pending.empty() && !begun) {
            begun = true;
            client_->expires_after(limits.header_timeout, true);
        }
        const head_state state = pending.empty()
                                     ? head_state::incomplete
                                     : read_request_head(pending, head_limits, scanned, call_.head);
        if (state == head_state::complete) {
            // Run tokens stand in heads: no copy of one is left to whoever uses the memory next.
            OPENSSL_cleanse(head_text_.data(), head_text_.size());
            head_text_.assign(pending.substr(0, call_.head.size));
            rebase(call_.head, pending.data(), head_text_.data());
            client_->consume_and_wipe(head_text_.size());
            client_->expires_after({});
            co_return head_result::request;
        }
        if (state != head_state::incomplete) {
            fate = refuse_head(state);
            co_return head_result::refuse;
        }
        const error_code ended = co_await client_->fill();
        if (ended == net::errc::no_room) {
            fate = refuse_head(head_state::too_large);
            co_return head_result::refuse;
        }
        if (ended || (client_->timed_out() && !begun) || (worker_.draining && !begun)) {
            co_return head_result::gone;
        }
        if (client_->timed_out()) {
            fate = {code::request_timeout, "The request head did not arrive in time.", {}, {}};
            co_return head_result::refuse;
        }
    }
}

// Reads away what the caller still sends, for a moment: closing with unread bytes would reset the
// connection and could take our last answer with it.
net::task<> session::linger()
{
    if (!client_->is_open() || client_->ended()) {
        co_return;
    }
    client_->shut_down_output();
    client_->expires_after(linger_limit);
    lingering_ = true;
    std::size_t read = 0;
    while (read < linger_bytes_max) {
        read += client_->pending().size();
        client_->consume_and_wipe(client_->pending().size());
        const error_code ended = co_await client_->fill();
        if (ended || worker_.draining) {
            break;
        }
    }
}

void session::drain()
{
    if (!serving_) {
        if (client_->pending().empty()) {
            client_->interrupt();
        }
    }
}

void session::cut()
{
    if (upstream_ != nullptr) {
        upstream_->close();
    }
    client_->close();
}

// The caller's end while the provider is at work: nobody waits for the answer any more.
void session::on_input(net::stream& stream)
{
    if (&stream == client_.get() && serving_ && client_->ended() && client_->pending().empty()) {
        call_.client_lost = true;
        if (upstream_ != nullptr) {
            upstream_->close();
        }
    }
}

}  // namespace sallyport::proxy
