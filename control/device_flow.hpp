// One question to a provider about a device (RFC 8628), and what comes of its answer: the
// connection waits on, gets the tokens, or goes back to what it was.
//
// A claim sees to it that one gate of the fleet asks at a time; the note that is waited by
// (authorization.hpp) keeps the pace. Tokens that come for an attempt that was cancelled meanwhile
// are left to be revoked.
//
// Threading: the control thread. Limits: as oauth::exchange_limit.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <string>

#include "base/time.hpp"
#include "control/server.hpp"

namespace sallyport::control {

// Asks once, if it is time and nobody else does, and acts on the answer. True if this gate did.
boost::asio::awaitable<bool> ask_about_device(const services& gate, std::string note_id,
                                              unix_micros now);

}  // namespace sallyport::control
