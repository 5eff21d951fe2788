// What Redis's errors mean, in sentences. What an error says is never repeated, because it may
// quote the command, and with it a password: it is only compared with what Redis is known to say.
#pragma once

#include <string>
#include <string_view>

#include "vault/redis_reply.hpp"

namespace sallyport::vault {

// The server is or became a replica, or has lost its data's master: another one must be found.
bool is_from_replica(const redis_reply& error) noexcept;

// The rest of a sentence that begins with the server's name. `command`: what was asked.
std::string why_refused(const redis_reply& error, std::string_view command);

}  // namespace sallyport::vault
