#include "net/dial.hpp"

#include <gtest/gtest.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>

#include "net/error.hpp"
#include "tests/net/certificates.hpp"
#include "tests/net/loop.hpp"

namespace sallyport::net {
namespace {

using std::chrono::milliseconds;

// A listener on loopback that accepts and, given a context, shakes hands.
class server {
public:
    explicit server(loop& on, ssl_context tls = nullptr)
        : on_(on), tls_(std::move(tls)), acceptor_(on.io, {asio::ip::address_v4::loopback(), 0})
    {
        accept();
    }

    std::uint16_t port() const { return acceptor_.local_endpoint().port(); }
    std::size_t accepted() const { return streams_.size(); }

private:
    void accept()
    {
        acceptor_.async_accept([this](const error_code& error, asio::ip::tcp::socket socket) {
            if (error) {
                return;
            }
            const int descriptor = socket.release();
            streams_.push_back(on_.make(descriptor));
            if (tls_ != nullptr) {
                streams_.back()->start_tls(tls_engine::server(tls_), nullptr);
                auto shaking = streams_.back()->handshake();
                asio::co_spawn(on_.io, std::move(shaking), [](std::exception_ptr, error_code) {});
            }
            accept();
        });
    }

    loop& on_;
    ssl_context tls_;
    asio::ip::tcp::acceptor acceptor_;
    std::vector<stream::pointer> streams_;
};

struct dialing {
    explicit dialing(std::string host, std::uint16_t port)
    {
        to.host = std::move(host);
        to.port = port;
        to.private_addresses = true;
    }

    result<stream::pointer> run(loop& on, milliseconds limit = milliseconds(5000))
    {
        address_book book(on.shared);
        auto work = dial(on.shared, book, to, slot, limit);
        return on.run(std::move(work));
    }

    destination to;
    std::shared_ptr<session_slot> slot;
};

TEST(Dial, GoesToNoPrivateAddressUnlessAllowed)
{
    loop on;
    server listening(on);
    for (const std::string host : {"127.0.0.1", "localhost", "::1", "::ffff:127.0.0.1", "0.0.0.0",
                                   "169.254.169.254", "10.0.0.1", "64:ff9b::7f00:1"}) {
        dialing made(host, listening.port());
        made.to.private_addresses = false;
        const auto outcome = made.run(on);
        ASSERT_FALSE(outcome) << host;
        EXPECT_EQ(outcome.error(), errc::address_forbidden) << host;
    }
    on.run_for(milliseconds(20));
    EXPECT_EQ(listening.accepted(), 0u);
}

TEST(Dial, ConnectsInPlainText)
{
    loop on;
    server listening(on);
    const auto outcome = dialing("127.0.0.1", listening.port()).run(on);
    ASSERT_TRUE(outcome);
    EXPECT_TRUE((*outcome)->is_open());
    EXPECT_EQ((*outcome)->tls(), nullptr);
    EXPECT_TRUE(on.run_until([&] { return listening.accepted() == 1; }));
}

TEST(Dial, ResolvesNames)
{
    loop on;
    server listening(on);
    EXPECT_TRUE(dialing("localhost", listening.port()).run(on));
    const auto unknown = dialing("no-such-host.invalid", 443).run(on);
    ASSERT_FALSE(unknown);
    EXPECT_EQ(unknown.error(), errc::resolve_failed);
}

TEST(Dial, ReportsARefusedConnection)
{
    loop on;
    std::uint16_t port = 0;
    {
        server gone(on);
        port = gone.port();
    }
    const auto outcome = dialing("127.0.0.1", port).run(on);
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error(), errc::connect_failed);
}

TEST(Dial, VerifiesWhoAnswers)
{
    loop on;
    const pem_files files = test_certificates().issue("dial", "DNS:localhost,IP:127.0.0.1");
    server listening(on, *make_server_context(files.certificate, files.key, {}));
    const ssl_context trusting = *make_client_context(test_certificates().ca());
    for (const std::string host : {"localhost", "127.0.0.1"}) {
        dialing made(host, listening.port());
        made.to.tls = trusting;
        made.slot = std::make_shared<session_slot>();
        const auto outcome = made.run(on);
        ASSERT_TRUE(outcome) << host;
        EXPECT_NE((*outcome)->tls(), nullptr);
    }
}

TEST(Dial, RefusesACertificateForAnotherName)
{
    loop on;
    const pem_files files = test_certificates().issue("dial_other", "DNS:other.test");
    server listening(on, *make_server_context(files.certificate, files.key, {}));
    for (const std::string host : {"localhost", "127.0.0.1"}) {
        dialing made(host, listening.port());
        made.to.tls = *make_client_context(test_certificates().ca());
        const auto outcome = made.run(on);
        ASSERT_FALSE(outcome) << host;
        EXPECT_EQ(outcome.error(), errc::untrusted) << host;
    }
}

TEST(Dial, RefusesAPeerThatSpeaksNoTls)
{
    loop on;
    std::uint16_t port = 0;
    asio::ip::tcp::acceptor acceptor(on.io, {asio::ip::address_v4::loopback(), 0});
    port = acceptor.local_endpoint().port();
    asio::ip::tcp::socket peer(on.io);
    acceptor.async_accept(peer, [&](const error_code&) {
        asio::write(peer, asio::buffer(std::string_view("HTTP/1.1 400 Bad Request\r\n\r\n")));
    });
    dialing made("localhost", port);
    made.to.tls = *make_client_context(test_certificates().ca());
    const auto outcome = made.run(on);
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error(), errc::tls_failed);
}

TEST(Dial, GivesUpOnASilentPeer)
{
    loop on;
    server listening(on);  // Accepts, and says nothing.
    dialing made("127.0.0.1", listening.port());
    made.to.tls = *make_client_context(test_certificates().ca());
    const auto outcome = made.run(on, milliseconds(200));
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error(), errc::timed_out);
}

TEST(AddressBook, AsksNoResolverAboutAnAddress)
{
    loop on;
    address_book book(on.shared);
    const auto found = on.run(book.find("2001:db8::1"));
    ASSERT_TRUE(found);
    ASSERT_EQ(found->size(), 1u);
    EXPECT_EQ(found->front().to_string(), "2001:db8::1");
}

}  // namespace
}  // namespace sallyport::net
