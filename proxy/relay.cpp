#include "proxy/relay.hpp"

#include <algorithm>

namespace sallyport::proxy {

namespace {

using state = chunk_reader::state;

constexpr std::string_view chunk_end = "\r\n";
constexpr std::string_view chunk_end_and_last = "\r\n0\r\n\r\n";

}  // namespace

body_piece body_reader::next(std::string_view pending)
{
    body_piece piece;
    switch (body_.kind) {
        case body_kind::none: piece.state = state::done; break;
        case body_kind::length:
            piece.used = static_cast<std::size_t>(std::min<std::uint64_t>(left_, pending.size()));
            piece.data = pending.substr(0, piece.used);
            left_ -= piece.used;
            piece.state = left_ == 0 ? state::done : state::more;
            break;
        case body_kind::until_close:
            piece.used = pending.size();
            piece.data = pending;
            break;
        case body_kind::chunked: read_chunks(pending, piece); break;
    }
    bytes_ += piece.data.size();
    done_ = piece.state == state::done;
    if (chunk_ && piece.state != state::malformed) {
        frame(piece);
    }
    return piece;
}

// One chunk is passed on where it lies; several that are there together are sent as one.
void body_reader::read_chunks(std::string_view pending, body_piece& piece)
{
    merged_.clear();
    while (piece.used < pending.size() && piece.state == state::more) {
        std::size_t used = 0;
        std::string_view data;
        piece.state = chunks_.read(pending.substr(piece.used), used, data);
        piece.used += used;
        if (data.empty()) {
            continue;
        }
        if (piece.data.empty()) {
            piece.data = data;
            continue;
        }
        if (merged_.empty()) {
            merged_ = piece.data;
        }
        merged_ += data;
        piece.data = merged_;
    }
}

void body_reader::frame(body_piece& piece)
{
    const bool last = piece.state == state::done;
    if (piece.data.empty()) {
        piece.tail = last ? last_chunk : std::string_view{};
        return;
    }
    size_line_.clear();
    append_chunk_head(size_line_, piece.data.size());
    piece.head = size_line_;
    piece.tail = last ? chunk_end_and_last : chunk_end;
}

}  // namespace sallyport::proxy
