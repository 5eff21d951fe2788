// Versions of connections in HTTP (RFC 9110, 8.8.3 and 13): an answer with a connection bears its
// ETag; a change under If-Match is made to that version or not at all (412), and a look under
// If-None-Match at a version already known costs no body (304).
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "control/request.hpp"
#include "vault/connection.hpp"

namespace sallyport::control {

// 200 with the connection and its ETag.
answer shown(const vault::connection& record);

// The version that a change is bound to by If-Match, as it stands in `record`; none: to no version,
// as where any will do (`*`).
// An answer: it is another one.
struct binding {
    std::optional<std::uint64_t> version;
    std::optional<answer> refusal;

    // False where somebody else has changed the record since.
    bool holds(const vault::connection& record) const noexcept
    {
        return !version || record.version == *version;
    }
};
binding bound_to(const request& call, const vault::connection& record);

// True if the caller knows this version already.
bool is_known(const request& call, const vault::connection& record);

answer precondition_failed();

// The answer where the deed that `line` announced, bound to a version by the store itself, was not
// done.
answer not_done(const request& call, const audit::entry& line, const error_code& why);

// The answer to a change that `line` announced; whoever wants to hear of changes is told of it.
// `overtaken`: the record was another one by the time it was to be changed.
answer changed(const request& call, const audit::entry& line,
               const result<vault::connection>& updated, bool overtaken, const binding& bound);

}  // namespace sallyport::control
