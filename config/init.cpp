#include "config/init.hpp"

#include <fcntl.h>
#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string_view>
#include <system_error>

#include "base/encoding.hpp"
#include "config/embedded.hpp"

namespace sallyport::config {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t key_bytes = 32;
constexpr std::size_t shown_entries_max = 5;
constexpr ::mode_t file_mode = 0600;
constexpr ::mode_t directory_mode = 0700;

[[noreturn]] void fail(const std::string& what, const fs::path& path)
{
    throw std::runtime_error(what + " " + path.string() + ": " + std::strerror(errno));
}

// O_EXCL: a file that somebody else put there meanwhile is never written to.
// A key is on the disk before anything is sealed or signed with it.
void write_new(const fs::path& path, std::string_view content, bool is_key)
{
    const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, file_mode);
    if (fd < 0) {
        fail("cannot create", path);
    }
    const std::unique_ptr<const int, void (*)(const int*)> closer(
        &fd, [](const int* f) { ::close(*f); });
    while (!content.empty()) {
        const ::ssize_t written = ::write(fd, content.data(), content.size());
        if (written < 0 && errno != EINTR) {
            fail("cannot write", path);
        }
        if (written > 0) {
            content.remove_prefix(static_cast<std::size_t>(written));
        }
    }
    if (::fchmod(fd, file_mode) != 0 || (is_key && ::fsync(fd) != 0)) {
        fail("cannot write", path);
    }
}

void make_directory(const fs::path& path)
{
    if (::mkdir(path.c_str(), directory_mode) != 0 && errno != EEXIST) {
        fail("cannot create", path);
    }
    if (::chmod(path.c_str(), directory_mode) != 0) {
        fail("cannot make owner-only", path);
    }
}

std::string random_key(std::string (*encode)(std::string_view))
{
    std::array<char, key_bytes> bytes{};
    if (RAND_priv_bytes(reinterpret_cast<unsigned char*>(bytes.data()), key_bytes) != 1) {
        throw std::runtime_error("the random number generator failed");
    }
    std::string key = encode({bytes.data(), bytes.size()}) + "\n";
    OPENSSL_cleanse(bytes.data(), bytes.size());
    return key;
}

std::string es256_key()
{
    const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(EVP_EC_gen("P-256"),
                                                                  EVP_PKEY_free);
    const std::unique_ptr<BIO, decltype(&BIO_free)> memory(BIO_new(BIO_s_secmem()), BIO_free);
    if (!key || !memory ||
        PEM_write_bio_PKCS8PrivateKey(memory.get(), key.get(), nullptr, nullptr, 0, nullptr,
                                      nullptr) != 1) {
        throw std::runtime_error("the run-token key could not be made");
    }
    char* data = nullptr;
    const long size = BIO_get_mem_data(memory.get(), &data);
    return std::string(data, static_cast<std::size_t>(size));
}

void require_empty(const fs::path& directory)
{
    std::error_code error;
    const fs::file_status status = fs::status(directory, error);
    if (!fs::exists(status)) {
        return;
    }
    if (!fs::is_directory(status)) {
        throw std::runtime_error(directory.string() + " is not a directory");
    }
    std::vector<std::string> there;
    for (const auto& entry : fs::directory_iterator(directory)) {
        there.push_back(entry.path().filename().string());
    }
    if (there.empty()) {
        return;
    }
    std::sort(there.begin(), there.end());
    std::string names;
    for (std::size_t i = 0; i < std::min(there.size(), shown_entries_max); ++i) {
        names += (i == 0 ? "" : ", ") + there[i];
    }
    if (there.size() > shown_entries_max) {
        names += " and " + std::to_string(there.size() - shown_entries_max) + " more";
    }
    throw std::runtime_error(directory.string() + " is not empty: it holds " + names);
}

void write_all(const fs::path& directory, std::vector<std::string>& written)
{
    const auto put = [&](const std::string& name, std::string_view content, bool is_key) {
        write_new(directory / name, content, is_key);
        written.push_back(name);
    };
    const auto put_secret = [&](const std::string& name, std::string key) {
        put(name, key, true);
        OPENSSL_cleanse(key.data(), key.size());
    };
    put_secret("master.key", random_key(to_hex));
    put_secret("control.token", random_key(to_base64url));
    put_secret("run-token.key", es256_key());
    make_directory(directory / "catalogue");
    for (const embedded_file& file : embedded_files()) {
        const fs::path parent = fs::path(file.path).parent_path();
        for (fs::path made; const fs::path& part : parent) {
            made /= part;
            make_directory(directory / made);
        }
        put(std::string(file.path), file.content, false);
    }
}

}  // namespace

created_setup create_setup(const std::string& directory)
{
    created_setup setup;
    try {
        const fs::path root = fs::absolute(directory).lexically_normal();
        setup.directory = root.string();
        require_empty(root);
        fs::create_directories(root);
        make_directory(root);
        write_all(root, setup.files);
    } catch (const std::exception& error) {
        setup.failure = error.what();
    }
    return setup;
}

}  // namespace sallyport::config
