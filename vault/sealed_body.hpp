// Captured bodies of calls as the vault seals them, for the files beside the trail.
//
// They have data keys of their own, kept and wrapped like every workspace's but under a name of
// their own (places.hpp: bodies_owner). So what lies in files that no store knows of does not hold
// up a rotation: that only begins a new generation for them, and the older ones stay for what was
// sealed before, until the workspace is shredded. Rotating the master key, backups and shredding
// find them where they find every key.
//
// A body is bound to its workspace, call and side: it opens there or not at all.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "vault/envelope.hpp"
#include "vault/key_ring.hpp"
#include "vault/secret.hpp"

namespace sallyport::vault {

struct body_place {
    std::string_view workspace;
    std::string_view call_id;
    std::string_view side;  // "request" or "response"
};

std::string seal_body(envelope& box, const data_key& key, const body_place& where,
                      std::string_view text);
// `key` is that of envelope::generation_of(sealed). errc::corrupted.
result<secret> open_body(envelope& box, const data_key& key, const body_place& where,
                         std::string_view sealed);

}  // namespace sallyport::vault
