// Bodies that are read whole before anything is sent: where a provider's credential could stand in
// one, and where the operation does. They are collected and the caller's credential is taken out
// before the provider is dialled; the connection's goes in right before the send.
#include <openssl/crypto.h>

#include <algorithm>

#include "base/text.hpp"
#include "proxy/injection.hpp"
#include "proxy/session.hpp"
#include "proxy/signing.hpp"

namespace sallyport::proxy {

namespace {

using place = policy::injection::place;

// More than the vault holds of one: filling it in does not move it and leave a copy behind.
constexpr std::size_t credential_room = 64 * 1024;
constexpr std::string_view go_on = "HTTP/1.1 100 Continue\r\n\r\n";

refusal refuse_body(body_fault fault)
{
    const bool large = fault == body_fault::too_large;
    return {large ? code::body_too_large : code::bad_request, describe(fault), {}, {}};
}

bool takes_credential(const connection_plan& plan) noexcept
{
    return std::any_of(plan.injections->begin(), plan.injections->end(),
                       [](const injection_plan& injection) { return injection.in == place::body; });
}

const std::vector<std::string>& removed_from(const provider_plan& plan, body_type type) noexcept
{
    return type == body_type::json ? plan.removed_json : plan.removed_form;
}

}  // namespace

// Leaves body_type::other where the body may stream past.
refusal session::choose_body_type()
{
    const bool receives = takes_credential(*call_.plan);
    if (call_.request.body.kind == body_kind::none) {
        return receives ? refuse_body(body_fault::no_body) : refusal{};
    }
    const signature_plan& signature = call_.plan->signature;
    const bool hashed = signature.hashes_bodies(call_.upstream->to.tls != nullptr);
    if (is_signed_in_pieces(*call_.plan, *call_.upstream, call_.head)) {
        return {code::bad_request,
                "A body that the caller signs piece by piece cannot be signed anew.",
                {},
                {}};
    }
    body_type type = body_type::other;
    body_fault fault = body_fault::none;
    if (call_.plan->provider->reads_bodies) {
        fault = read_body_type(call_.head, call_.request.connection, type);
    }
    const bool concerned =
        type != body_type::other && !removed_from(*call_.plan->provider, type).empty();
    if (fault == body_fault::none && concerned) {
        fault = check_coding(call_.head, call_.request.connection);
    }
    if (fault == body_fault::none && receives &&
        (type == body_type::other || type == body_type::multipart)) {
        fault = body_fault::no_place;
    }
    if (fault == body_fault::none && (concerned || hashed) &&
        call_.request.body.length > collected_body_bytes_max) {
        fault = body_fault::too_large;
    }
    if (fault != body_fault::none) {
        return refuse_body(fault);
    }
    call_.body_type = concerned ? type : hashed ? body_type::opaque : body_type::other;
    return {};
}

net::task<refusal> session::collect_body()
{
    refusal unfit = choose_body_type();
    if (unfit || call_.body_type == body_type::other) {
        co_return unfit;
    }
    co_return co_await gather_body();
}

// The GraphQL request that the body holds is decided on as it will be sent.
net::task<refusal> session::decide_on_graphql()
{
    refusal fate{code::operation_denied, "What the GraphQL request does cannot be told.", {}, {}};
    append_json_string(fate.members.emplace_back("operation", std::string()).second,
                       call_.decision.decided_by->operation);
    const std::string_view connection = call_.request.connection;
    body_type type = body_type::other;
    // A query string could hold another request, and some servers prefer it.
    if (call_.request.has_query || call_.request.body.kind == body_kind::none ||
        read_body_type(call_.head, connection, type) != body_fault::none ||
        type != body_type::json || check_coding(call_.head, connection) != body_fault::none) {
        co_return fate;
    }
    call_.body_type = type;
    refusal unfit = co_await gather_body();
    if (!unfit) {
        const policy::graphql_request request = policy::read_graphql_body(collected_);
        unfit = request.type == policy::graphql_type::none ? std::move(fate) : decide(&request);
    }
    if (unfit) {
        drop_collected();
    }
    co_return unfit;
}

net::task<refusal> session::gather_body()
{
    drop_collected();
    if (call_.request.expects_continue && client_->pending().empty() && !client_->put({go_on})) {
        const error_code lost = co_await client_->drain();
        call_.client_lost = static_cast<bool>(lost);
    }
    body_reader body(call_.request.body, false);
    for (;;) {
        const body_piece piece = body.next(client_->pending());
        if (piece.state == chunk_reader::state::malformed) {
            co_return refusal{code::bad_request, "The request's body is framed wrongly.", {}, {}};
        }
        if (body.bytes() > collected_body_bytes_max) {
            co_return refuse_body(body_fault::too_large);
        }
        collected_ += piece.data;
        client_->consume(piece.used);
        call_.request_bytes = body.bytes();
        if (body.done()) {
            break;
        }
        client_->expires_after(worker_.settings.limits.idle_timeout, true);
        const error_code ended = co_await client_->fill();
        if (call_.client_lost || (ended && client_->pending().empty())) {
            call_.client_lost = true;
            co_return refusal{code::request_timeout, "The caller went away.", {}, {}};
        }
        if (client_->timed_out()) {
            co_return refusal{code::request_timeout, "The body did not arrive in time.", {}, {}};
        }
    }
    client_->expires_after({});
    client_->watch();
    call_.body_complete = true;
    co_return strip_collected();
}

refusal session::strip_collected()
{
    if (call_.body_type == body_type::opaque) {
        call_.request.body = {body_kind::length, collected_.size()};
        return {};
    }
    std::string rest;
    rest.reserve(collected_.size());
    std::vector<std::string_view> stripped;
    const body_fault fault = strip_body(call_.body_type, collected_,
                                        removed_from(*call_.plan->provider, call_.body_type),
                                        takes_credential(*call_.plan), rest, stripped);
    if (fault != body_fault::none) {
        return refuse_body(fault);
    }
    // A body has room for a name thousands of times over, a line of the trail has not.
    for (const std::string_view name : stripped) {
        if (std::find(call_.stripped.begin(), call_.stripped.end(), name) == call_.stripped.end()) {
            call_.stripped.push_back(name);
        }
    }
    call_.stripped_of_body = call_.stripped.size();
    collected_.swap(rest);
    call_.request.body = {body_kind::length, collected_.size()};
    return {};
}

refusal session::add_credential()
{
    std::string value;
    for (const injection_plan& injection : *call_.plan->injections) {
        if (injection.in != place::body) {
            continue;
        }
        value.clear();
        value.reserve(credential_room);
        const bool filled = fill(injection, *call_.credential,
                                 call_.plan->provider->provider->facts(), worker_.scratch, value);
        if (filled) {
            const body_member member{injection.name, value};
            std::string roomy;
            roomy.reserve(collected_.size() + room_for(member));
            roomy += collected_;
            add_to_body(call_.body_type, member, roomy);
            OPENSSL_cleanse(collected_.data(), collected_.size());
            collected_.swap(roomy);
        }
        OPENSSL_cleanse(value.data(), value.size());
        if (!filled) {
            return {code::vault_unavailable, "The credential cannot be used.", {}, {}};
        }
    }
    worker_.scratch.shrink(0);
    call_.request.body.length = collected_.size();
    return {};
}

// Gives the memory back too: few calls of a connection that waits are of this kind.
void session::drop_collected()
{
    OPENSSL_cleanse(collected_.data(), collected_.size());
    std::string().swap(collected_);
}

}  // namespace sallyport::proxy
