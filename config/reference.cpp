#include "config/reference.hpp"

#include <fcntl.h>
#include <openssl/crypto.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "base/secret_file.hpp"

namespace sallyport::config {
namespace {

constexpr std::string_view file_prefix = "file:";
constexpr std::string_view environment_prefix = "env:";

// A shell's idea of a variable's name.
bool is_variable_name(std::string_view text)
{
    const auto is_letter = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    };
    for (const char c : text) {
        if (!is_letter(c) && (c < '0' || c > '9')) {
            return false;
        }
    }
    return !text.empty() && is_letter(text.front());
}

struct descriptor {
    int fd;
    ~descriptor()
    {
        if (fd >= 0) {
            ::close(fd);
        }
    }
};

// Reads until the end or until `bytes` is full. Returns what was read, or -1 with errno set.
::ssize_t read_up_to(int fd, std::string& bytes)
{
    std::size_t filled = 0;
    while (filled < bytes.size()) {
        const ::ssize_t count = ::read(fd, bytes.data() + filled, bytes.size() - filled);
        if (count == 0) {
            break;
        }
        if (count > 0) {
            filled += static_cast<std::size_t>(count);
        } else if (errno != EINTR) {
            return -1;
        }
    }
    return static_cast<::ssize_t>(filled);
}

}  // namespace

referenced::referenced(referenced&& other) noexcept
    : bytes_(std::move(other.bytes_)), exposed_(other.exposed_)
{
}

referenced& referenced::operator=(referenced&& other) noexcept
{
    std::swap(bytes_, other.bytes_);  // The other wipes what this one held.
    exposed_ = other.exposed_;
    return *this;
}

referenced::~referenced() { OPENSSL_cleanse(bytes_.data(), bytes_.size()); }

reference_reader::reference_reader(yaml_file& file, std::filesystem::path base)
    : file_(file), base_(std::move(base))
{
}

std::string reference_reader::absolute(std::string_view path) const
{
    return (base_ / path).lexically_normal().string();
}

std::optional<std::string> reference_reader::resolve(const yaml_node& node)
{
    const std::optional<std::string> text = file_.string(node);
    if (!text) {
        return std::nullopt;
    }
    if (text->starts_with(file_prefix) && text->size() > file_prefix.size()) {
        return std::string(file_prefix) + absolute(text->substr(file_prefix.size()));
    }
    if (text->starts_with(environment_prefix) &&
        is_variable_name(std::string_view(*text).substr(environment_prefix.size()))) {
        return text;
    }
    // A secret written here by mistake must not be echoed.
    file_.report(node, "must be file:PATH or env:NAME: a secret never stands in this file");
    return std::nullopt;
}

std::optional<referenced> reference_reader::read(const yaml_node& node)
{
    const std::optional<std::string> where = resolve(node);
    if (!where) {
        return std::nullopt;
    }
    std::optional<referenced> found;
    if (where->starts_with(environment_prefix)) {
        const std::string name = where->substr(environment_prefix.size());
        if (const char* value = std::getenv(name.c_str())) {
            found.emplace(value, false);
        } else {
            file_.report(node, "the environment has no variable " + name);
            return std::nullopt;
        }
    } else {
        found = read_file(node, where->substr(file_prefix.size()));
        if (!found) {
            return std::nullopt;
        }
    }
    std::string bytes = found->take();
    if (bytes.ends_with('\n')) {
        bytes.pop_back();
    }
    if (bytes.ends_with('\r')) {
        bytes.pop_back();
    }
    if (bytes.empty()) {
        file_.report(node, *where + " is empty");
        return std::nullopt;
    }
    return referenced(std::move(bytes), found->exposed());
}

std::optional<referenced> reference_reader::read_secret(const yaml_node& node)
{
    std::optional<referenced> found = read(node);
    if (found && found->exposed()) {
        report_exposed(node);
        return std::nullopt;
    }
    return found;
}

std::optional<referenced> reference_reader::read_file(const yaml_node& node, std::string_view path)
{
    const std::string name = absolute(path);
    const auto fail = [&](const std::string& why) {
        file_.report(node, "the file " + name + " " + why);
        return std::nullopt;
    };
    // Opened without waiting: a pipe in a file's place must not hold up the start.
    const descriptor opened{::open(name.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
    struct ::stat status {};
    if (opened.fd < 0 || ::fstat(opened.fd, &status) != 0) {
        return fail(std::string("cannot be read: ") + std::strerror(errno));
    }
    if (!S_ISREG(status.st_mode)) {
        return fail("is not a regular file");
    }
    std::string bytes(referenced_bytes_max + 1, '\0');
    const ::ssize_t size = read_up_to(opened.fd, bytes);
    if (size < 0) {
        return fail(std::string("cannot be read: ") + std::strerror(errno));
    }
    if (static_cast<std::size_t>(size) > referenced_bytes_max) {
        OPENSSL_cleanse(bytes.data(), bytes.size());
        return fail("is larger than 1 MiB");
    }
    referenced found({bytes.data(), static_cast<std::size_t>(size)},
                     exposed_to_others(name, status.st_mode));
    OPENSSL_cleanse(bytes.data(), bytes.size());
    return found;
}

void reference_reader::report_exposed(const yaml_node& node)
{
    file_.report(node, "others than its owner may use this file: chmod 600 it");
}

}  // namespace sallyport::config
