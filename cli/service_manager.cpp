#include "cli/service_manager.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <string_view>

namespace sallyport::cli {

void tell_service_manager(const char* state) noexcept
{
    const char* const named = std::getenv("NOTIFY_SOCKET");
    const std::string_view name(named == nullptr ? "" : named);
    sockaddr_un to{};
    if (name.empty() || name.size() >= sizeof to.sun_path) {
        return;
    }
    to.sun_family = AF_UNIX;
    std::memcpy(to.sun_path, name.data(), name.size());
    if (name.front() == '@') {
        to.sun_path[0] = '\0';  // The abstract namespace.
    }
    const int file = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (file >= 0) {
        const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
        [[maybe_unused]] const ::ssize_t sent =
            ::sendto(file, state, std::strlen(state), MSG_NOSIGNAL,
                     reinterpret_cast<const sockaddr*>(&to), size);
        ::close(file);
    }
}

}  // namespace sallyport::cli
