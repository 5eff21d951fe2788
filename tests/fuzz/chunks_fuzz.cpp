// Chunked bodies from a foreign hand: the same payload and verdict however the bytes arrive, and
// what is written anew reads back as that payload.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "proxy/relay.hpp"

using namespace sallyport::proxy;

namespace {

struct outcome {
    chunk_reader::state end = chunk_reader::state::more;
    std::string out;
    std::size_t used = 0;
    std::uint64_t bytes = 0;
};

outcome relay(std::string_view bytes, bool chunk, std::size_t step)
{
    body_reader reader({body_kind::chunked, 0}, chunk);
    outcome made;
    for (std::size_t there = 0; made.end == chunk_reader::state::more && there < bytes.size();) {
        there = std::min(there + step, bytes.size());
        const body_piece piece = reader.next(bytes.substr(made.used, there - made.used));
        made.out.append(piece.head).append(piece.data).append(piece.tail);
        made.used += piece.used;
        made.end = piece.state;
    }
    made.bytes = reader.bytes();
    return made;
}

void require(bool holds)
{
    if (!holds) {
        std::abort();
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    if (size == 0) {
        return 0;
    }
    const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
    const outcome whole = relay(bytes, false, bytes.size() + 1);
    const outcome parts = relay(bytes, false, 1 + data[0] % 16u);
    require(whole.end == parts.end && whole.used == parts.used);
    require(whole.out == parts.out || whole.end == chunk_reader::state::malformed);
    require(whole.end == chunk_reader::state::malformed || whole.bytes == whole.out.size());

    const outcome anew = relay(bytes, true, 1 + data[0] % 16u);
    require(anew.end == whole.end);
    if (anew.end == chunk_reader::state::done) {
        const outcome read_back = relay(anew.out, false, 7);
        require(read_back.end == chunk_reader::state::done && read_back.used == anew.out.size());
        require(read_back.out == whole.out);
    }
    return 0;
}
