// The master key, from where the settings say it is.
#pragma once

#include <string>

#include "vault/secret.hpp"

namespace sallyport::vault {

// `source` is file:PATH or env:NAME; the text is 32 bytes as 64 hexadecimal digits or base 64,
// white space at its end ignored. A file must be a regular one that nobody but its owner can read.
// A variable is overwritten and removed from the environment. Throws boost::system::system_error
// with errc::misconfigured and one clear sentence, which never holds anything of the key.
secret read_master_key(const std::string& source);

}  // namespace sallyport::vault
