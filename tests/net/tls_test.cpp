#include "net/tls.hpp"

#include <gtest/gtest.h>

#include "net/error.hpp"
#include "tests/net/certificates.hpp"

namespace sallyport::net {
namespace {

using status = tls_engine::status;

ssl_context trusting(const std::string& ca)
{
    auto made = make_client_context(ca);
    EXPECT_TRUE(made);
    return *made;
}

ssl_context serving(const std::string& names, const std::string& client_ca = {}, long days = 1)
{
    static int count = 0;
    const pem_files files =
        test_certificates().issue("server" + std::to_string(++count), names, days);
    auto made = make_server_context(files.certificate, files.key, client_ca);
    EXPECT_TRUE(made);
    return *made;
}

// Two engines and the bytes between them.
struct wire {
    wire(const ssl_context& client_side, const std::string& host, const ssl_context& server_side,
         session_slot* slot = nullptr)
        : client(tls_engine::client(client_side, host, slot)),
          server(tls_engine::server(server_side))
    {
    }

    // Both handshakes, as far as they go.
    void shake()
    {
        for (int turns = 0; turns < 10; ++turns) {
            step(*client, to_client, to_server, client_status);
            step(*server, to_server, to_client, server_status);
            if (client_status != status::want_input && server_status != status::want_input) {
                break;
            }
        }
    }

    static void step(tls_engine& engine, std::string& from, std::string& to, status& outcome)
    {
        if (outcome != status::want_input) {
            return;
        }
        std::string_view input = from;
        outcome = engine.handshake(input, to);
        from.erase(0, from.size() - input.size());
    }

    bool done() const { return client_status == status::done && server_status == status::done; }

    std::unique_ptr<tls_engine> client, server;
    std::string to_client, to_server;
    status client_status = status::want_input, server_status = status::want_input;
};

// Everything in `from`, decrypted in rooms of `room` bytes.
std::string decrypt(tls_engine& engine, std::string_view from, status& outcome, std::size_t room)
{
    std::string out, answer;
    std::string buffer(room, '\0');
    std::size_t bytes = 0;
    do {
        outcome = engine.read(from, answer, buffer, bytes);
        out.append(buffer, 0, bytes);
    } while (outcome == status::done);
    EXPECT_TRUE(from.empty() || outcome == status::failed || outcome == status::ended);
    return out;
}

TEST(Tls, ShakesHandsAndCarriesBytesBothWays)
{
    wire made(trusting(test_certificates().ca()), "api.test", serving("DNS:api.test"));
    made.shake();
    ASSERT_TRUE(made.done());
    EXPECT_FALSE(made.client->resumed());
    EXPECT_EQ(made.client->peer_certificate_sha256().size(), 32u);
    EXPECT_TRUE(made.server->peer_certificate_sha256().empty());

    status outcome{};
    made.to_server.clear();
    ASSERT_TRUE(made.client->write("ping", made.to_server));
    EXPECT_EQ(made.to_server.find("ping"), std::string::npos);
    EXPECT_EQ(decrypt(*made.server, made.to_server, outcome, 100), "ping");
    EXPECT_EQ(outcome, status::want_input);
    ASSERT_TRUE(made.server->write("pong", made.to_client));
    EXPECT_EQ(decrypt(*made.client, made.to_client, outcome, 100), "pong");
}

TEST(Tls, CarriesALargeTransferThroughAnyRoom)
{
    wire made(trusting(test_certificates().ca()), "api.test", serving("DNS:api.test"));
    made.shake();
    ASSERT_TRUE(made.done());
    std::string large;
    for (std::size_t i = 0; i < 300'000; ++i) {
        large += static_cast<char>(i * 31 % 251);
    }
    for (const std::size_t room : {1000u, 4096u, 70'000u}) {
        std::string sent;
        ASSERT_TRUE(made.client->write(large, sent));
        status outcome{};
        EXPECT_EQ(decrypt(*made.server, sent, outcome, room), large);
        EXPECT_EQ(outcome, status::want_input);
    }
}

TEST(Tls, KnowsTheHostByNameOrAddress)
{
    const ssl_context server = serving("DNS:api.test,DNS:*.wild.test,IP:127.0.0.1,IP:::1");
    const ssl_context client = trusting(test_certificates().ca());
    for (const std::string host : {"api.test", "a.wild.test", "127.0.0.1", "::1"}) {
        wire made(client, host, server);
        made.shake();
        EXPECT_TRUE(made.done()) << host;
    }
    for (const std::string host : {"other.test", "api.test.evil.test", "wild.test", "a.b.wild.test",
                                   "127.0.0.2", "::2", "xapi.test"}) {
        wire made(client, host, server);
        made.shake();
        EXPECT_EQ(made.client_status, status::failed) << host;
    }
}

TEST(Tls, BelievesOnlyItsOwnAuthority)
{
    certificates other;
    const pem_files files = other.issue("server", "DNS:api.test");
    const auto server = make_server_context(files.certificate, files.key, {});
    ASSERT_TRUE(server);
    wire foreign(trusting(test_certificates().ca()), "api.test", *server);
    foreign.shake();
    EXPECT_EQ(foreign.client_status, status::failed);
    wire system_roots(trusting({}), "api.test", *server);
    system_roots.shake();
    EXPECT_EQ(system_roots.client_status, status::failed);
}

TEST(Tls, RefusesACertificateWhoseTimeIsOver)
{
    wire made(trusting(test_certificates().ca()), "api.test", serving("DNS:api.test", {}, 0));
    made.shake();
    EXPECT_EQ(made.client_status, status::failed);
}

TEST(Tls, RefusesOldVersions)
{
    const ssl_context old = serving("DNS:api.test");
    SSL_CTX_set_min_proto_version(old.get(), TLS1_VERSION);
    SSL_CTX_set_max_proto_version(old.get(), TLS1_1_VERSION);
    wire made(trusting(test_certificates().ca()), "api.test", old);
    made.shake();
    EXPECT_FALSE(made.done());
}

TEST(Tls, RefusesWhatIsNotTls)
{
    for (const std::string bytes : {"HTTP/1.1 400 Bad Request\r\n\r\n", "GET / HTTP/1.1\r\n\r\n"}) {
        const auto client =
            tls_engine::client(trusting(test_certificates().ca()), "api.test", nullptr);
        std::string out;
        std::string_view input;
        EXPECT_EQ(client->handshake(input, out), status::want_input);
        input = bytes;
        EXPECT_EQ(client->handshake(input, out), status::failed);
        const auto server = tls_engine::server(serving("DNS:api.test"));
        input = bytes;
        EXPECT_EQ(server->handshake(input, out), status::failed);
    }
}

TEST(Tls, TellsAnEndFromATamperedRecord)
{
    wire made(trusting(test_certificates().ca()), "api.test", serving("DNS:api.test"));
    made.shake();
    ASSERT_TRUE(made.done());
    std::string sent;
    ASSERT_TRUE(made.client->write("last words", sent));
    made.client->shut_down(sent);
    status outcome{};
    EXPECT_EQ(decrypt(*made.server, sent, outcome, 100), "last words");
    EXPECT_EQ(outcome, status::ended);

    std::string answer;
    ASSERT_TRUE(made.server->write("half", answer));
    answer.back() = static_cast<char>(answer.back() ^ 1);
    made.to_client.clear();
    EXPECT_EQ(decrypt(*made.client, answer, outcome, 100), "");
    EXPECT_NE(outcome, status::ended);
}

TEST(Tls, ResumesTheSessionLeftInItsSlot)
{
    const ssl_context client = trusting(test_certificates().ca());
    const ssl_context server = serving("DNS:api.test");
    session_slot slot;
    for (const bool resumed : {false, true, true}) {
        wire made(client, "api.test", server, &slot);
        made.shake();
        ASSERT_TRUE(made.done());
        EXPECT_EQ(made.client->resumed(), resumed);
        EXPECT_EQ(made.server->resumed(), resumed);
        status outcome{};  // Tickets come behind the handshake.
        decrypt(*made.client, made.to_client, outcome, 100);
        EXPECT_NE(slot.session, nullptr);
    }
    wire elsewhere(client, "api.test", server, nullptr);
    elsewhere.shake();
    EXPECT_FALSE(elsewhere.client->resumed()) << "without the slot there is nothing to resume";
}

TEST(Tls, AsksCallersForACertificateWhereTold)
{
    const ssl_context server = serving("DNS:gate.test", test_certificates().ca());
    const ssl_context client = trusting(test_certificates().ca());
    wire without(client, "gate.test", server);
    without.shake();
    EXPECT_EQ(without.server_status, status::failed);

    const pem_files own = test_certificates().issue("caller", "DNS:caller.test");
    const ssl_context with = trusting(test_certificates().ca());
    ASSERT_EQ(SSL_CTX_use_certificate_chain_file(with.get(), own.certificate.c_str()), 1);
    ASSERT_EQ(SSL_CTX_use_PrivateKey_file(with.get(), own.key.c_str(), SSL_FILETYPE_PEM), 1);
    wire made(with, "gate.test", server);
    made.shake();
    ASSERT_TRUE(made.done());
    EXPECT_EQ(made.server->peer_certificate_sha256().size(), 32u);
    EXPECT_NE(made.server->peer_certificate_sha256(), made.client->peer_certificate_sha256());
}

TEST(Tls, NamesMaterialThatCannotBeUsed)
{
    const pem_files good = test_certificates().issue("good", "DNS:a.test");
    const pem_files other = test_certificates().issue("other", "DNS:a.test");
    EXPECT_EQ(make_client_context("/nonexistent.pem").error(), errc::bad_tls_material);
    EXPECT_EQ(make_client_context(good.key).error(), errc::bad_tls_material);
    EXPECT_EQ(make_server_context(good.certificate, other.key, {}).error(), errc::bad_tls_material);
    EXPECT_EQ(make_server_context("/nonexistent.pem", good.key, {}).error(),
              errc::bad_tls_material);
    EXPECT_EQ(make_server_context(good.certificate, good.key, "/nonexistent.pem").error(),
              errc::bad_tls_material);
    EXPECT_TRUE(make_server_context(good.certificate, good.key, {}));
}

TEST(NetError, HasASentenceForEachValueAndNoAddress)
{
    for (int value = 1; value <= static_cast<int>(errc::bad_tls_material); ++value) {
        const std::string text = error_code(static_cast<errc>(value)).message();
        EXPECT_NE(text, "unknown network error") << value;
        EXPECT_EQ(text.find(':'), std::string::npos);
    }
    EXPECT_STREQ(category().name(), "sallyport.net");
    EXPECT_EQ(category().message(99), "unknown network error");
}

}  // namespace
}  // namespace sallyport::net
