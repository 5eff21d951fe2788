// How authorisations come to nothing: what the trail and the one who began it are told, and what
// people read. Of a provider's own words none is passed on, of its error codes only those of RFC
// 6749, 4.1.2.1.
#pragma once

#include <string_view>

namespace sallyport::control {

struct ending {
    std::string_view code;  // in the trail, and in a redirect
    std::string_view text;  // for a page, and the connection's status_reason
};

// Of codes that are none it is "authorization_failed".
const ending& ending_of(std::string_view code) noexcept;

// What is told of an `error` in a callback, which anybody who holds the state can send: one of RFC
// 6749, 4.1.2.1, and otherwise "authorization_failed".
std::string_view code_said(std::string_view error) noexcept;

}  // namespace sallyport::control
