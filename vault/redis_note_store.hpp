// The notes and claims of a store that several gates share. Every change is made under the fence
// (redis_announce.hpp), but not announced: nobody caches notes.
#pragma once

#include <memory>

#include "vault/note_store.hpp"
#include "vault/redis_announce.hpp"
#include "vault/redis_commands.hpp"

namespace sallyport::vault {

std::unique_ptr<note_store> make_redis_note_store(redis_commands& redis,
                                                  const change_witness& witness);

}  // namespace sallyport::vault
