#include "audit/captured_body.hpp"

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include <stdexcept>

#include "audit/sha256.hpp"

namespace sallyport::audit {

namespace {

constexpr std::size_t random_bytes = 32;
constexpr std::size_t field_bytes_max = 255;
constexpr char truncated_mark = 1;

void append_field(std::string& out, std::string_view value)
{
    value = value.substr(0, field_bytes_max);
    out += static_cast<char>(static_cast<unsigned char>(value.size()));
    out += value;
}

bool take_field(std::string_view& from, std::string_view& out)
{
    if (from.empty()) {
        return false;
    }
    const std::size_t size = static_cast<unsigned char>(from.front());
    from.remove_prefix(1);
    if (from.size() < size) {
        return false;
    }
    out = from.substr(0, size);
    from.remove_prefix(size);
    return true;
}

}  // namespace

std::string_view to_string(body_side value) noexcept
{
    return value == body_side::request ? "request" : "response";
}

captured_body::captured_body(std::size_t limit, std::string_view content_type,
                             std::string_view content_encoding)
    : limit_(limit), text_(random_bytes, '\0')
{
    if (RAND_bytes(reinterpret_cast<unsigned char*>(text_.data()), random_bytes) != 1) {
        throw std::runtime_error("OpenSSL has no randomness");
    }
    text_ += '\0';
    append_field(text_, content_type);
    append_field(text_, content_encoding);
    begin_ = text_.size();
}

captured_body::~captured_body() { OPENSSL_cleanse(text_.data(), text_.size()); }

void captured_body::add(std::string_view bytes)
{
    if (bytes.empty()) {
        return;
    }
    text_.reserve(begin_ + limit_);  // So that growing leaves no copies behind.
    const std::size_t left = limit_ - size();
    text_ += bytes.substr(0, left);
    if (bytes.size() > left) {
        text_[random_bytes] = truncated_mark;
    }
}

bool captured_body::is_truncated() const noexcept { return text_[random_bytes] == truncated_mark; }

std::string proof_of(std::string_view text)
{
    std::string hex(hash_text_size, '\0');
    sha256().write_hex(text, hex.data());
    return hex;
}

std::optional<body_view> read_body(std::string_view text)
{
    if (text.size() <= random_bytes) {
        return std::nullopt;
    }
    body_view out;
    out.truncated = text[random_bytes] == truncated_mark;
    text.remove_prefix(random_bytes + 1);
    if (!take_field(text, out.content_type) || !take_field(text, out.content_encoding)) {
        return std::nullopt;
    }
    out.bytes = text;
    return out;
}

}  // namespace sallyport::audit
