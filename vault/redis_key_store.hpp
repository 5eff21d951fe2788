// The wrapped keys in Redis: sallyport:keys:WORKSPACE, a hash of wrapped keys by generation. The
// commands and the witness belong to the store beside it and outlive this.
#pragma once

#include <memory>

#include "vault/key_store.hpp"
#include "vault/redis_announce.hpp"
#include "vault/redis_commands.hpp"

namespace sallyport::vault {

std::unique_ptr<key_store> make_redis_key_store(redis_commands& redis, change_witness& witness);

}  // namespace sallyport::vault
