// What `sallyport init` does: a working set-up in an empty directory.
#pragma once

#include <string>
#include <vector>

namespace sallyport::config {

struct created_setup {
    std::string directory;           // absolute
    std::vector<std::string> files;  // what was written, relative to it
    std::string failure;  // Empty: it worked. Else one sentence; nothing was overwritten.
};

// Writes sallyport.yaml (the commented example), master.key, control.token, run-token.key (ES256,
// PEM) and catalogue/ into `directory`, which must be empty or not exist. Files are 0600,
// directories 0700, whatever the umask. Keys are fresh from OpenSSL's generator.
created_setup create_setup(const std::string& directory);

}  // namespace sallyport::config
