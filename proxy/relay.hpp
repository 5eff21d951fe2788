// Bodies on their way through: framing parsed on one side and written anew on the other, payload
// passed on as it lies in the buffer.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "proxy/chunks.hpp"
#include "proxy/gate.hpp"

namespace sallyport::proxy {

// What can be sent on now: three views that stay valid until the next call.
struct body_piece {
    std::string_view head;  // a chunk's size line, when chunking
    std::string_view data;
    std::string_view tail;  // a chunk's end, and the last chunk behind the last data
    std::size_t used = 0;   // bytes of the input that the piece covers
    chunk_reader::state state = chunk_reader::state::more;

    bool empty() const noexcept { return head.empty() && data.empty() && tail.empty(); }
};

class body_reader {
public:
    // `chunk`: the body is sent on in the chunked coding.
    body_reader(framing body, bool chunk) : body_(body), left_(body.length), chunk_(chunk) {}

    // Looks at what is pending. A body without content is done at once.
    body_piece next(std::string_view pending);
    // A body that ends with its connection has ended: what must still be sent.
    std::string_view finish() const noexcept { return chunk_ ? last_chunk : std::string_view{}; }

    std::uint64_t bytes() const noexcept { return bytes_; }
    bool done() const noexcept { return done_; }

private:
    void read_chunks(std::string_view pending, body_piece& piece);
    void frame(body_piece& piece);

    framing body_;
    std::uint64_t left_;
    bool chunk_;
    bool done_ = false;
    std::uint64_t bytes_ = 0;
    chunk_reader chunks_;
    std::string merged_;  // several small chunks as one
    std::string size_line_;
};

}  // namespace sallyport::proxy
