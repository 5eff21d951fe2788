#include "proxy/relay.hpp"

#include <gtest/gtest.h>

namespace sallyport::proxy {
namespace {

using state = chunk_reader::state;

struct outcome {
    state end = state::more;
    std::string payload;
    std::size_t used = 0;
};

// Feeds `bytes` in pieces of `step`; what was not used is offered again, as a stream does.
outcome read_chunks(std::string_view bytes, std::size_t step)
{
    chunk_reader reader;
    outcome out;
    std::size_t there = std::min(step, bytes.size());
    while (out.end == state::more && out.used < bytes.size()) {
        std::size_t used = 0;
        std::string_view data;
        out.end = reader.read(bytes.substr(out.used, there - out.used), used, data);
        out.payload += data;
        out.used += used;
        if (out.used == there) {
            there = std::min(there + step, bytes.size());
        }
    }
    return out;
}

TEST(Chunks, GiveTheSamePayloadHoweverTheyArrive)
{
    const std::string bytes =
        "5\r\nhello\r\n1;ext=\"a b\"\r\n,\r\nA;x\r\n0123456789\r\n006\r\n\r\n\r\n\r\n\r\n0;last\r\n"
        "Trailer: dropped\r\nAuthorization: dropped\r\n\r\n";
    const std::string payload = "hello,0123456789\r\n\r\n\r\n";
    for (std::size_t step = 1; step <= bytes.size(); ++step) {
        const outcome out = read_chunks(bytes + "GET /next", step);
        ASSERT_EQ(out.end, state::done) << step;
        ASSERT_EQ(out.payload, payload) << step;
        ASSERT_EQ(out.used, bytes.size()) << step;
    }
}

TEST(Chunks, GiveTheSamePayloadSplitAtAnyByte)
{
    const std::string bytes = "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
    for (std::size_t at = 0; at <= bytes.size(); ++at) {
        chunk_reader reader;
        std::string payload;
        state end = state::more;
        for (std::string_view part :
             {std::string_view(bytes).substr(0, at), std::string_view(bytes).substr(at)}) {
            while (!part.empty() && end == state::more) {
                std::size_t used = 0;
                std::string_view data;
                end = reader.read(part, used, data);
                payload += data;
                part.remove_prefix(used);
            }
        }
        ASSERT_EQ(end, state::done) << at;
        ASSERT_EQ(payload, "abcde") << at;
    }
}

TEST(Chunks, AreRefusedWhereTwoReadersWouldDisagree)
{
    using namespace std::string_literals;
    const std::string corpus[] = {
        "\r\nhello\r\n0\r\n\r\n",  // no size
        ";ext\r\n\r\n",
        "+5\r\nhello\r\n0\r\n\r\n",
        "-5\r\nhello\r\n0\r\n\r\n",
        "0x5\r\nhello\r\n0\r\n\r\n",
        "5_0\r\nhello\r\n0\r\n\r\n",
        " 5\r\nhello\r\n0\r\n\r\n",
        "5 \r\nhello\r\n0\r\n\r\n",
        "5\t\r\nhello\r\n0\r\n\r\n",
        "5 ;x\r\nhello\r\n0\r\n\r\n",
        "g\r\nhello\r\n0\r\n\r\n",
        "5.0\r\nhello\r\n0\r\n\r\n",
        "10000000000000003\r\nhey\r\n0\r\n\r\n",  // 2^64 + 3
        "ffffffffffffffff\r\nhey\r\n0\r\n\r\n",
        "0000000000000005\r\nhello\r\n0\r\n\r\n",
        "5\nhello\r\n0\r\n\r\n",  // bare LF
        "5\rhello\r\n0\r\n\r\n",  // bare CR
        "5\r\r\nhello\r\n0\r\n\r\n",
        "5;a\nb\r\nhello\r\n0\r\n\r\n",
        "5;a\0b\r\nhello\r\n0\r\n\r\n"s,
        "5;a\x7f\r\nhello\r\n0\r\n\r\n",
        "5\r\nhello0\r\n\r\n",  // no CRLF behind the data
        "5\r\nhello\n0\r\n\r\n",
        "5\r\nhello\r0\r\n\r\n",
        "5\r\nhelloXX0\r\n\r\n",
        "3\r\nhello\r\n0\r\n\r\n",  // data longer than its size
        "0\r\n\n",
        "0\r\nTrailer: a\nb\r\n\r\n",
        "0\r\nTrailer: a\r\r\n\r\n",
        "0\r\nTrailer: a\0\r\n\r\n"s,
        "0\r\n\rX",
        "0\n\r\n",
    };
    for (const std::string& bytes : corpus) {
        for (const std::size_t step : {std::size_t{1}, std::size_t{3}, bytes.size()}) {
            EXPECT_EQ(read_chunks(bytes, step).end, state::malformed) << bytes << " by " << step;
        }
    }
}

TEST(Chunks, LimitTheirExtensionsOverTheWholeMessage)
{
    const auto with_extensions = [](std::size_t chunks, std::size_t size) {
        std::string bytes;
        for (std::size_t i = 0; i < chunks; ++i) {
            bytes += "1;" + std::string(size - 1, 'x') + "\r\na\r\n";
        }
        return bytes + "0\r\n\r\n";
    };
    constexpr std::size_t max = chunk_reader::extensions_max;
    EXPECT_EQ(read_chunks(with_extensions(1, max), 1000).end, state::done);
    EXPECT_EQ(read_chunks(with_extensions(1, max + 1), 1000).end, state::malformed);
    EXPECT_EQ(read_chunks(with_extensions(64, max / 64), 1000).end, state::done);
    EXPECT_EQ(read_chunks(with_extensions(65, max / 64), 1000).end, state::malformed);
}

TEST(Chunks, LimitTheirTrailers)
{
    const auto with_trailers = [](std::size_t size) {
        return "0\r\n" + std::string(size, 'x') + "\r\n\r\n";
    };
    EXPECT_EQ(read_chunks(with_trailers(chunk_reader::trailers_max), 999).end, state::done);
    EXPECT_EQ(read_chunks(with_trailers(chunk_reader::trailers_max + 1), 999).end,
              state::malformed);
}

TEST(Chunks, EndWithoutTakingWhatComesNext)
{
    const outcome out = read_chunks("0\r\n\r\nHTTP/1.1 200 OK\r\n", 1000);
    EXPECT_EQ(out.end, state::done);
    EXPECT_EQ(out.used, 5u);
}

TEST(ChunkHead, IsTheSizeInHexadecimal)
{
    std::string out = "before ";
    append_chunk_head(out, 255);
    append_chunk_head(out, std::size_t{1} << 40);
    EXPECT_EQ(out, "before ff\r\n10000000000\r\n");
}

// The whole way of a body: fed in pieces of `step`, and how it went out.
struct relayed {
    std::string out;
    state end = state::more;
    std::size_t used = 0;
    std::uint64_t bytes = 0;
};

relayed relay(framing body, bool chunk, std::string_view input, std::size_t step)
{
    body_reader reader(body, chunk);
    relayed made;
    std::size_t there = std::min(step, input.size());
    for (;;) {
        const body_piece piece = reader.next(input.substr(made.used, there - made.used));
        made.out.append(piece.head).append(piece.data).append(piece.tail);
        made.used += piece.used;
        made.end = piece.state;
        if (made.end != state::more || (there == input.size() && made.used == there)) {
            break;
        }
        there = std::min(there + step, input.size());
    }
    if (made.end == state::more && body.kind == body_kind::until_close) {
        made.out += reader.finish();
    }
    made.bytes = reader.bytes();
    EXPECT_EQ(reader.done(), made.end == state::done);
    return made;
}

TEST(BodyReader, IsDoneAtOnceWithoutABody)
{
    for (const bool chunk : {false, true}) {
        const relayed made = relay({body_kind::none, 0}, chunk, "GET /next", 100);
        EXPECT_EQ(made.end, state::done);
        EXPECT_EQ(made.used, 0u);
    }
}

TEST(BodyReader, TakesExactlyTheLength)
{
    for (std::size_t step = 1; step < 20; ++step) {
        const relayed made = relay({body_kind::length, 10}, false, "0123456789GET /next", step);
        EXPECT_EQ(made.end, state::done) << step;
        EXPECT_EQ(made.out, "0123456789");
        EXPECT_EQ(made.used, 10u);
        EXPECT_EQ(made.bytes, 10u);
    }
}

TEST(BodyReader, IsNotDoneBeforeTheLengthIsThere)
{
    const relayed made = relay({body_kind::length, 10}, false, "012345678", 4);
    EXPECT_EQ(made.end, state::more);
    EXPECT_EQ(made.bytes, 9u);
}

TEST(BodyReader, RunsUntilTheConnectionCloses)
{
    const relayed raw = relay({body_kind::until_close, 0}, false, "some bytes", 3);
    EXPECT_EQ(raw.end, state::more);
    EXPECT_EQ(raw.out, "some bytes");
    EXPECT_EQ(raw.bytes, 10u);
    for (std::size_t step = 1; step < 12; ++step) {
        const relayed chunked = relay({body_kind::until_close, 0}, true, "some bytes", step);
        const outcome read_back = read_chunks(chunked.out, 5);
        EXPECT_EQ(read_back.end, state::done) << chunked.out;
        EXPECT_EQ(read_back.payload, "some bytes");
    }
}

TEST(BodyReader, WritesChunksAnew)
{
    const std::string input =
        "5;x\r\nhello\r\n1\r\n,\r\n006\r\n world\r\n0;y\r\nTrailer: x\r\n\r\n";
    for (std::size_t step = 1; step <= input.size(); ++step) {
        const relayed made = relay({body_kind::chunked, 0}, true, input + "GET /next", step);
        ASSERT_EQ(made.end, state::done) << step;
        ASSERT_EQ(made.used, input.size()) << step;
        ASSERT_EQ(made.bytes, 12u) << step;
        ASSERT_EQ(made.out.find("Trailer"), std::string::npos);
        ASSERT_EQ(made.out.find(';'), std::string::npos);
        const outcome read_back = read_chunks(made.out, 7);
        ASSERT_EQ(read_back.end, state::done) << made.out;
        ASSERT_EQ(read_back.payload, "hello, world");
        ASSERT_EQ(read_back.used, made.out.size());
    }
}

TEST(BodyReader, UnwrapsChunksForACallerThatKnowsNone)
{
    const std::string input = "5\r\nhello\r\n7\r\n, world\r\n0\r\n\r\n";
    for (std::size_t step = 1; step <= input.size(); ++step) {
        const relayed made = relay({body_kind::chunked, 0}, false, input, step);
        ASSERT_EQ(made.end, state::done) << step;
        ASSERT_EQ(made.out, "hello, world") << step;
    }
}

TEST(BodyReader, SendsSeveralChunksThatAreThereAsOne)
{
    const relayed made =
        relay({body_kind::chunked, 0}, true, "1\r\na\r\n1\r\nb\r\n1\r\nc\r\n0\r\n\r\n", 1000);
    EXPECT_EQ(made.out, "3\r\nabc\r\n0\r\n\r\n");
}

TEST(BodyReader, EndsAMalformedBodyWithoutALastChunk)
{
    for (const std::size_t step : {1u, 4u, 100u}) {
        const relayed made =
            relay({body_kind::chunked, 0}, true, "5\r\nhello\r\nnonsense\r\n", step);
        EXPECT_EQ(made.end, state::malformed);
        EXPECT_EQ(made.out.find("0\r\n\r\n"), std::string::npos) << made.out;
    }
}

}  // namespace
}  // namespace sallyport::proxy
