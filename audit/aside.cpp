#include "audit/aside.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <string_view>

#include "audit/segments.hpp"

namespace sallyport::audit {

namespace {

constexpr std::size_t block_bytes = 256u << 10;

}  // namespace

std::optional<aside> set_aside(int directory, const std::string& name, std::uint64_t from)
{
    aside out;
    const file_descriptor file(
        ::openat(directory, name.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    if (!file.is_open()) {
        return std::nullopt;
    }
    if (size_of(file.get()) <= from) {
        return out;
    }
    const file_descriptor kept(::openat(directory, (name + ".torn").c_str(),
                                        O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
                                        0600));
    std::string block(block_bytes, '\0');
    for (;;) {
        const ssize_t got = read_at(file.get(), block.data(), block.size(), from + out.bytes);
        if (!kept.is_open() || got < 0) {
            return std::nullopt;
        }
        const std::string_view bytes(block.data(), static_cast<std::size_t>(got));
        if (bytes.empty()) {
            break;
        }
        if (!write_all(kept.get(), bytes)) {
            return std::nullopt;
        }
        out.has_lines = out.has_lines || bytes.find('\n') != std::string_view::npos;
        out.bytes += bytes.size();
    }
    if (::fsync(kept.get()) != 0 || ::fsync(directory) != 0 ||
        ::ftruncate(file.get(), static_cast<off_t>(from)) != 0 || ::fsync(file.get()) != 0) {
        return std::nullopt;
    }
    return out;
}

bool has_lines_aside(int directory, const std::string& name)
{
    const file_descriptor file = open_regular(directory, name + ".torn");
    std::string block(block_bytes, '\0');
    std::uint64_t at = 0;
    while (file.is_open()) {
        const ssize_t got = read_at(file.get(), block.data(), block.size(), at);
        if (got <= 0) {
            break;
        }
        const std::string_view bytes(block.data(), static_cast<std::size_t>(got));
        if (bytes.find('\n') != std::string_view::npos) {
            return true;
        }
        at += bytes.size();
    }
    return false;
}

}  // namespace sallyport::audit
