// The master keys, from where the settings say they are: the active one, under which keys are
// wrapped, and those of before, which still open what they wrapped.
#pragma once

#include <string>
#include <vector>

#include "vault/envelope.hpp"
#include "vault/secret.hpp"
#include "vault/settings.hpp"

namespace sallyport::vault {

struct master_key {
    std::string source;
    key_id id{};
    secret key;
};

// The active one first; none twice.
using master_keys = std::vector<master_key>;

// `source` is file:PATH or env:NAME; the text is 32 bytes as 64 hexadecimal digits or base 64,
// white space at its end ignored. A file must be a regular one that nobody but its owner can read.
// A variable stays set: a reload reads it again. Throws boost::system::system_error
// with errc::misconfigured and one clear sentence, which never holds anything of the key.
secret read_master_key(const std::string& source);

// All that the settings name. What came from the environment can be read only once, so it is taken
// from `before`. Throws as read_master_key does.
master_keys read_master_keys(const settings& settings, const master_keys& before = {});

// The id as people and backups write it: 8 hexadecimal digits.
std::string to_text(const key_id& id);

}  // namespace sallyport::vault
