// Signed notes: a text, an empty line, and lines of signatures, as c2sp.org/signed-note has them,
// with Ed25519 (RFC 8032) as the only algorithm. What witnesses and log tools of that family read.
//
//   text of one or more lines, none of them empty
//
//   — NAME BASE64(key id (4 bytes) || signature (64 bytes))
//
// A key is told as NAME+HEX(key id)+BASE64(0x01 || public key), its id being the first four bytes
// of SHA-256(NAME || 0x0a || 0x01 || public key).
//
// Threading: none of it shares anything. A signer's private key lives in its memory alone, is never
// written anywhere, and is wiped with it.
#pragma once

#include <openssl/evp.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace sallyport::audit {

struct key_free {
    void operator()(EVP_PKEY* key) const noexcept { EVP_PKEY_free(key); }
};
using key_pointer = std::unique_ptr<EVP_PKEY, key_free>;

// Views into the bytes it was read from.
struct note {
    std::string_view text;        // with its last line feed
    std::string_view signatures;  // the lines, each with its line feed
    std::string_view bytes;       // all of it

    static constexpr std::size_t signatures_max = 8;
};

// The note at the start of `bytes`; nullopt if no whole one stands there. What follows a note is
// not looked at.
std::optional<note> read_note(std::string_view bytes);

class note_key {
public:
    static std::optional<note_key> parse(std::string_view text);

    const std::string& text() const noexcept { return text_; }
    // One of the note's signatures is this key's. Signatures of other keys are passed over.
    bool signed_(const note& what) const;

private:
    std::string text_, name_, id_;
    key_pointer key_;
};

class note_signer {
public:
    // With a key made now. `name` holds neither white space nor `+`. Throws std::runtime_error if
    // the library fails.
    explicit note_signer(std::string name);

    const std::string& key_text() const noexcept { return key_text_; }
    std::string sign(std::string_view text) const;  // the whole note

private:
    std::string name_, id_, key_text_;
    key_pointer key_;
};

}  // namespace sallyport::audit
