// The HTTP/1.1 messages of the gate's own listeners (RFC 9112): what of a request is accepted, and
// how an answer is written. Everything that may hold a credential is in wiped memory.
#pragma once

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <optional>

#include "base/wiping.hpp"
#include "control/answer.hpp"

namespace sallyport::control {

using input_buffer = boost::beast::basic_flat_buffer<wiping_allocator<char>>;
using wiped_fields = boost::beast::http::basic_fields<wiping_allocator<char>>;
using wiped_body =
    boost::beast::http::basic_string_body<char, std::char_traits<char>, wiping_allocator<char>>;
using request_parser = boost::beast::http::request_parser<wiped_body, wiping_allocator<char>>;
using response = boost::beast::http::response<wiped_body, wiped_fields>;

// What Beast's parser lets pass and no honest client sends: more than one reading of who is meant
// or of where the body ends.
std::optional<answer> refuse_head(const boost::beast::http::request_header<wiped_fields>& head);

// A request that could not be read to its end.
answer problem_of_reading(const error_code& error);

response response_of(const answer& reply, bool keep_alive);

// The message as it goes out.
wiped_string written(response message);

}  // namespace sallyport::control
