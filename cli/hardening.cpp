#include "cli/hardening.hpp"

#include <fcntl.h>
#include <openssl/crypto.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstring>
#include <vector>

#include "vault/secret.hpp"

namespace sallyport::cli {

namespace {

// Where cores are piped to a program the limit on their size does not count; this says that there
// is nothing to write. It must come before the process stops being dumpable, which makes the file
// root's.
void empty_core_filter() noexcept
{
    const int file = ::open("/proc/self/coredump_filter", O_WRONLY | O_CLOEXEC);
    if (file >= 0) {
        // A kernel without core dumps has no such file, and a failure leaves two more walls.
        [[maybe_unused]] const ::ssize_t written = ::write(file, "0", 1);
        ::close(file);
    }
}

}  // namespace

bool harden_process() noexcept
{
    empty_core_filter();
    const rlimit no_core{0, 0};
    const bool dumps_off = ::setrlimit(RLIMIT_CORE, &no_core) == 0;
    const bool not_dumpable = ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0;
    const bool no_privileges = ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
    return dumps_off && not_dumpable && no_privileges;
}

void hide_environment()
{
    // What environ points to from now on. Never freed: it outlives every static object.
    static auto& variables = *new std::vector<vault::secret>;
    for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
        const std::size_t size = std::strlen(*entry);
        vault::secret& copy = variables.emplace_back(std::string_view(*entry, size + 1));
        OPENSSL_cleanse(*entry, size);
        *entry = copy.data();
    }
}

}  // namespace sallyport::cli
