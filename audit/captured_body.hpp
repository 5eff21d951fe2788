// The beginning of a call's body, as it is kept for an auditor: its bytes, and what its fields said
// they are. It is written as one text, which is what gets sealed:
//
//   32 random bytes
//   1 byte      1: the body was longer than what was kept
//   1 byte, n   length of its Content-Type, and that (the first 255 bytes)
//   1 byte, n   the same of its Content-Encoding
//   ...         the body's bytes, as they passed by: the coding of the transfer is taken off, that
//               of the content (gzip) is not
//
// The outcome's line bears the text's SHA-256. So the trail proves a body unaltered, and because of
// the random bytes nobody can find out from the line what a short body was.
//
// Threading: one thread at a time. The memory that bytes went through is wiped.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sallyport::audit {

enum class body_side : std::uint8_t { request, response };
std::string_view to_string(body_side value) noexcept;

class captured_body {
public:
    captured_body(std::size_t limit, std::string_view content_type,
                  std::string_view content_encoding);
    captured_body(captured_body&& other) noexcept = default;
    captured_body& operator=(captured_body&& other) = delete;
    ~captured_body();

    // Takes what is below the limit.
    void add(std::string_view bytes);

    std::size_t limit() const noexcept { return limit_; }
    std::size_t size() const noexcept { return text_.size() - begin_; }
    bool is_truncated() const noexcept;
    char* data() noexcept { return text_.data() + begin_; }
    std::string_view bytes() const noexcept { return std::string_view(text_).substr(begin_); }
    std::string_view text() const noexcept { return text_; }

private:
    std::size_t limit_;
    std::size_t begin_ = 0;  // of the bytes
    std::string text_;
};

// SHA-256 of a text, hexadecimal.
std::string proof_of(std::string_view text);

struct body_view {
    std::string_view content_type, content_encoding, bytes;
    bool truncated = false;
};
// Nullopt for what is no such text.
std::optional<body_view> read_body(std::string_view text);

}  // namespace sallyport::audit
