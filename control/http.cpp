#include "control/http.hpp"

#include <boost/beast/core/buffers_range.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/serializer.hpp>

namespace sallyport::control {

namespace http = boost::beast::http;
namespace asio = boost::asio;

namespace {

constexpr unsigned http_1_0 = 10;
constexpr unsigned http_1_1 = 11;

}  // namespace

std::optional<answer> refuse_head(const http::request_header<wiped_fields>& head)
{
    if (head.count(http::field::transfer_encoding) != 0) {
        return problem(411, "length_required", "Send the body with a Content-Length.");
    }
    const bool is_known_version = head.version() == http_1_1 || head.version() == http_1_0;
    const std::size_t hosts = head.count(http::field::host);
    if (!is_known_version || hosts > 1 || (head.version() == http_1_1 && hosts != 1) ||
        head.count(http::field::content_length) > 1 || head.count(http::field::authorization) > 1) {
        return problem(400, "bad_request", "The request's head cannot be read one way.");
    }
    return std::nullopt;
}

answer problem_of_reading(const error_code& error)
{
    if (error == http::error::header_limit || error == http::error::buffer_overflow) {
        return problem(431, "headers_too_large", "The request's head is too large.");
    }
    if (error == http::error::body_limit) {
        return problem(413, "body_too_large", "The request's body is too large.");
    }
    return problem(400, "bad_request", "The request is not well-formed HTTP/1.1.");
}

response response_of(const answer& reply, bool keep_alive)
{
    response message(static_cast<http::status>(reply.status), http_1_1);
    if (!reply.text.empty()) {
        message.set(http::field::content_type, "text/plain; version=0.0.4; charset=utf-8");
        message.body() = reply.text;
    } else if (!reply.json_text.empty()) {
        message.set(http::field::content_type, "application/json");
        message.body() = reply.json_text;
    } else if (!reply.html.empty()) {
        message.set(http::field::content_type, "text/html; charset=utf-8");
        message.body() = reply.html;
    } else if (!reply.body.is_null()) {
        message.set(http::field::content_type,
                    reply.is_problem ? "application/problem+json" : "application/json");
        message.body() = serialized(reply.body);
    }
    message.set(http::field::cache_control, "no-store");
    if (reply.status == 401) {
        message.set(http::field::www_authenticate, "Bearer");
    }
    for (const auto& [name, value] : reply.fields) {
        message.set(name, value);
    }
    message.keep_alive(keep_alive);
    if (reply.status != 204 && reply.status != 304) {
        message.content_length(message.body().size());
    }
    return message;
}

wiped_string written(response message)
{
    wiped_string text;
    http::response_serializer<wiped_body, wiped_fields> serializer(message);
    error_code error;
    while (!serializer.is_done() && !error) {
        serializer.next(error, [&](error_code&, const auto& buffers) {
            std::size_t bytes = 0;
            for (const asio::const_buffer piece : boost::beast::buffers_range_ref(buffers)) {
                text.append(static_cast<const char*>(piece.data()), piece.size());
                bytes += piece.size();
            }
            serializer.consume(bytes);
        });
    }
    return text;
}

}  // namespace sallyport::control
