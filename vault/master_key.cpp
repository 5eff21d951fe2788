#include "vault/master_key.hpp"

#include <fcntl.h>
#include <openssl/crypto.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <optional>

#include "base/encoding.hpp"
#include "base/secret_file.hpp"
#include "base/text.hpp"
#include "vault/crypto.hpp"
#include "vault/error.hpp"

namespace sallyport::vault {
namespace {

constexpr std::size_t text_bytes_max = 1024;
constexpr std::string_view file_scheme = "file:";
constexpr std::string_view variable_scheme = "env:";

[[noreturn]] void refuse(const std::string& sentence)
{
    throw boost::system::system_error(errc::misconfigured, sentence);
}

struct descriptor {
    int number;
    ~descriptor() { ::close(number); }
};

secret read_file(const std::string& path)
{
    const descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)};
    if (file.number < 0) {
        refuse("the master key file " + path + " cannot be opened: " + std::strerror(errno));
    }
    struct stat about {};
    if (::fstat(file.number, &about) != 0 || !S_ISREG(about.st_mode)) {
        refuse("the master key file " + path + " is not a regular file");
    }
    if (exposed_to_others(path, about.st_mode)) {
        refuse("the master key file " + path +
               " is open to others than its owner; take that away with chmod 600");
    }
    secret text = secret::of_size(text_bytes_max);
    const ssize_t size = ::read(file.number, text.data(), text_bytes_max);
    if (size < 0) {
        refuse("the master key file " + path + " cannot be read: " + std::strerror(errno));
    }
    text.shrink(static_cast<std::size_t>(size));
    return text;
}

secret read_variable(const std::string& name)
{
    const char* const value = std::getenv(name.c_str());
    if (value == nullptr) {
        refuse("the environment variable " + name + " that should hold the master key is not set");
    }
    return secret(std::string_view(value));
}

void wipe(std::string& text) { OPENSSL_cleanse(text.data(), text.size()); }

// Nullopt unless the text is exactly one key.
std::optional<secret> decode(secret text)
{
    const std::size_t used = text.reveal().find_last_not_of(" \t\r\n");
    text.shrink(used == std::string_view::npos ? 0 : used + 1);
    std::optional<std::string> bytes;
    if (text.size() == 2 * key_bytes) {
        std::transform(text.data(), text.data() + text.size(), text.data(),
                       [](char c) { return to_lower(c); });
        bytes = from_hex(text.reveal());
    } else {
        bytes = from_base64(text.reveal());
    }
    if (!bytes) {
        return std::nullopt;
    }
    std::optional<secret> key;
    if (bytes->size() == key_bytes) {
        key.emplace(*bytes);
    }
    wipe(*bytes);
    return key;
}

}  // namespace

secret read_master_key(const std::string& source)
{
    secret text;
    if (source.starts_with(file_scheme)) {
        text = read_file(source.substr(file_scheme.size()));
    } else if (source.starts_with(variable_scheme)) {
        text = read_variable(source.substr(variable_scheme.size()));
    } else {
        // Somebody may have written the key itself here: it is not repeated.
        refuse("a master key must be file:PATH or env:NAME");
    }
    std::optional<secret> key = decode(std::move(text));
    if (!key) {
        refuse("the master key from " + source +
               " is not 32 bytes written as 64 hexadecimal digits or base 64");
    }
    return std::move(*key);
}

master_keys read_master_keys(const settings& settings, const master_keys& before)
{
    std::vector<std::string> sources = {settings.master_key};
    sources.insert(sources.end(), settings.previous_master_keys.begin(),
                   settings.previous_master_keys.end());
    if (sources.size() > 1 + previous_master_keys_max) {
        refuse("vault.previous_master_keys names more than 16 keys");
    }
    envelope box;
    master_keys found;
    for (const std::string& source : sources) {
        const auto known = std::find_if(before.begin(), before.end(), [&](const master_key& one) {
            return one.source == source && source.starts_with(variable_scheme);
        });
        secret key = known == before.end() ? read_master_key(source) : secret(known->key.reveal());
        const key_id id = box.identify(key);
        const auto twice = std::find_if(found.begin(), found.end(),
                                        [&](const master_key& one) { return one.id == id; });
        if (twice == found.end()) {
            found.push_back({source, id, std::move(key)});
        }
    }
    return found;
}

std::string to_text(const key_id& id) { return to_hex({id.data(), id.size()}); }

}  // namespace sallyport::vault
