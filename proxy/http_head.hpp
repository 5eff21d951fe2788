// Heads of HTTP/1 messages, read strictly and once (RFC 9112; G7).
//
// Why not a general parser: Boost.Beast 1.81 accepts framings, targets and trailers that let two
// readers of one message disagree, and a gate in front of it would have to read the bytes a second
// time. This reader accepts only what has one reading: lines end in CRLF, names are tokens, values
// hold no control characters, nothing is folded. What it accepts, Beast reads the same way: the
// tests hold the two against each other.
//
// Views point into the caller's bytes. Nothing allocates once `fields` has grown to its use.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace sallyport::proxy {

struct field {
    std::string_view name;
    std::string_view value;  // Without surrounding white space.
};

struct head_limits {
    std::size_t bytes = 64 * 1024;  // the whole head
    std::size_t lines = 100;        // field lines
    std::size_t target = 8 * 1024;
};

enum class head_state : std::uint8_t {
    incomplete,
    complete,
    malformed,
    target_too_long,
    too_large,
};

struct message_head {
    int minor = 1;         // HTTP/1.minor
    std::size_t size = 0;  // Bytes of the head, its empty line included.
    std::vector<field> fields;
};

struct request_head : message_head {
    std::string_view method;
    std::string_view target;
};

struct response_head : message_head {
    unsigned status = 0;
    std::string_view reason;
};

// Reads the head at the front of `bytes`. While it is incomplete, call again with more; `scanned`
// keeps the place (0 at first), so that no byte is looked for twice. Damage is reported as soon as
// its line is complete, so that nobody waits for the rest.
head_state read_request_head(std::string_view bytes, const head_limits& limits,
                             std::size_t& scanned, request_head& out);
head_state read_response_head(std::string_view bytes, const head_limits& limits,
                              std::size_t& scanned, response_head& out);

}  // namespace sallyport::proxy
