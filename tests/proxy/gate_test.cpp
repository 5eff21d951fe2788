#include "proxy/gate.hpp"

#include <gtest/gtest.h>

#include "tests/proxy/heads.hpp"

namespace sallyport::proxy {
namespace {

struct judged {
    std::string bytes;
    request_head head;
    admitted out;
    refusal refused;
};

// `fields` behind a Host field, each ended by CRLF.
judged judge(std::string start_line, const std::string& fields, bool with_host = true)
{
    judged made;
    made.bytes =
        std::move(start_line) + "\r\n" + (with_host ? "Host: gate.test\r\n" : "") + fields + "\r\n";
    EXPECT_EQ(read(made.bytes, made.head), head_state::complete) << made.bytes;
    made.refused = admit(made.head, made.out);
    return made;
}

code verdict(const std::string& fields, const std::string& start_line = "POST /p/x HTTP/1.1")
{
    return judge(start_line, fields).refused.code;
}

struct framed {
    answer_fault fault = answer_fault::none;
    framing body;
    bool keep_alive = false;
};

framed frame(const std::string& start_line, const std::string& fields, bool head_request = false)
{
    const std::string bytes = start_line + "\r\n" + fields + "\r\n";
    response_head head;
    EXPECT_EQ(read(bytes, head), head_state::complete) << bytes;
    framed out;
    out.fault = frame_answer(head, head_request, out.body, out.keep_alive);
    return out;
}

TEST(Gate, FramesABodyInExactlyOneWay)
{
    struct {
        std::string fields;
        body_kind kind;
        std::uint64_t length;
    } const table[] = {
        {"", body_kind::none, 0},
        {"Content-Length: 0\r\n", body_kind::none, 0},
        {"Content-Length: 5\r\n", body_kind::length, 5},
        {"content-length:  005 \r\n", body_kind::length, 5},
        {"Content-Length: 999999999999999999\r\n", body_kind::length, 999999999999999999},
        {"Transfer-Encoding: chunked\r\n", body_kind::chunked, 0},
        {"transfer-encoding:\tCHUNKED\t\r\n", body_kind::chunked, 0},
    };
    for (const auto& row : table) {
        const judged made = judge("POST /p/x HTTP/1.1", row.fields);
        EXPECT_FALSE(made.refused) << row.fields;
        EXPECT_EQ(made.out.body.kind, row.kind) << row.fields;
        EXPECT_EQ(made.out.body.length, row.length) << row.fields;
    }
}

TEST(Gate, RefusesEveryFramingWithTwoReadings)
{
    for (const std::string fields : {
             "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
             "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
             "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n",
             "Content-Length: 5\r\nContent-Length: 5\r\n",
             "Content-Length: 5\r\nContent-Length: 6\r\n",
             "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
             "Content-Length: +5\r\n",
             "Content-Length: -5\r\n",
             "Content-Length: 0x5\r\n",
             "Content-Length: 5,5\r\n",
             "Content-Length: 5, 6\r\n",
             "Content-Length: 5 5\r\n",
             "Content-Length: 5_0\r\n",
             "Content-Length: 5.0\r\n",
             "Content-Length: \"5\"\r\n",
             "Content-Length:\r\n",
             "Content-Length: 0000000000000000000005\r\n",
             "Content-Length: 18446744073709551621\r\n",
             "Content-Length: 123456789012345678901234567890\r\n",
             "Transfer-Encoding:\r\n",
             "Transfer-Encoding: gzip\r\n",
             "Transfer-Encoding: identity\r\n",
             "Transfer-Encoding: cow\r\n",
             "Transfer-Encoding: xchunked\r\n",
             "Transfer-Encoding: chunked, gzip\r\n",
             "Transfer-Encoding: gzip, chunked\r\n",
             "Transfer-Encoding: chunked, chunked\r\n",
             "Transfer-Encoding: chunked, identity\r\n",
             "Transfer-Encoding: \"chunked\"\r\n",
             "Transfer-Encoding: chunked;q=1\r\n",
             "Transfer-Encoding: chunked\xa0\r\n",
             "Transfer-Encoding: , chunked\r\n",
             "Transfer-Encoding: chunked,\r\n",
         }) {
        EXPECT_EQ(verdict(fields), code::bad_request) << fields;
    }
    EXPECT_EQ(verdict("Transfer-Encoding: chunked\r\n", "POST /p/x HTTP/1.0"), code::bad_request);
}

TEST(Gate, AsksForOneSoundHost)
{
    for (const std::string host : {"gate", "gate:8080", "127.0.0.1:80", "[::1]",
                                   "[2001:db8::1]:443", "a_b.test", "GATE.test"}) {
        EXPECT_FALSE(judge("GET /p/x HTTP/1.1", "Host: " + host + "\r\n", false).refused) << host;
    }
    for (const std::string host :
         {"",    "a b",   "a/b",     "a@b",        "a,b",    "a:b",    "a:0",         "a:65536",
          "a:",  ":80",   "[::1",    "[]",         "[::1]x", "[::1]:", "[evil.test]", "a?b",
          "a#b", "a%2eb", "a:80:80", "caf\xc3\xa9"}) {
        EXPECT_EQ(judge("GET /p/x HTTP/1.1", "Host: " + host + "\r\n", false).refused.code,
                  code::bad_request)
            << host;
    }
    EXPECT_EQ(judge("GET /p/x HTTP/1.1", "", false).refused.code, code::bad_request);
    EXPECT_EQ(verdict("Host: gate.test\r\n"), code::bad_request) << "twice";
    EXPECT_EQ(verdict("hOST: other.test\r\n"), code::bad_request) << "twice";
    EXPECT_FALSE(judge("GET /p/x HTTP/1.0", "", false).refused) << "1.0 knows no Host";
}

TEST(Gate, RefusesTwoOfWhateverMayComeOnce)
{
    for (const std::string name : {"Expect", "Connection", "Connection-Id", "Max-Forwards"}) {
        const std::string line = name + ": 100-continue\r\n";
        EXPECT_EQ(verdict(line + line), code::bad_request) << name;
    }
}

TEST(Gate, UnderstandsOneExpectation)
{
    const std::string length = "Content-Length: 5\r\n";
    EXPECT_TRUE(
        judge("POST /p/x HTTP/1.1", length + "Expect: 100-Continue\r\n").out.expects_continue);
    EXPECT_FALSE(judge("POST /p/x HTTP/1.1", "Expect: 100-continue\r\n").out.expects_continue)
        << "no body to wait for";
    EXPECT_FALSE(
        judge("POST /p/x HTTP/1.0", length + "Expect: 100-continue\r\n").out.expects_continue);
    EXPECT_EQ(verdict(length + "Expect: 200-ok\r\n"), code::bad_request);
    EXPECT_EQ(verdict(length + "Expect:\r\n"), code::bad_request);
    EXPECT_EQ(verdict(length + "Expect: 100-continue, x\r\n"), code::bad_request);
}

TEST(Gate, ForwardsNeitherConnectNorTrace)
{
    EXPECT_EQ(verdict("", "CONNECT api.test:443 HTTP/1.1"), code::method_not_allowed);
    EXPECT_EQ(verdict("", "CONNECT /p/x HTTP/1.1"), code::method_not_allowed);
    EXPECT_EQ(verdict("", "TRACE /p/x HTTP/1.1"), code::method_not_allowed);
    EXPECT_EQ(verdict("Max-Forwards: 0\r\n", "OPTIONS /p/x HTTP/1.1"), code::method_not_allowed);
    EXPECT_EQ(verdict("Max-Forwards: 00\r\n", "OPTIONS /p/x HTTP/1.1"), code::method_not_allowed);
    EXPECT_EQ(verdict("Max-Forwards: -1\r\n", "OPTIONS /p/x HTTP/1.1"), code::bad_request);
    EXPECT_EQ(verdict("Max-Forwards:\r\n", "OPTIONS /p/x HTTP/1.1"), code::bad_request);
    EXPECT_EQ(verdict("Max-Forwards: 5\r\n", "OPTIONS /p/x HTTP/1.1"), code::none);
    EXPECT_EQ(verdict("Max-Forwards: 0\r\n", "GET /p/x HTTP/1.1"), code::none);
    EXPECT_EQ(verdict("", "trace /p/x HTTP/1.1"), code::none) << "methods are case-sensitive";
}

TEST(Gate, KeepsAConnectionUnlessToldOtherwise)
{
    EXPECT_TRUE(judge("GET /p/x HTTP/1.1", "").out.keep_alive);
    EXPECT_TRUE(judge("GET /p/x HTTP/1.1", "Connection: x-close\r\n").out.keep_alive);
    EXPECT_FALSE(judge("GET /p/x HTTP/1.1", "Connection: x, Close\r\n").out.keep_alive);
    EXPECT_FALSE(judge("GET /p/x HTTP/1.0", "").out.keep_alive);
    EXPECT_FALSE(judge("GET /p/x HTTP/1.0", "Connection: keep-alive\r\n").out.keep_alive);
}

TEST(Gate, RefusesConnectionOptionsThatAreNone)
{
    for (const std::string options : {"a b", "a;b", "a/b", "\"close\"", "close\xff", "a, b=c"}) {
        EXPECT_EQ(verdict("Connection: " + options + "\r\n"), code::bad_request) << options;
        EXPECT_FALSE(
            frame("HTTP/1.1 200 OK", "Content-Length: 5\r\nConnection: " + options + "\r\n")
                .keep_alive)
            << options;
    }
    for (const std::string options : {"", ",", ", close,", "keep-alive ,\tx_y"}) {
        EXPECT_EQ(verdict("Connection: " + options + "\r\n"), code::none) << options;
    }
}

TEST(Gate, SplitsAReverseTarget)
{
    struct {
        std::string target, provider, host, path, query;
        bool has_query;
    } const table[] = {
        {"/github/repos/o/r?x=1&y=2", "github", "", "/repos/o/r", "x=1&y=2", true},
        {"/github", "github", "", "/", "", false},
        {"/github/", "github", "", "/", "", false},
        {"/github?x", "github", "", "/", "x", true},
        {"/github/?", "github", "", "/", "", true},
        {"/github@uploads.test/a@b", "github", "uploads.test", "/a@b", "", false},
        {"/github@uploads.test:8443/a", "github", "uploads.test:8443", "/a", "", false},
        {"/github@a@b/x", "github", "a@b", "/x", "", false},
        {"/github//x", "github", "", "//x", "", false},
        {"/github/x?http://evil.test/", "github", "", "/x", "http://evil.test/", true},
        {"/", "", "", "/", "", false},
        {"//evil.test/x", "", "", "/evil.test/x", "", false},
        {"/@evil.test/x", "", "evil.test", "/x", "", false},
    };
    for (const auto& row : table) {
        const judged made = judge("GET " + row.target + " HTTP/1.1", "Connection-Id: conn_1\r\n");
        EXPECT_FALSE(made.refused) << row.target;
        EXPECT_EQ(made.out.way, way::reverse);
        EXPECT_EQ(made.out.provider, row.provider) << row.target;
        EXPECT_EQ(made.out.provider_host, row.host) << row.target;
        EXPECT_EQ(made.out.path, row.path) << row.target;
        EXPECT_EQ(made.out.query, row.query) << row.target;
        EXPECT_EQ(made.out.has_query, row.has_query) << row.target;
        EXPECT_EQ(made.out.authority, "gate.test");
        EXPECT_EQ(made.out.connection_id, "conn_1");
    }
}

TEST(Gate, SplitsAForwardTarget)
{
    struct {
        std::string target, authority, path, query;
    } const table[] = {
        {"http://api.test/a/b?c=d", "api.test", "/a/b", "c=d"},
        {"HTTPS://api.test:8443/a", "api.test:8443", "/a", ""},
        {"http://api.test", "api.test", "/", ""},
        {"http://api.test?x=/y", "api.test", "/", "x=/y"},
        {"http://[2001:db8::1]:80/", "[2001:db8::1]:80", "/", ""},
        {"http://user:pass@api.test/", "user:pass@api.test", "/", ""},
        {"http://api.test@evil.test/", "api.test@evil.test", "/", ""},
        {"http:///x", "", "/x", ""},
        {"http://api.test\\@evil.test/", "api.test\\@evil.test", "/", ""},
    };
    for (const auto& row : table) {
        const judged made = judge("GET " + row.target + " HTTP/1.1", "");
        EXPECT_FALSE(made.refused) << row.target;
        EXPECT_EQ(made.out.way, way::forward);
        EXPECT_EQ(made.out.authority, row.authority) << row.target;
        EXPECT_EQ(made.out.path, row.path) << row.target;
        EXPECT_EQ(made.out.query, row.query) << row.target;
        EXPECT_TRUE(made.out.provider.empty());
    }
}

TEST(Gate, KnowsNoProviderBehindAnyOtherTarget)
{
    for (const std::string target :
         {"*", "@evil.test/", "evil.test:443", "file:///etc/passwd", "ftp://api.test/", "http:/x",
          "ws://api.test/", "\\evil", "?x", "/p@/x", "gopher://api.test:25/", "http:api.test"}) {
        EXPECT_EQ(judge("GET " + target + " HTTP/1.1", "").refused.code, code::unknown_provider)
            << target;
    }
}

TEST(Authority, SplitsIntoHostAndPort)
{
    struct {
        std::string_view text, host;
        unsigned port;
    } const table[] = {
        {"api.test", "api.test", 0},           {"api.test:443", "api.test", 443},
        {"127.0.0.1:80", "127.0.0.1", 80},     {"[::1]", "::1", 0},
        {"[fe80::1]:65535", "fe80::1", 65535}, {"[::ffff:1.2.3.4]:1", "::ffff:1.2.3.4", 1},
    };
    for (const auto& row : table) {
        std::string_view host;
        unsigned port = 7;
        ASSERT_TRUE(split_authority(row.text, host, port)) << row.text;
        EXPECT_EQ(host, row.host);
        EXPECT_EQ(port, row.port);
    }
    for (const std::string_view text : {"",
                                        ":",
                                        ":80",
                                        "a:",
                                        "a:-1",
                                        "a:+1",
                                        "a:0",
                                        "a:65536",
                                        "a:99999999999",
                                        "a:8x",
                                        "a b",
                                        "user@a",
                                        "user:1@a",
                                        "[",
                                        "[]",
                                        "[::1",
                                        "::1",
                                        "[::1]a",
                                        "[g::1]",
                                        "[::1%25eth0]",
                                        "a/b",
                                        "a\\b",
                                        "a,b",
                                        "a%41"}) {
        std::string_view host;
        unsigned port = 0;
        EXPECT_FALSE(split_authority(text, host, port)) << text;
    }
}

TEST(ConnectionOptions, AreFoundWholeAndInAnyCase)
{
    EXPECT_TRUE(lists_option("close", "close"));
    EXPECT_TRUE(lists_option("keep-alive, X-Hop ,close", "x-hop"));
    EXPECT_TRUE(lists_option(",, \tUpgrade", "upgrade"));
    EXPECT_FALSE(lists_option("", "close"));
    EXPECT_FALSE(lists_option("x-close", "close"));
    EXPECT_FALSE(lists_option("clos", "close"));
    EXPECT_FALSE(lists_option("a close", "close"));
}

TEST(AnswerFraming, FollowsTheRules)
{
    struct {
        std::string start_line, fields;
        bool to_head;
        body_kind kind;
        bool keep_alive;
    } const table[] = {
        {"HTTP/1.1 200 OK", "Content-Length: 5\r\n", false, body_kind::length, true},
        {"HTTP/1.1 200 OK", "Content-Length: 0\r\n", false, body_kind::none, true},
        {"HTTP/1.1 200 OK", "Transfer-Encoding: Chunked\r\n", false, body_kind::chunked, true},
        {"HTTP/1.1 200 OK", "", false, body_kind::until_close, false},
        {"HTTP/1.0 200 OK", "Content-Length: 5\r\n", false, body_kind::length, false},
        {"HTTP/1.0 200 OK", "", false, body_kind::until_close, false},
        {"HTTP/1.1 200 OK", "Content-Length: 5\r\nConnection: close\r\n", false, body_kind::length,
         false},
        {"HTTP/1.1 200 OK", "Content-Length: 5\r\nConnection: close\r\nConnection: keep-alive\r\n",
         false, body_kind::length, false},
        {"HTTP/1.1 200 OK", "Content-Length: 5\r\n", true, body_kind::none, true},
        {"HTTP/1.1 200 OK", "Transfer-Encoding: chunked\r\n", true, body_kind::none, true},
        {"HTTP/1.1 204 No Content", "", false, body_kind::none, true},
        {"HTTP/1.1 304 Not Modified", "Content-Length: 5\r\n", false, body_kind::none, true},
        {"HTTP/1.1 100 Continue", "", false, body_kind::none, true},
        {"HTTP/1.1 103 Early Hints", "", false, body_kind::none, true},
    };
    for (const auto& row : table) {
        const framed out = frame(row.start_line, row.fields, row.to_head);
        EXPECT_EQ(out.fault, answer_fault::none) << row.start_line << row.fields;
        EXPECT_EQ(out.body.kind, row.kind) << row.start_line << row.fields;
        EXPECT_EQ(out.keep_alive, row.keep_alive) << row.start_line << row.fields;
    }
}

TEST(AnswerFraming, RefusesWhatHasTwoReadings)
{
    for (const std::string fields : {
             "Content-Length: 5\r\nContent-Length: 5\r\n",
             "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
             "Content-Length: 5, 5\r\n",
             "Content-Length: x\r\n",
             "Content-Length:\r\n",
             "Content-Length: 99999999999999999999\r\n",
             "Transfer-Encoding: xyz\r\n",
             "Transfer-Encoding: chunked, chunked\r\n",
             "Transfer-Encoding: gzip, chunked\r\n",
             "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
         }) {
        EXPECT_EQ(frame("HTTP/1.1 200 OK", fields).fault, answer_fault::framing) << fields;
        EXPECT_EQ(frame("HTTP/1.1 200 OK", fields, true).fault, answer_fault::framing) << fields;
    }
    EXPECT_EQ(frame("HTTP/1.0 200 OK", "Transfer-Encoding: chunked\r\n").fault,
              answer_fault::framing);
}

TEST(AnswerFraming, NeverSwitchesProtocols)
{
    EXPECT_EQ(frame("HTTP/1.1 101 Switching Protocols", "Upgrade: h2c\r\n").fault,
              answer_fault::upgrade);
}

}  // namespace
}  // namespace sallyport::proxy
