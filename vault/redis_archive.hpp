// What a vault in Redis holds, for a backup. The commands and the records belong to the store
// beside it and outlive this.
#pragma once

#include <memory>

#include "vault/archive.hpp"
#include "vault/redis_commands.hpp"

namespace sallyport::vault {

class store;

std::unique_ptr<archive> make_redis_archive(redis_commands& redis, store& records);

}  // namespace sallyport::vault
