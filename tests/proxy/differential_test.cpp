// The reader and its gate against Boost.Beast: whatever ours accepts Beast must accept too, and
// read the same way. Heads are made by mutating good ones, from a fixed seed.
#include <gtest/gtest.h>

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <algorithm>
#include <random>

#include "base/text.hpp"
#include "proxy/gate.hpp"
#include "tests/proxy/heads.hpp"

namespace sallyport::proxy {
namespace {

namespace http = boost::beast::http;

constexpr unsigned rounds = 6000;

const std::string request_seeds[] = {
    "GET /github/user?page=2 HTTP/1.1\r\nHost: gate:8080\r\nAccept: */*\r\n\r\n",
    "POST /p/x HTTP/1.1\r\nHost: gate\r\nContent-Length: 5\r\nContent-Type: text/plain\r\n\r\n",
    "PUT /p/a%2Fb HTTP/1.1\r\nhost: [::1]:80\r\nTransfer-Encoding: chunked\r\nTE: trailers\r\n\r\n",
    "DELETE http://api.test:443/v1/x?y HTTP/1.1\r\nHost: api.test\r\nX-A: 1\r\nX-A: \t2 \r\n\r\n",
    "OPTIONS /p HTTP/1.0\r\nConnection: keep-alive, x-hop\r\nX-Hop:\r\nMax-Forwards: 3\r\n\r\n",
    "PATCH /p@h:1/x HTTP/1.1\r\nHost: g\r\nExpect: 100-continue\r\nContent-Length: 00012\r\n\r\n",
};

const std::string answer_seeds[] = {
    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Type: application/json\r\n\r\n",
    "HTTP/1.1 206 Partial Content\r\nTransfer-Encoding: chunked\r\nTrailer: X\r\n\r\n",
    "HTTP/1.0 301 Moved\r\nLocation: /x\r\nConnection: close\r\n\r\n",
    "HTTP/1.1 404 \r\nServer: x\r\nServer:\r\nX-Long: \t a b \t\r\n\r\n",
    "HTTP/1.1 503 No\r\nRetry-After: 5\r\nContent-Length: 0\r\n\r\n",
};

// What a mutation may write: everything a parser trips over, and some that it should not.
const std::string fragments[] = {
    "\r",
    "\n",
    "\r\n",
    "\r\n ",
    "\r\n\t",
    ":",
    " :",
    ": ",
    " ",
    "\t",
    ",",
    ";",
    "\"",
    "\\",
    "#",
    "?",
    "@",
    "/",
    "//",
    "%",
    std::string(1, '\0'),
    "\x01",
    "\x7f",
    "\x80",
    "\xff",
    "_",
    "-",
    "+",
    "0",
    "5",
    "HTTP/1.0",
    "HTTP/1.1",
    "HTTP/2.0",
    "\r\nContent-Length: 5",
    "\r\nContent-Length: 6",
    "\r\nTransfer-Encoding: chunked",
    "\r\nTransfer-Encoding: gzip, chunked",
    "\r\nHost: b",
    "chunked",
    "chunked, chunked",
    "\r\nConnection: close",
    "\r\nConnection: upgrade\r\nUpgrade: x",
    "\r\nX",
    "CONNECT",
    "TRACE",
    "http://",
    "[",
    "]",
};

class mutator {
public:
    explicit mutator(unsigned seed) : random_(seed) {}

    std::size_t below(std::size_t end) { return random_() % end; }

    std::string mutate(std::string text)
    {
        for (std::size_t i = 1 + below(3); i > 0; --i) {
            const std::size_t at = below(text.size() + 1);
            switch (below(5)) {
                case 0: text.insert(at, fragments[below(std::size(fragments))]); break;
                case 1: text.erase(at, 1 + below(4)); break;
                case 2: text.replace(at, 1, fragments[below(std::size(fragments))]); break;
                case 3: text.insert(at, 1, static_cast<char>(below(256))); break;
                default: {
                    const std::string copied = text.substr(at, below(40));
                    text.insert(below(text.size() + 1), copied);
                }
            }
        }
        return text.find("\r\n\r\n") == std::string::npos ? text + "\r\n\r\n" : text;
    }

private:
    std::mt19937 random_;
};

template <bool IsRequest>
using parser = http::parser<IsRequest, http::buffer_body>;

template <bool IsRequest>
bool beast_reads(parser<IsRequest>& beast, std::string_view head)
{
    beast.header_limit(1 << 20);
    beast.body_limit(boost::none);
    boost::system::error_code error;
    std::size_t used = 0;
    // One call may stop behind the start line.
    while (!error && !beast.is_header_done() && used < head.size()) {
        used += beast.put(boost::asio::buffer(head.data() + used, head.size() - used), error);
    }
    return (!error || error == http::error::need_buffer) && beast.is_header_done();
}

using fields_by_name = std::vector<std::pair<std::string, std::string>>;

// Beast keeps lines of one name together, behind the first: compared is the order within a name.
fields_by_name by_name(fields_by_name fields)
{
    std::stable_sort(fields.begin(), fields.end(),
                     [](const auto& a, const auto& b) { return lower(a.first) < lower(b.first); });
    return fields;
}

fields_by_name fields_of(const message_head& head)
{
    fields_by_name out;
    for (const field& each : head.fields) {
        out.emplace_back(each.name, each.value);
    }
    return by_name(std::move(out));
}

template <class Message>
fields_by_name fields_as_beast_has_them(const Message& message)
{
    fields_by_name out;
    for (const auto& each : message) {
        out.emplace_back(std::string(each.name_string()), std::string(each.value()));
    }
    return by_name(std::move(out));
}

template <bool IsRequest>
void expect_same_framing(const framing& ours, parser<IsRequest>& theirs, const std::string& bytes)
{
    switch (ours.kind) {
        case body_kind::chunked: EXPECT_TRUE(theirs.chunked()) << bytes; break;
        case body_kind::length:
            EXPECT_FALSE(theirs.chunked()) << bytes;
            ASSERT_TRUE(theirs.content_length()) << bytes;
            EXPECT_EQ(*theirs.content_length(), ours.length) << bytes;
            break;
        case body_kind::none:
            EXPECT_FALSE(theirs.chunked()) << bytes;
            EXPECT_EQ(theirs.content_length().value_or(0), 0u) << bytes;
            break;
        case body_kind::until_close: EXPECT_TRUE(theirs.need_eof()) << bytes; break;
    }
}

TEST(RequestsReadTwice, HaveOneReading)
{
    mutator mutations(20251118);
    unsigned accepted = 0;
    for (unsigned i = 0; i < rounds; ++i) {
        const std::string& seed = request_seeds[i % std::size(request_seeds)];
        const std::string bytes = i < std::size(request_seeds) ? seed : mutations.mutate(seed);
        request_head ours;
        admitted request;
        const head_state state = read(bytes, ours);
        request_head dripped;
        ASSERT_EQ(drip(bytes, dripped), state) << bytes;
        if (state != head_state::complete || admit(ours, request)) {
            continue;
        }
        ++accepted;
        parser<true> beast;
        ASSERT_TRUE(beast_reads(beast, std::string_view(bytes).substr(0, ours.size))) << bytes;
        EXPECT_EQ(ours.method, std::string_view(beast.get().method_string())) << bytes;
        EXPECT_EQ(ours.target, std::string_view(beast.get().target())) << bytes;
        EXPECT_EQ(10u + static_cast<unsigned>(ours.minor), beast.get().version()) << bytes;
        EXPECT_EQ(fields_of(ours), fields_as_beast_has_them(beast.get())) << bytes;
        expect_same_framing(request.body, beast, bytes);
    }
    EXPECT_GT(accepted, rounds / 10) << "the mutations must leave something to compare";
    EXPECT_LT(accepted, rounds * 9 / 10);
}

TEST(AnswersReadTwice, HaveOneReading)
{
    mutator mutations(20251119);
    unsigned accepted = 0;
    for (unsigned i = 0; i < rounds; ++i) {
        const std::string& seed = answer_seeds[i % std::size(answer_seeds)];
        const std::string bytes = i < std::size(answer_seeds) ? seed : mutations.mutate(seed);
        response_head ours;
        framing body;
        bool keep_alive = false;
        const head_state state = read(bytes, ours);
        response_head dripped;
        ASSERT_EQ(drip(bytes, dripped), state) << bytes;
        if (state != head_state::complete ||
            frame_answer(ours, false, body, keep_alive) != answer_fault::none) {
            continue;
        }
        ++accepted;
        parser<false> beast;
        if (!beast_reads(beast, std::string_view(bytes).substr(0, ours.size))) {
            // Two leniencies towards providers: no space before a reason that is not there, and
            // options that are none, which end the connection.
            const bool no_space = bytes.find("\r\n") == std::string_view("HTTP/1.1 200").size();
            const bool odd_options = !keep_alive && lower(bytes).find("connection:") < bytes.size();
            ASSERT_TRUE(no_space || odd_options) << bytes;
            continue;
        }
        EXPECT_EQ(ours.status, beast.get().result_int()) << bytes;
        if (!ours.reason.empty()) {  // Beast makes one up.
            EXPECT_EQ(ours.reason, std::string_view(beast.get().reason())) << bytes;
        }
        EXPECT_EQ(fields_of(ours), fields_as_beast_has_them(beast.get())) << bytes;
        if (ours.status >= 200 && ours.status != 204 && ours.status != 304) {
            expect_same_framing(body, beast, bytes);
        }
        if (keep_alive) {
            EXPECT_TRUE(beast.keep_alive()) << bytes;
        }
    }
    EXPECT_GT(accepted, rounds / 10);
    EXPECT_LT(accepted, rounds * 9 / 10);
}

}  // namespace
}  // namespace sallyport::proxy
