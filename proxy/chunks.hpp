// The chunked transfer coding (RFC 9112, 7.1), read strictly: sizes are plain hexadecimal digits,
// lines end in CRLF, extensions are skipped up to a limit, trailers are dropped (RFC 9110, 6.5.1:
// they are never merged into the header section).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace sallyport::proxy {

class chunk_reader {
public:
    static constexpr std::size_t extensions_max = 4 * 1024;  // of a whole message
    static constexpr std::size_t trailers_max = 16 * 1024;

    enum class state : std::uint8_t { more, done, malformed };

    // Takes what it can from the front of `bytes`. `data` becomes the payload found, one piece of
    // one chunk at most; it may be empty while `used` is not. Stops at the message's end.
    state read(std::string_view bytes, std::size_t& used, std::string_view& data);

private:
    enum class place : std::uint8_t {
        size,
        extension,
        size_lf,
        data,
        data_cr,
        data_lf,
        trailer_start,
        trailer,
        trailer_lf,
        end_lf
    };

    bool take_size(char c);

    place place_ = place::size;
    unsigned digits_ = 0;
    std::uint64_t left_ = 0;
    std::size_t extensions_ = 0;
    std::size_t trailers_ = 0;
};

// Appends "SIZE CRLF" for a chunk of `bytes`; the payload and a CRLF follow.
void append_chunk_head(std::string& out, std::size_t bytes);
constexpr std::string_view last_chunk = "0\r\n\r\n";

}  // namespace sallyport::proxy
