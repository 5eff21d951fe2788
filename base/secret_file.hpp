// Who may use a file that holds a secret.
#pragma once

#include <sys/stat.h>

#include <string_view>

namespace sallyport {

// True if anybody but the owner may. The service manager's credentials (systemd's LoadCredential)
// are root's, readable by an access list of one whose mask shows as the group's bit; the directory
// around them, which CREDENTIALS_DIRECTORY names, keeps the group out. `path` is absolute.
bool exposed_to_others(std::string_view path, mode_t mode) noexcept;

}  // namespace sallyport
