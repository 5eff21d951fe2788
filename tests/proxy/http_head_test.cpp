#include "proxy/http_head.hpp"

#include <gtest/gtest.h>

#include "tests/proxy/heads.hpp"

namespace sallyport::proxy {
namespace {

using namespace std::string_literals;

constexpr std::string_view end = "\r\n\r\n";

std::string request_with(const std::string& line)
{
    return "GET /p/x HTTP/1.1\r\n" + line + "\r\n\r\n";
}
std::string answer_with(const std::string& line)
{
    return "HTTP/1.1 200 OK\r\n" + line + "\r\n\r\n";
}

TEST(RequestHead, ReadsEveryPart)
{
    request_head head;
    const std::string bytes =
        "POST /p/x?q=1 HTTP/1.1\r\nHost: gate\r\nX-Empty:\r\nX-Padded: \t a b "
        "\t\r\nhost2:c\r\n\r\nrest";
    ASSERT_EQ(read(bytes, head), head_state::complete);
    EXPECT_EQ(head.method, "POST");
    EXPECT_EQ(head.target, "/p/x?q=1");
    EXPECT_EQ(head.minor, 1);
    EXPECT_EQ(head.size, bytes.size() - 4);
    ASSERT_EQ(head.fields.size(), 4u);
    EXPECT_EQ(head.fields[0].name, "Host");
    EXPECT_EQ(head.fields[0].value, "gate");
    EXPECT_EQ(head.fields[1].value, "");
    EXPECT_EQ(head.fields[2].value, "a b");
    EXPECT_EQ(head.fields[3].name, "host2");
    EXPECT_EQ(head.fields[3].value, "c");
}

TEST(RequestHead, ForgetsTheFieldsOfTheHeadBefore)
{
    request_head head;
    ASSERT_EQ(read(request_with("A: 1\r\nB: 2"), head), head_state::complete);
    ASSERT_EQ(read("GET / HTTP/1.0\r\n\r\n"s, head), head_state::complete);
    EXPECT_TRUE(head.fields.empty());
    EXPECT_EQ(head.minor, 0);
}

TEST(RequestHead, RefusesEveryRequestLineWithTwoReadings)
{
    const std::string lines[] = {
        "GET /\r\n\r\n",            // HTTP/0.9
        "GET  / HTTP/1.1\r\n\r\n",  // two spaces
        "GET /  HTTP/1.1\r\n\r\n",
        "GET /a b HTTP/1.1\r\n\r\n",
        "GET\t/ HTTP/1.1\r\n\r\n",
        " GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1 \r\n\r\n",
        "GET / HTTP/2.0\r\n\r\n",
        "GET / HTTP/1.2\r\n\r\n",
        "GET / HTTP/11\r\n\r\n",
        "GET / HTTP/1.10\r\n\r\n",
        "GET / http/1.1\r\n\r\n",
        "GET / HTTP/1.\r\n\r\n",
        "GET /\r\n HTTP/1.1\r\n\r\n",
        "G(T / HTTP/1.1\r\n\r\n",
        "G\xc3\x89T / HTTP/1.1\r\n\r\n",
        "GET /\xff HTTP/1.1\r\n\r\n",
        "GET /#fragment HTTP/1.1\r\n\r\n",
        "GET /\x7f HTTP/1.1\r\n\r\n",
        "GET /\0 HTTP/1.1\r\n\r\n"s,
        "GET /\x01 HTTP/1.1\r\n\r\n",
        "GET  HTTP/1.1\r\n\r\n",
        " / HTTP/1.1\r\n\r\n",
        "\r\nGET / HTTP/1.1\r\n\r\n",
        "\nGET / HTTP/1.1\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",  // a TLS hello
        "ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFGH / HTTP/1.1\r\n\r\n",
    };
    for (const std::string& bytes : lines) {
        request_head head;
        EXPECT_EQ(read(bytes, head), head_state::malformed) << bytes;
        EXPECT_EQ(drip(bytes, head), head_state::malformed) << bytes;
    }
}

TEST(RequestHead, LeavesTargetsThatAreOnlyStrangeToTheGate)
{
    for (const std::string target :
         {"*", "//evil.test", "@evil.test/", "http://169.254.169.254/", "file:///etc/passwd",
          "gate:443", "/a\\b", "/a?b?c", "/%zz", "/{x}|\"<>"}) {
        request_head head;
        const std::string bytes = "GET " + target + " HTTP/1.1\r\n\r\n";
        EXPECT_EQ(read(bytes, head), head_state::complete) << target;
        EXPECT_EQ(head.target, target);
    }
}

// What both kinds of head refuse.
const std::string bad_fields[] = {
    "Host : gate",  // white space before the colon
    "Host\t: gate",
    " Host: gate",  // white space before the first field
    "Host",         // no colon
    ": gate",       // no name
    "Ho st: gate",
    "H\xc3\xb6st: gate",
    "Host: gate\r\n folded",  // obs-fold
    "Host: gate\r\n\tfolded",
    "Host: a\rb",  // bare CR
    "Host: a\r",
    "Host: a\nX: b",  // bare LF
    "Host: a\r\r\nX: b",
    "Host: a\0b"s,  // NUL
    "Host: a\x01"
    "b",
    "Host: a\x7f",
    "Host: a\x0b",
    "H\0st: a"s,
    "Host(comment): a",
    "\"Host\": a",
};

TEST(MessageHead, RefusesEveryFieldLineWithTwoReadings)
{
    for (const std::string& line : bad_fields) {
        request_head request;
        response_head answer;
        EXPECT_EQ(read(request_with(line), request), head_state::malformed) << line;
        EXPECT_EQ(drip(request_with(line), request), head_state::malformed) << line;
        EXPECT_EQ(read(answer_with(line), answer), head_state::malformed) << line;
        EXPECT_EQ(drip(answer_with(line), answer), head_state::malformed) << line;
        EXPECT_EQ(read(request_with("A: b\r\n" + line), request), head_state::malformed) << line;
    }
}

TEST(MessageHead, RefusesABareLineFeedAtItsEnd)
{
    request_head head;
    EXPECT_EQ(read("GET / HTTP/1.1\r\nHost: a\r\n\n"s, head), head_state::malformed);
    EXPECT_EQ(read("GET / HTTP/1.1\r\nHost: a\n\r\n"s, head), head_state::malformed);
    EXPECT_EQ(read("GET / HTTP/1.1\n\n"s, head), head_state::malformed);
}

TEST(MessageHead, TakesBytesBeyondAsciiInValuesAlone)
{
    request_head head;
    const std::string bytes = request_with("X: caf\xc3\xa9 \xff");
    ASSERT_EQ(read(bytes, head), head_state::complete);
    EXPECT_EQ(head.fields[0].value, "caf\xc3\xa9 \xff");
}

TEST(MessageHead, IsIncompleteUntilItsEmptyLine)
{
    const std::string bytes = "GET /p/x HTTP/1.1\r\nHost: gate\r\nA: b\r\n\r\n";
    std::size_t scanned = 0;
    request_head head;
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        ASSERT_EQ(read_request_head(std::string_view(bytes).substr(0, size), {}, scanned, head),
                  head_state::incomplete)
            << size;
    }
    EXPECT_EQ(read_request_head(bytes, {}, scanned, head), head_state::complete);
    EXPECT_EQ(head.fields.size(), 2u);
}

TEST(MessageHead, ReportsABadStartLineBeforeTheRestArrives)
{
    request_head request;
    EXPECT_EQ(read("NONSENSE\r\n"s, request), head_state::malformed);
    EXPECT_EQ(read("\x16\x03"s, request), head_state::malformed);
    response_head answer;
    EXPECT_EQ(read("SSH-2.0-OpenSSH_9.2\r\n"s, answer), head_state::malformed);
}

TEST(MessageHead, CountsItsLines)
{
    head_limits limits;
    limits.lines = 3;
    request_head head;
    EXPECT_EQ(read(request_with("A: 1\r\nB: 2\r\nC: 3"), head, limits), head_state::complete);
    EXPECT_EQ(read(request_with("A: 1\r\nB: 2\r\nC: 3\r\nD: 4"), head, limits),
              head_state::too_large);
}

TEST(MessageHead, CountsItsBytes)
{
    const std::string bytes = request_with("A: " + std::string(100, 'x'));
    head_limits limits;
    request_head head;
    limits.bytes = bytes.size();
    EXPECT_EQ(read(bytes, head, limits), head_state::complete);
    EXPECT_EQ(drip(bytes, head, limits), head_state::complete);
    limits.bytes = bytes.size() - 1;
    EXPECT_EQ(read(bytes, head, limits), head_state::too_large);
    EXPECT_EQ(drip(bytes, head, limits), head_state::too_large);
}

TEST(MessageHead, EndsALineWithoutEndAtTheLimit)
{
    head_limits limits;
    limits.bytes = 512;
    limits.target = 64;
    request_head request;
    EXPECT_EQ(read("GET / HTTP/1.1\r\nA: " + std::string(600, 'x'), request, limits),
              head_state::too_large);
    EXPECT_EQ(read("GET /" + std::string(600, 'x'), request, limits), head_state::target_too_long);
    response_head answer;
    EXPECT_EQ(read("HTTP/1.1 200 " + std::string(600, 'x'), answer, limits), head_state::too_large);
}

TEST(RequestHead, MeasuresItsTarget)
{
    head_limits limits;
    limits.target = 64;
    request_head head;
    const auto with_target = [](std::size_t size) {
        return "GET /" + std::string(size - 1, 'x') + " HTTP/1.1" + std::string(end);
    };
    EXPECT_EQ(read(with_target(64), head, limits), head_state::complete);
    EXPECT_EQ(drip(with_target(64), head, limits), head_state::complete);
    for (const std::size_t size : {65u, 100u, 200u, 400u}) {
        EXPECT_EQ(read(with_target(size), head, limits), head_state::target_too_long) << size;
        EXPECT_EQ(drip(with_target(size), head, limits), head_state::target_too_long) << size;
    }
}

TEST(ResponseHead, ReadsTheStatusLine)
{
    struct {
        std::string line;
        unsigned status;
        std::string reason;
        int minor;
    } const table[] = {
        {"HTTP/1.1 200 OK", 200, "OK", 1},
        {"HTTP/1.0 404 Not Found", 404, "Not Found", 0},
        {"HTTP/1.1 204 ", 204, "", 1},
        {"HTTP/1.1 204", 204, "", 1},
        {"HTTP/1.1 100 Continue", 100, "Continue", 1},
        {"HTTP/1.1 599 \xc3\xa9", 599, "\xc3\xa9", 1},
    };
    for (const auto& row : table) {
        response_head head;
        const std::string bytes = row.line + "\r\n\r\n";
        ASSERT_EQ(read(bytes, head), head_state::complete) << row.line;
        EXPECT_EQ(head.status, row.status);
        EXPECT_EQ(head.reason, row.reason);
        EXPECT_EQ(head.minor, row.minor);
    }
}

TEST(ResponseHead, RefusesEveryOtherStatusLine)
{
    const std::string lines[] = {
        "HTTP/1.1 000 Zero",
        "HTTP/1.1 099 Low",
        "HTTP/1.1 99 Short",
        "HTTP/1.1 1000 Long",
        "HTTP/1.1 600 High",
        "HTTP/1.1 999 High",
        "HTTP/1.1  200 OK",
        "HTTP/1.1 2x0 OK",
        "HTTP/1.1 -20 OK",
        "HTTP/1.1 200\tOK",
        "HTTP/1.1 200OK",
        "HTTP/1.1",
        "HTTP/1.1 ",
        "HTTP/2 200 OK",
        "HTTP/2.0 200 OK",
        "HTTP/1.2 200 OK",
        "http/1.1 200 OK",
        "ICY 200 OK",
        "200 OK",
        "HTTP/1.1 200 a\rb",
        "HTTP/1.1 200 a\0b"s,
        "HTTP/1.1 200 a\x01",
        " HTTP/1.1 200 OK",
        "",
    };
    for (const std::string& line : lines) {
        response_head head;
        EXPECT_EQ(read(line + "\r\n\r\n", head), head_state::malformed) << line;
        EXPECT_EQ(drip(line + "\r\n\r\n", head), head_state::malformed) << line;
    }
}

}  // namespace
}  // namespace sallyport::proxy
