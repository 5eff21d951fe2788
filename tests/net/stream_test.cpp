#include "net/stream.hpp"

#include <gtest/gtest.h>

#include "net/error.hpp"
#include "tests/net/certificates.hpp"
#include "tests/net/loop.hpp"

namespace sallyport::net {
namespace {

using std::chrono::milliseconds;

std::string pattern(std::size_t size)
{
    std::string out(size, '\0');
    for (std::size_t i = 0; i < size; ++i) {
        out[i] = static_cast<char>(i * 131 % 251);
    }
    return out;
}

// Reads until `size` bytes have come, or the end; `out` takes what was there.
task<error_code> take(stream& from, std::size_t size, std::string& out)
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
task<error_code> give(stream& to, std::string_view bytes, std::size_t piece, int& waits)
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

void start_sending(loop& on, stream& to, std::string_view bytes, std::size_t piece, sending& result)
{
    auto work = give(to, bytes, piece, result.waits);
    asio::co_spawn(on.io, std::move(work), [&result](std::exception_ptr, error_code outcome) {
        result.outcome = outcome;
        result.done = true;
    });
}

TEST(Stream, CarriesWhatSeveralPartsHold)
{
    loop on;
    auto [left, right] = on.pair();
    EXPECT_TRUE(left->put({"one ", "", "two ", "three"}));
    std::string got;
    EXPECT_FALSE(on.run(take(*right, 13, got)));
    EXPECT_EQ(got, "one two three");
}

TEST(Stream, KeepsWhatIsNotConsumed)
{
    loop on;
    auto [left, right] = on.pair();
    left->put({"hello"});
    EXPECT_FALSE(on.run(right->fill()));
    EXPECT_EQ(right->pending(), "hello");
    right->consume(2);
    EXPECT_EQ(right->pending(), "llo");
    left->put({" world"});
    EXPECT_FALSE(on.run(right->fill()));
    EXPECT_EQ(right->pending(), "llo world");
}

TEST(Stream, ReportsTheOrderlyEndOnceAllWasRead)
{
    loop on;
    auto [left, right] = on.pair();
    left->put({"bye"});
    left->shut_down_output();
    std::string got;
    EXPECT_FALSE(on.run(take(*right, 3, got)));
    EXPECT_EQ(on.run(right->fill()), errc::closed);
    EXPECT_TRUE(right->ended());
    EXPECT_EQ(right->end_reason(), errc::closed);
    EXPECT_EQ(on.run(right->fill()), errc::closed) << "and again when asked again";
    right->put({"still open this way"});
    std::string back;
    EXPECT_FALSE(on.run(take(*left, 19, back)));
    EXPECT_EQ(back, "still open this way");
}

TEST(Stream, CarriesMegabytesAgainstBackPressure)
{
    loop on;
    auto [left, right] = on.pair();
    const std::string sent = pattern(5 << 20);
    sending result;
    start_sending(on, *left, sent, 60'000, result);
    on.run_for(milliseconds(50));
    EXPECT_FALSE(result.done) << "nobody reads: the sender must wait";
    EXPECT_GT(result.waits, 0);
    std::string got;
    EXPECT_FALSE(on.run(take(*right, sent.size(), got)));
    EXPECT_EQ(got, sent);
    EXPECT_TRUE(on.run_until([&] { return result.done; }));
    EXPECT_FALSE(result.outcome);
}

TEST(Stream, NeverHoldsMoreThanItsLargeBuffer)
{
    loop on;
    auto [left, right] = on.pair();
    const std::string sent = pattern(1 << 20);
    sending result;
    start_sending(on, *left, sent, 100'000, result);
    error_code full;
    while (!full) {
        full = on.run(right->fill());
    }
    EXPECT_EQ(full, errc::no_room);
    EXPECT_LE(right->pending().size(), buffer::large_size);
    EXPECT_GT(right->pending().size(), buffer::small_size) << "it grows before it refuses";
    EXPECT_EQ(right->pending(), std::string_view(sent).substr(0, right->pending().size()));
    right->consume(right->pending().size());
    EXPECT_FALSE(on.run(right->fill())) << "and goes on once there is room";
    left->close();
    EXPECT_TRUE(on.run_until([&] { return result.done; }));
}

TEST(Stream, ShrinksAfterABulkTransfer)
{
    loop on;
    auto [left, right] = on.pair();
    const std::string sent = pattern(300'000);
    sending result;
    start_sending(on, *left, sent, sent.size(), result);
    std::string got;
    EXPECT_FALSE(on.run(take(*right, sent.size(), got)));
    right->shrink();
    left->put({"next"});
    got.clear();
    EXPECT_FALSE(on.run(take(*right, 4, got)));
    EXPECT_EQ(got, "next");
    EXPECT_TRUE(on.run_until([&] { return result.done; }));
}

TEST(Stream, EndsAtItsDeadline)
{
    loop on;
    auto [left, right] = on.pair();
    right->expires_after(milliseconds(150));
    EXPECT_EQ(on.run(right->fill()), errc::timed_out);
    EXPECT_TRUE(right->timed_out());
    EXPECT_FALSE(right->is_open());
    EXPECT_EQ(on.run(left->fill()), errc::closed) << "the peer sees it";
}

TEST(Stream, WakesAtASoftDeadlineAndStaysOpen)
{
    loop on;
    auto [left, right] = on.pair();
    right->expires_after(milliseconds(150), true);
    EXPECT_FALSE(on.run(right->fill()));
    EXPECT_TRUE(right->pending().empty());
    EXPECT_TRUE(right->timed_out());
    EXPECT_TRUE(right->is_open());
    right->expires_after({});
    EXPECT_FALSE(right->timed_out());
    left->put({"late"});
    EXPECT_FALSE(on.run(right->fill()));
    EXPECT_EQ(right->pending(), "late");
}

TEST(Stream, EndsABlockedWriteAtItsDeadline)
{
    loop on;
    auto [left, right] = on.pair();
    const std::string sent = pattern(4 << 20);
    left->expires_after(milliseconds(150));
    int waits = 0;
    EXPECT_EQ(on.run(give(*left, sent, 100'000, waits)), errc::timed_out);
}

TEST(Stream, CanBeInterrupted)
{
    loop on;
    auto [left, right] = on.pair();
    asio::steady_timer later(on.io, milliseconds(20));
    later.async_wait([stream = right.get()](const error_code&) { stream->interrupt(); });
    EXPECT_FALSE(on.run(right->fill()));
    EXPECT_TRUE(right->pending().empty());
    EXPECT_TRUE(right->is_open());
}

TEST(Stream, WakesAReaderWhenItIsClosed)
{
    loop on;
    auto [left, right] = on.pair();
    asio::steady_timer later(on.io, milliseconds(20));
    later.async_wait([stream = right.get()](const error_code&) { stream->close(errc::timed_out); });
    EXPECT_EQ(on.run(right->fill()), errc::timed_out);
    EXPECT_FALSE(right->put({"into the void"}));
    EXPECT_TRUE(on.run(right->drain()));
}

TEST(Stream, ReportsAPeerThatIsGone)
{
    loop on;
    auto [left, right] = on.pair();
    left->close();
    int waits = 0;
    EXPECT_TRUE(on.run(give(*right, pattern(1 << 20), 10'000, waits)));
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

TEST(Stream, TellsItsObserverOfInputNobodyWaitsFor)
{
    loop on;
    auto [left, right] = on.pair();
    counting observer;
    right->observe(&observer);
    right->watch();
    on.run_for(milliseconds(20));
    EXPECT_EQ(observer.calls, 0);
    left->put({"x"});
    EXPECT_TRUE(on.run_until([&] { return observer.calls == 1; }));
    EXPECT_FALSE(observer.ended);
    EXPECT_EQ(right->pending(), "x");
    right->consume(1);
    right->watch();
    left->close();
    EXPECT_TRUE(on.run_until([&] { return observer.calls == 2; }));
    EXPECT_TRUE(observer.ended);
}

// --- TLS -----------------------------------------------------------------------------------------

struct tls_pair {
    explicit tls_pair(loop& on, const std::string& host = "api.test",
                      std::shared_ptr<session_slot> slot = nullptr)
    {
        static const pem_files files = test_certificates().issue("stream", "DNS:api.test");
        static const ssl_context serving = *make_server_context(files.certificate, files.key, {});
        static const ssl_context trusting = *make_client_context(test_certificates().ca());
        std::tie(client, server) = on.pair();
        client->start_tls(tls_engine::client(trusting, host, slot.get()), slot);
        server->start_tls(tls_engine::server(serving), nullptr);
        auto shaking = server->handshake();
        asio::co_spawn(on.io, std::move(shaking), [this](std::exception_ptr, error_code outcome) {
            server_outcome = outcome;
            server_done = true;
        });
        client_outcome = on.run(client->handshake());
        if (client_outcome) {
            client->close();
        }
        EXPECT_TRUE(on.run_until([this] { return server_done; }));
    }

    stream::pointer client, server;
    error_code client_outcome, server_outcome;
    bool server_done = false;
};

TEST(TlsStream, ShakesHandsAndTalks)
{
    loop on;
    tls_pair made(on);
    ASSERT_FALSE(made.client_outcome);
    ASSERT_FALSE(made.server_outcome);
    made.client->put({"GET ", "/"});
    std::string got;
    EXPECT_FALSE(on.run(take(*made.server, 5, got)));
    EXPECT_EQ(got, "GET /");
    made.server->put({"200"});
    got.clear();
    EXPECT_FALSE(on.run(take(*made.client, 3, got)));
    EXPECT_EQ(got, "200");
}

TEST(TlsStream, RefusesAnotherName)
{
    loop on;
    tls_pair made(on, "other.test");
    EXPECT_EQ(made.client_outcome, errc::tls_failed);
    EXPECT_TRUE(made.server_outcome);
}

TEST(TlsStream, CarriesMegabytesBothWaysAtOnce)
{
    loop on;
    tls_pair made(on);
    const std::string sent = pattern(4 << 20);
    sending up, down;
    start_sending(on, *made.client, sent, 50'000, up);
    start_sending(on, *made.server, sent, 3'000, down);
    std::string at_server, at_client;
    bool server_took = false;
    auto taking = take(*made.server, sent.size(), at_server);
    asio::co_spawn(on.io, std::move(taking),
                   [&](std::exception_ptr, error_code) { server_took = true; });
    EXPECT_FALSE(on.run(take(*made.client, sent.size(), at_client)));
    EXPECT_TRUE(on.run_until([&] { return server_took && up.done && down.done; }));
    EXPECT_TRUE(at_server == sent);
    EXPECT_TRUE(at_client == sent);
    EXPECT_FALSE(up.outcome);
    EXPECT_FALSE(down.outcome);
}

TEST(TlsStream, TellsAnEndFromACut)
{
    loop on;
    tls_pair orderly(on);
    orderly.client->put({"bye"});
    orderly.client->shut_down_output();
    std::string got;
    EXPECT_FALSE(on.run(take(*orderly.server, 3, got)));
    EXPECT_EQ(on.run(orderly.server->fill()), errc::closed);

    tls_pair cut(on);
    cut.client->watch();  // Takes the session tickets: unread, they would make a reset of the end.
    on.run_for(milliseconds(20));
    cut.client->close();
    EXPECT_EQ(on.run(cut.server->fill()), errc::truncated);
}

TEST(TlsStream, NeverHoldsMoreThanItsLargeBuffer)
{
    loop on;
    tls_pair made(on);
    const std::string sent = pattern(1 << 20);
    sending result;
    start_sending(on, *made.client, sent, 50'000, result);
    error_code full;
    while (!full) {
        full = on.run(made.server->fill());
    }
    EXPECT_EQ(full, errc::no_room);
    EXPECT_LE(made.server->pending().size(), buffer::large_size);
    std::string got(made.server->pending());
    made.server->consume(got.size());
    EXPECT_FALSE(on.run(take(*made.server, sent.size(), got)));
    EXPECT_TRUE(got == sent) << "nothing was lost by refusing";
    EXPECT_TRUE(on.run_until([&] { return result.done; }));
}

TEST(TlsStream, SaysNothingAboutASessionTicket)
{
    loop on;
    const auto slot = std::make_shared<session_slot>();
    tls_pair made(on, "api.test", slot);
    counting observer;
    made.client->observe(&observer);
    made.client->watch();
    on.run_for(milliseconds(50));
    EXPECT_EQ(observer.calls, 0);
    EXPECT_NE(slot->session, nullptr);

    tls_pair again(on, "api.test", slot);
    EXPECT_TRUE(again.client->tls()->resumed());
}

TEST(TlsStream, GivesUpAHandshakeAtItsDeadline)
{
    loop on;
    auto [client, silent] = on.pair();
    const ssl_context trusting = *make_client_context(test_certificates().ca());
    client->start_tls(tls_engine::client(trusting, "api.test", nullptr), nullptr);
    client->expires_after(milliseconds(150));
    EXPECT_EQ(on.run(client->handshake()), errc::timed_out);
}

TEST(TlsStream, FailsAHandshakeThePeerLeaves)
{
    loop on;
    auto [client, other] = on.pair();
    const ssl_context trusting = *make_client_context(test_certificates().ca());
    client->start_tls(tls_engine::client(trusting, "api.test", nullptr), nullptr);
    other->close();
    EXPECT_TRUE(on.run(client->handshake()));
}

}  // namespace
}  // namespace sallyport::net
