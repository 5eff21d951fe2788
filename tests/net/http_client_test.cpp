#include "net/http_client.hpp"

#include <gmock/gmock.h>

#include <boost/asio/co_spawn.hpp>

#include "net/error.hpp"
#include "tests/net/certificates.hpp"
#include "tests/net/scripted_server.hpp"

namespace sallyport::net {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;

constexpr milliseconds enough{20'000};

result<http_answer> ask(http_request request, milliseconds limit = enough)
{
    boost::asio::io_context io{1};
    http_client client(io);
    std::optional<result<http_answer>> outcome;
    auto asking = client.ask(std::move(request), limit);
    boost::asio::co_spawn(io, std::move(asking),
                          [&](std::exception_ptr bug, result<http_answer> got) {
                              EXPECT_FALSE(bug);
                              outcome.emplace(std::move(got));
                          });
    io.run_for(2 * enough);
    EXPECT_TRUE(outcome);
    return outcome ? std::move(*outcome) : result<http_answer>(error_code(errc::timed_out));
}

http_request to(const std::string& url)
{
    http_request request;
    request.url = url;
    request.plain_http = true;
    request.private_addresses = true;
    return request;
}

scripted_server::script always(std::string answer)
{
    return [answer = std::move(answer)](const std::string&) { return answer; };
}

TEST(HttpClient, AsksOverVerifiedTls)
{
    certificates authority;
    const pem_files files = authority.issue("server", "IP:127.0.0.1");
    scripted_server server(always(scripted_server::answer("200 OK", "X-One: 1\r\n", "{\"a\":1}")),
                           *make_server_context(files.certificate, files.key, {}));
    http_request request = to(server.url("/token?x=%20y"));
    request.tls = *make_client_context(authority.ca());
    request.headers.emplace_back("Content-Type", "application/x-www-form-urlencoded");
    request.body = "a=b";

    const auto got = ask(std::move(request));

    ASSERT_TRUE(got) << got.error().message();
    EXPECT_EQ(got->status, 200u);
    EXPECT_EQ(std::string_view(got->body), "{\"a\":1}");
    EXPECT_EQ(got->header("x-one"), "1");
    ASSERT_EQ(server.requests().size(), 1u);
    const std::string seen = server.requests().front();
    EXPECT_THAT(seen, ::testing::StartsWith("POST /token?x=%20y HTTP/1.1\r\n"));
    EXPECT_THAT(seen, HasSubstr("Host: 127.0.0.1:" + std::to_string(server.port()) + "\r\n"));
    EXPECT_THAT(seen, HasSubstr("Accept-Encoding: identity\r\n"));
    EXPECT_THAT(seen, HasSubstr("Connection: close\r\n"));
    EXPECT_THAT(seen, ::testing::EndsWith("\r\n\r\na=b"));
}

TEST(HttpClient, TrustsNobodyElse)
{
    certificates authority;
    certificates other;
    const pem_files files = authority.issue("server", "IP:127.0.0.1");
    scripted_server server(always("never"), *make_server_context(files.certificate, files.key, {}));
    http_request request = to(server.url("/"));
    request.tls = *make_client_context(other.ca());

    EXPECT_EQ(ask(std::move(request)).error(), errc::untrusted);
    EXPECT_TRUE(server.requests().empty());
}

TEST(HttpClient, RefusesACertificateForAnotherName)
{
    certificates authority;
    const pem_files files = authority.issue("server", "DNS:api.test");
    scripted_server server(always("never"), *make_server_context(files.certificate, files.key, {}));
    http_request request = to(server.url("/"));
    request.tls = *make_client_context(authority.ca());

    EXPECT_EQ(ask(std::move(request)).error(), errc::untrusted);
}

TEST(HttpClient, GoesToNoPrivateAddressUnlessAllowed)
{
    scripted_server server(always(scripted_server::json("200 OK", "{}")));
    http_request request = to(server.url("/"));
    request.private_addresses = false;

    EXPECT_EQ(ask(std::move(request)).error(), errc::address_forbidden);
    EXPECT_TRUE(server.requests().empty());
}

TEST(HttpClient, ResolvesNamesUnderTheSameGuard)
{
    scripted_server server(always(scripted_server::json("200 OK", "{}")));
    const std::string url = "http://localhost:" + std::to_string(server.port()) + "/";
    http_request guarded = to(url);
    guarded.private_addresses = false;

    EXPECT_TRUE(ask(to(url)));
    EXPECT_EQ(ask(std::move(guarded)).error(), errc::address_forbidden);
    EXPECT_EQ(server.requests().size(), 1u);
}

TEST(HttpClient, NeverFollowsARedirect)
{
    scripted_server server([&](const std::string&) {
        return scripted_server::answer("302 Found", "Location: /elsewhere\r\n", "");
    });

    const auto got = ask(to(server.url("/")));

    ASSERT_TRUE(got);
    EXPECT_EQ(got->status, 302u);
    EXPECT_EQ(server.requests().size(), 1u);
}

TEST(HttpClient, PassesOverInterimAnswersWithinReason)
{
    const std::string early = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n";
    scripted_server server(always(early + early + scripted_server::json("200 OK", "{}")));
    std::string flood;
    for (int i = 0; i < 20; ++i) {
        flood += early;
    }
    scripted_server flooding(always(flood + scripted_server::json("200 OK", "{}")));

    const auto got = ask(to(server.url("/")));

    ASSERT_TRUE(got) << got.error().message();
    EXPECT_EQ(got->status, 200u);
    EXPECT_EQ(ask(to(flooding.url("/"))).error(), errc::bad_answer);
}

struct bad_answer {
    const char* name;
    std::string bytes;
    errc expected;
};

TEST(HttpClient, RefusesWhatIsNotABoundedAnswer)
{
    const std::string large(http_answer_bytes_max + 1, 'x');
    const std::string wide = "X-Wide: " + std::string(http_answer_head_bytes_max, 'x') + "\r\n";
    const bad_answer cases[] = {
        {"garbage", "SSH-2.0-OpenSSH_9.2\r\n\r\n", errc::bad_answer},
        {"too long", scripted_server::answer("200 OK", "", large), errc::no_room},
        {"without end", "HTTP/1.1 200 OK\r\n\r\n" + large, errc::no_room},
        {"a wide head", scripted_server::answer("200 OK", wide, ""), errc::no_room},
        {"cut short", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", errc::closed},
        {"nothing", "", errc::closed},
        {"compressed", scripted_server::answer("200 OK", "Content-Encoding: gzip\r\n", "x"),
         errc::bad_answer},
    };
    for (const bad_answer& one : cases) {
        scripted_server server(always(one.bytes));
        EXPECT_EQ(ask(to(server.url("/"))).error(), one.expected) << one.name;
    }
}

TEST(HttpClient, GivesUpOnASilentServer)
{
    scripted_server server([](const std::string&) { return std::nullopt; });

    EXPECT_EQ(ask(to(server.url("/")), milliseconds(200)).error(), errc::timed_out);
}

TEST(HttpClient, ReportsARefusedConnection)
{
    std::string url;
    {
        scripted_server server(always(""));
        url = server.url("/");
    }
    EXPECT_EQ(ask(to(url)).error(), errc::connect_failed);
}

TEST(HttpClient, SendsNothingThatCannotBeReadOneWay)
{
    const auto with = [](auto change) {
        http_request request = to("http://127.0.0.1:9/");
        change(request);
        return ask(std::move(request)).error();
    };
    for (const char* url :
         {"", "http://", "ftp://127.0.0.1/", "http://user@127.0.0.1/", "http://127.0.0.1:0/",
          "http://127.0.0.1:99999/", "http://127.0.0.1/#x", "http://127.0.0.1/a b",
          "http://127.0.0.1\\@elsewhere/", "http://[::1/", "//127.0.0.1/"}) {
        EXPECT_EQ(with([&](http_request& one) { one.url = url; }), errc::bad_request) << url;
    }
    EXPECT_EQ(with([](http_request& one) { one.plain_http = false; }), errc::bad_request);
    EXPECT_EQ(with([](http_request& one) { one.method = "GE T"; }), errc::bad_request);
    EXPECT_EQ(with([](http_request& one) { one.headers.emplace_back("A", "b\r\nC: d"); }),
              errc::bad_request);
    EXPECT_EQ(with([](http_request& one) { one.headers.emplace_back("A b", "c"); }),
              errc::bad_request);
}

}  // namespace
}  // namespace sallyport::net
