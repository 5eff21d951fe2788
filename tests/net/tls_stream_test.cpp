#include <gtest/gtest.h>

#include <tuple>

#include "net/error.hpp"
#include "net/stream.hpp"
#include "tests/net/certificates.hpp"
#include "tests/net/traffic.hpp"

namespace sallyport::net {
namespace {

using std::chrono::milliseconds;

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
