#include "audit/note.hpp"

#include <array>
#include <stdexcept>

#include "audit/sha256.hpp"
#include "base/encoding.hpp"

namespace sallyport::audit {

namespace {

constexpr std::string_view dash = "\xe2\x80\x94 ";  // EM DASH and a space
constexpr std::size_t key_size = 32, signature_size = 64, id_size = 4;
constexpr char ed25519 = 0x01;

std::string key_id(std::string_view name, std::string_view public_key)
{
    std::string hashed(name);
    hashed += '\n';
    hashed += ed25519;
    hashed += public_key;
    std::array<char, hash_text_size> hex;
    sha256().write_hex(hashed, hex.data());
    return *from_hex({hex.data(), 2 * id_size});
}

const unsigned char* octets(std::string_view text)
{
    return reinterpret_cast<const unsigned char*>(text.data());
}

bool verifies(EVP_PKEY* key, std::string_view text, std::string_view signature)
{
    const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                          &EVP_MD_CTX_free);
    return context && EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key) == 1 &&
           EVP_DigestVerify(context.get(), octets(signature), signature.size(), octets(text),
                            text.size()) == 1;
}

}  // namespace

std::optional<note> read_note(std::string_view bytes)
{
    const std::size_t end = bytes.find("\n\n");
    if (end == std::string_view::npos || end == 0) {
        return std::nullopt;
    }
    note out;
    out.text = bytes.substr(0, end + 1);
    std::size_t at = end + 2;
    for (std::size_t count = 0; bytes.substr(at).starts_with(dash); ++count) {
        const std::size_t feed = bytes.find('\n', at);
        if (feed == std::string_view::npos || count == note::signatures_max) {
            return std::nullopt;
        }
        at = feed + 1;
    }
    out.signatures = bytes.substr(end + 2, at - end - 2);
    out.bytes = bytes.substr(0, at);
    if (out.signatures.empty()) {
        return std::nullopt;
    }
    return out;
}

std::optional<note_key> note_key::parse(std::string_view text)
{
    const std::size_t first = text.find('+');
    const std::size_t second = first == std::string_view::npos ? first : text.find('+', first + 1);
    if (second == std::string_view::npos || first == 0) {
        return std::nullopt;
    }
    const std::optional<std::string> id = from_hex(text.substr(first + 1, second - first - 1));
    const std::optional<std::string> key = from_base64(text.substr(second + 1));
    note_key out;
    out.text_ = text;
    out.name_ = text.substr(0, first);
    if (!id || !key || key->size() != 1 + key_size || key->front() != ed25519 ||
        *id != key_id(out.name_, key->substr(1))) {
        return std::nullopt;
    }
    out.id_ = *id;
    out.key_.reset(
        EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, octets(*key) + 1, key_size));
    if (!out.key_) {
        return std::nullopt;
    }
    return out;
}

bool note_key::signed_(const note& what) const
{
    std::string_view lines = what.signatures;
    while (!lines.empty()) {
        const std::size_t feed = lines.find('\n');
        std::string_view line = lines.substr(0, feed);
        lines.remove_prefix(feed == std::string_view::npos ? lines.size() : feed + 1);
        line.remove_prefix(dash.size());
        const std::size_t space = line.find(' ');
        if (space == std::string_view::npos || line.substr(0, space) != name_) {
            continue;
        }
        const std::optional<std::string> blob = from_base64(line.substr(space + 1));
        if (blob && blob->size() == id_size + signature_size && blob->starts_with(id_) &&
            verifies(key_.get(), what.text, std::string_view(*blob).substr(id_size))) {
            return true;
        }
    }
    return false;
}

note_signer::note_signer(std::string name) : name_(std::move(name))
{
    key_.reset(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
    std::string public_key(1 + key_size, ed25519);
    std::size_t size = key_size;
    if (!key_ ||
        EVP_PKEY_get_raw_public_key(
            key_.get(), reinterpret_cast<unsigned char*>(public_key.data()) + 1, &size) != 1) {
        throw std::runtime_error("cannot make a key to sign the trail's checkpoints with");
    }
    id_ = key_id(name_, std::string_view(public_key).substr(1));
    key_text_ = name_ + '+' + to_hex(id_) + '+' + to_base64(public_key);
}

std::string note_signer::sign(std::string_view text) const
{
    const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                          &EVP_MD_CTX_free);
    std::string blob = id_;
    blob.resize(id_size + signature_size);
    std::size_t size = signature_size;
    if (!context || EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key_.get()) != 1 ||
        EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(blob.data()) + id_size,
                       &size, octets(text), text.size()) != 1) {
        throw std::runtime_error("cannot sign a checkpoint");
    }
    std::string out(text);
    out.append("\n").append(dash).append(name_).append(" ").append(to_base64(blob)).append("\n");
    return out;
}

}  // namespace sallyport::audit
