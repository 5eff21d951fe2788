// Secrets on their way from a file or stdin into a request. They never come from an argument, and
// the memory they pass through is a vault::secret's from the read on.
#pragma once

#include <string>
#include <string_view>

#include "vault/secret.hpp"

namespace sallyport::cli {

constexpr std::size_t secret_bytes_max = 256 * 1024;

// What `file` holds, "-" being stdin, less one trailing line end. Throws command_error for what is
// empty, too large or cannot be read.
vault::secret read_secret(const std::string& file);

// The `credential` of the control API for a connection of that kind:
//   api_key, bearer   the bare secret    -> {"secret": ...}
//   basic             user:password      -> {"username": ..., "password": ...}
//   oauth2, custom    a JSON object      -> itself
// Throws command_error for bytes that have another form.
vault::secret credential_json(std::string_view kind, const vault::secret& bytes);

// `object`, a JSON object's text without white space, with "credential" added to it.
vault::secret with_credential(std::string_view object, const vault::secret& credential);

}  // namespace sallyport::cli
