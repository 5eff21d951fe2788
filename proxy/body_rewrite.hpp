// Credentials in a request's body: the caller's own taken out, the connection's put in.
//
// What is understood is JSON and application/x-www-form-urlencoded. Both are cut and joined as
// text, so every byte that is not a credential goes on as it came: a number keeps its spelling, a
// member its place. JSON is checked as a whole before it is cut (strictly, to a depth), since what
// has two readings could show the provider a member that was not seen here. Names of members are
// compared decoded and without case, because common decoders match them so; a form's as a query's
// are. Members below the top level are nobody's credential.
//
// multipart/form-data is looked through and never changed: a part that some reader could take for a
// carrier is a fault. A body of any other type goes on untouched and may be of any size.
//
// Pure functions. Results that hold a credential are the caller's to wipe; they are written without
// leaving copies behind.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/http_head.hpp"

namespace sallyport::proxy {

// A body that is understood is collected first. CONTRACT.md 5.
constexpr std::size_t collected_body_bytes_max = 1024 * 1024;
constexpr std::size_t json_depth_max = 128;

// `opaque` is a body that is read whole for its hash alone.
enum class body_type : std::uint8_t { other, json, form, multipart, opaque };

enum class body_fault : std::uint8_t {
    none,
    type_missing,     // nothing says how the body is to be read
    type_ambiguous,   // several types, one that is not a type, or a charset that hides names
    encoded,          // compressed: what is in it cannot be seen
    malformed,        // not JSON, or nested too deeply
    carrier_in_part,  // multipart: a part named like a credential, or that may be
    no_place,         // a credential must go in and there is no object or form for it
    no_body,          // ... and there is no body
    too_large,
};

// A sentence for a problem's `detail`. Never holds caller bytes.
std::string_view describe(body_fault fault) noexcept;

// What the provider will take the body for, by the fields that travel on. `connection` is the
// Connection field's value: what it names does not.
body_fault read_body_type(const request_head& head, std::string_view connection, body_type& out);

// Faults if the body is compressed.
body_fault check_coding(const request_head& head, std::string_view connection);

// Appends `body` to `out` without the members or fields named. Names of what was removed are
// appended to `stripped`. With `receives`, something is put in afterwards: no_place and no_body
// are looked for too.
body_fault strip_body(body_type type, std::string_view body,
                      const std::vector<std::string>& removed, bool receives, std::string& out,
                      std::vector<std::string_view>& stripped);

// Views; the value is a credential.
struct body_member {
    std::string_view name;
    std::string_view value;
};

// The bytes that adding `member` takes at most.
std::size_t room_for(const body_member& member) noexcept;

// Adds a top-level member or a field at the end of a body that strip_body() has passed. `body` must
// have room, so that it does not move and leave a copy behind.
void add_to_body(body_type type, const body_member& member, std::string& body);

}  // namespace sallyport::proxy
