// Bytes to send over streams, and coroutines that send, take and watch them.
#pragma once

#include <string>
#include <string_view>

#include "net/stream.hpp"
#include "tests/net/loop.hpp"

namespace sallyport::net {

inline std::string pattern(std::size_t size)
{
    std::string out(size, '\0');
    for (std::size_t i = 0; i < size; ++i) {
        out[i] = static_cast<char>(i * 131 % 251);
    }
    return out;
}

// Reads until `size` bytes have come, or the end; `out` takes what was there.
inline task<error_code> take(stream& from, std::size_t size, std::string& out)
{
    for (;;) {
        out += from.pending();
        from.consume(from.pending().size());
        if (out.size() >= size) {
            co_return error_code{};
        }
        const error_code ended = co_await from.fill();
        if (ended && from.pending().empty()) {
            co_return ended;
        }
    }
}

// Sends in pieces, waiting whenever the kernel is full; `waits` counts how often.
inline task<error_code> give(stream& to, std::string_view bytes, std::size_t piece, int& waits)
{
    while (!bytes.empty()) {
        const std::string_view part = bytes.substr(0, piece);
        bytes.remove_prefix(part.size());
        if (!to.put({part})) {
            ++waits;
            const error_code failed = co_await to.drain();
            if (failed) {
                co_return failed;
            }
        }
    }
    co_return error_code{};
}

struct sending {
    error_code outcome;
    int waits = 0;
    bool done = false;
};

inline void start_sending(loop& on, stream& to, std::string_view bytes, std::size_t piece,
                          sending& result)
{
    auto work = give(to, bytes, piece, result.waits);
    asio::co_spawn(on.io, std::move(work), [&result](std::exception_ptr, error_code outcome) {
        result.outcome = outcome;
        result.done = true;
    });
}

struct counting final : stream_observer {
    void on_input(stream& stream) override
    {
        ++calls;
        ended = stream.ended();
    }
    int calls = 0;
    bool ended = false;
};

}  // namespace sallyport::net
