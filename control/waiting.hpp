// Changes that can be waited for: with `?wait=true` their answer comes once no gate of the fleet
// can use any more what was taken away.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <optional>

#include "control/request.hpp"

namespace sallyport::control {

// The refusal of a `wait` that is neither true nor false; to be asked before anything is changed.
std::optional<answer> refuse_wait(const request& call);

// Waits where asked to. The answer that says so where it cannot be known: what was done stands.
boost::asio::awaitable<std::optional<answer>> settle_if_asked(request& call);

}  // namespace sallyport::control
