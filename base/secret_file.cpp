#include "base/secret_file.hpp"

#include <cstdlib>

namespace sallyport {

bool exposed_to_others(std::string_view path, mode_t mode) noexcept
{
    const mode_t others = mode & (S_IRWXG | S_IRWXO);
    if (others != S_IRGRP) {
        return others != 0;
    }
    const char* const credentials = std::getenv("CREDENTIALS_DIRECTORY");
    const std::size_t name = path.rfind('/');
    return credentials == nullptr || *credentials == '\0' || name == std::string_view::npos ||
           path.substr(0, name) != credentials;
}

}  // namespace sallyport
