// Redis over TLS: what is trusted, what is not, and what is said of it.
#include <gtest/gtest.h>

#include "tests/net/certificates.hpp"
#include "tests/vault/redis_server.hpp"
#include "vault/error.hpp"
#include "vault/open_store.hpp"

namespace sallyport::vault {
namespace {

namespace asio = boost::asio;

std::vector<std::string> tls_options(const net::pem_files& own, const char* clients = "no")
{
    return {"--appendonly",       "yes",   "--tls-cert-file",    own.certificate,
            "--tls-key-file",     own.key, "--tls-ca-cert-file", net::test_certificates().ca(),
            "--tls-auth-clients", clients};
}

class RedisTls : public testing::Test {
protected:
    RedisTls() { trusting_.ca = net::test_certificates().ca(); }

    net::pem_files issue(const char* names, long days = 1)
    {
        return net::test_certificates().issue("redis", names, days);
    }

    // What the store says when it is asked; "" if it answers.
    std::string asked(const redis_server& server, const redis_settings& settings,
                      const std::string& scheme = "rediss://127.0.0.1:")
    {
        asio::io_context context;
        const auto opened = open_store(context, scheme + std::to_string(server.port()), settings);
        const auto found = run(context, opened->load("x"));
        EXPECT_EQ(found.error(), opened->trouble().empty() ? errc::not_found : errc::unavailable);
        return opened->trouble();
    }

    redis_settings trusting_;
};

TEST_F(RedisTls, ServesAStoreOverAVerifiedConnection)
{
    const redis_server server(tls_options(issue("DNS:localhost,IP:127.0.0.1")),
                              redis_server::kind::tls);
    EXPECT_EQ(asked(server, trusting_), "");
    EXPECT_EQ(asked(server, trusting_, "rediss://localhost:"), "");
    asio::io_context context;
    const auto opened =
        open_store(context, "rediss://127.0.0.1:" + std::to_string(server.port()), trusting_);
    connection large = example_connection();
    large.account = std::string(200'000, 'x');
    ASSERT_TRUE(run(context, opened->insert({large, "sealed"})));
    EXPECT_EQ(run(context, opened->load(large.id))->record.account, large.account);
}

TEST_F(RedisTls, RefusesAnUnknownAuthorityAnotherNameAndAnExpiredCertificate)
{
    const redis_server other(tls_options(issue("DNS:elsewhere.test")), redis_server::kind::tls);
    EXPECT_NE(asked(other, {}).find("authority that is not trusted"), std::string::npos);
    EXPECT_NE(asked(other, trusting_).find("for another name"), std::string::npos);
    EXPECT_NE(asked(other, trusting_, "rediss://localhost:").find("for another name"),
              std::string::npos);
    const redis_server expired(tls_options(issue("IP:127.0.0.1", 0)), redis_server::kind::tls);
    EXPECT_NE(asked(expired, trusting_).find("has expired"), std::string::npos);
}

TEST_F(RedisTls, ShowsItsCertificateToAServerThatWantsOne)
{
    const redis_server server(tls_options(issue("IP:127.0.0.1"), "yes"), redis_server::kind::tls);
    EXPECT_NE(asked(server, trusting_).find("may want a client certificate"), std::string::npos);
    const net::pem_files own = net::test_certificates().issue("gate", "DNS:gate");
    redis_settings shown = trusting_;
    shown.certificate = own.certificate;
    shown.key = own.key;
    EXPECT_EQ(asked(server, shown), "");
}

TEST_F(RedisTls, SaysWhenTheOtherSideSpeaksPlainTextOrTlsUnexpectedly)
{
    const redis_server plain;
    EXPECT_NE(asked(plain, trusting_).find("vault.store must say redis://"), std::string::npos);
    const redis_server tls(tls_options(issue("IP:127.0.0.1")), redis_server::kind::tls);
    EXPECT_NE(asked(tls, {}, "redis://127.0.0.1:").find("must say rediss://"), std::string::npos);
}

TEST_F(RedisTls, RefusesFilesThatAreNoCertificatesOrDoNotBelongTogether)
{
    const temporary_directory directory;
    const net::pem_files one = net::test_certificates().issue("one", "DNS:one");
    const net::pem_files two = net::test_certificates().issue("two", "DNS:two");
    const std::string none = write_file(directory.file("none.pem"), "nothing");
    asio::io_context context;
    for (const redis_settings& bad :
         {redis_settings{none, "", "", false}, redis_settings{"", one.certificate, "", false},
          redis_settings{"", one.certificate, two.key, false}}) {
        try {
            (void)open_store(context, "rediss://127.0.0.1", bad);
            ADD_FAILURE();
        } catch (const boost::system::system_error& error) {
            EXPECT_EQ(error.code(), errc::misconfigured);
        }
    }
}

}  // namespace
}  // namespace sallyport::vault
