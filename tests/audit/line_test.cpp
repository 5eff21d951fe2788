#include "audit/line.hpp"

#include <gtest/gtest.h>
#include <openssl/sha.h>

#include "audit/scan.hpp"
#include "base/encoding.hpp"
#include "tests/audit/trail_fixture.hpp"

namespace sallyport::audit {
namespace {

constexpr std::string_view zeros =
    "0000000000000000000000000000000000000000000000000000000000000000";

std::string sha256_hex(std::string_view bytes)
{
    std::string digest(32, '\0');
    SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(),
           reinterpret_cast<unsigned char*>(digest.data()));
    return to_hex(digest);
}

std::string line_of(const entry& from)
{
    line_maker maker("gate-1", "w0-X");
    batch lines;
    chain_head head;
    maker.append(lines, from, head);
    EXPECT_EQ(lines.text().back(), '\n');
    return std::string(lines.text().substr(0, lines.size() - 1));
}

entry full_entry()
{
    static const std::string_view keys[] = {"page", "q\"x"};
    static const std::string scopes[] = {"repo", "user"};
    static const std::string_view stripped[] = {"authorization"};
    entry out = intent("01ARYZ6S41TSV4RRFFQ69G5FAV");
    out.kind = kind::call_outcome;
    out.time = 1'763'633'315'000'123;
    out.query_keys = keys, out.scopes_used = scopes, out.stripped = stripped;
    out.decision = "allow", out.code = "c", out.rule = "user.get";
    out.status = 200, out.request_bytes = 0, out.response_bytes = 9'223'372'036'854'775'807;
    out.duration_us = 1234, out.upstream_us = 1200, out.attempts = 1, out.count = 3;
    out.client = "127.0.0.1", out.actor = "admin", out.detail = "why";
    return out;
}

TEST(Line, HasItsMembersInTheOrderOfTheContract)
{
    const std::string line = line_of(full_entry());
    const std::string_view id = std::string_view(line).substr(7, 26);
    EXPECT_TRUE(ulid::parse(id));
    std::string expected =
        R"({"id":")" + std::string(id) +
        R"(","time":"2025-11-20T10:08:35.000123Z","kind":"call.outcome","node":"gate-1",)"
        R"("writer":"w0-X","seq":1,"call_id":"01ARYZ6S41TSV4RRFFQ69G5FAV","workspace":"acme",)"
        R"("app":"mailer","run":"r1","user":"u_42","connection_id":"conn_1","provider":"github",)"
        R"("method":"GET","host":"api.github.com","path":"/user","query_keys":["page","q\"x"],)"
        R"("operation":"user.get","class":"read","scopes_used":["repo","user"],)"
        R"("decision":"allow","code":"c","rule":"user.get","status":200,"request_bytes":0,)"
        R"("response_bytes":9223372036854775807,"duration_us":1234,"upstream_us":1200,)"
        R"("attempts":1,"client":"127.0.0.1","actor":"admin","count":3,"detail":"why",)"
        R"("stripped":["authorization"],"prev":")" +
        std::string(zeros) + "\"";
    expected += R"(,"hash":")" + sha256_hex(expected) + "\"}";
    EXPECT_EQ(line, expected);
}

TEST(Line, LeavesOutWhatIsEmpty)
{
    entry bare;
    bare.kind = kind::gate_started;
    const std::string line = line_of(bare);
    EXPECT_EQ(line.find("call_id"), std::string::npos);
    EXPECT_EQ(line.find("status"), std::string::npos);
    EXPECT_EQ(line.find("query_keys"), std::string::npos);
    EXPECT_NE(line.find(R"("kind":"gate.started","node":"gate-1","writer":"w0-X","seq":1,"prev":)"),
              std::string::npos);
}

TEST(Line, ChainsToTheLineBefore)
{
    line_maker maker("gate-1", "w0-X");
    batch lines;
    chain_head head;
    std::string before(zeros);
    for (std::uint64_t seq = 1; seq <= 40; ++seq) {
        lines.clear();
        maker.append(lines, full_entry(), head);
        const auto frame = read_frame(lines.text().substr(0, lines.size() - 1));
        ASSERT_TRUE(frame);
        EXPECT_EQ(frame->seq, seq);
        EXPECT_EQ(frame->prev, before);
        EXPECT_EQ(frame->hash, sha256_hex(frame->hashed));
        EXPECT_EQ(head.hash_text(), frame->hash);
        before = frame->hash;
    }
}

TEST(Line, EscapesEveryByteAtEveryPlaceOfAWord)
{
    for (int c = 0; c < 256; ++c) {
        for (std::size_t at = 0; at < 11; ++at) {
            std::string path(11, 'x');
            path[at] = static_cast<char>(c);
            entry one;
            one.path = path;
            const std::string line = line_of(one);
            ASSERT_TRUE(read_frame(line)) << c;
            const auto raw = find_member(line, "path");
            ASSERT_TRUE(raw);
            if (c < 0x80) {
                EXPECT_EQ(unescape(*raw), path) << c << ' ' << at;
            } else {
                EXPECT_NE(raw->find("\xef\xbf\xbd"), std::string_view::npos) << c;
            }
        }
    }
}

TEST(Line, CutsTextsThatNoGateWouldWrite)
{
    const std::string huge(10 * text_bytes_max, '\x01');
    const std::vector<std::string> scopes(5000, "scope");
    entry one;
    one.path = huge, one.host = huge, one.rule = huge;
    one.scopes_used = scopes;
    const std::string line = line_of(one);
    EXPECT_LE(line.size(), line_bytes_max);
    EXPECT_EQ(unescape(*find_member(line, "path")).size(), text_bytes_max);
    EXPECT_LT(find_member(line, "scopes_used")->size(), text_bytes_max + 8);
    EXPECT_TRUE(read_frame(line));
}

TEST(Line, EveryKindHasItsName)
{
    for (int value = 0; value <= static_cast<int>(kind::trail_gap); ++value) {
        EXPECT_NE(to_string(static_cast<kind>(value)).find('.'), std::string_view::npos);
    }
    EXPECT_EQ(to_string(static_cast<kind>(200)), "unknown");
}

TEST(Line, ReadsOnlyWhatItWrites)
{
    const std::string good = line_of(full_entry());
    ASSERT_TRUE(read_frame(good));
    const auto replaced = [&](const std::string& from, const std::string& to) {
        std::string out = good;
        const std::size_t at = out.find(from);
        EXPECT_NE(at, std::string::npos) << from;
        return out.replace(at, from.size(), to);
    };
    for (const std::string& bad :
         std::vector<std::string>{"",
                                  "{",
                                  "{}",
                                  "[]",
                                  "null",
                                  good + " ",
                                  " " + good,
                                  good + good,
                                  good + "}",
                                  good.substr(1),
                                  good.substr(0, good.size() - 1),
                                  replaced(R"({"id")", R"({ "id")"),
                                  replaced(R"("seq":1)", R"("seq":0)"),
                                  replaced(R"("seq":1)", R"("seq":01)"),
                                  replaced(R"("seq":1)", R"("seq":-1)"),
                                  replaced(R"("seq":1)", R"("seq":1.0)"),
                                  replaced(R"("seq":1)", R"("seq":18446744073709551616)"),
                                  replaced(R"("seq":1)", R"("seq":"1")"),
                                  replaced(R"("seq":1)", R"("seq":1,"seq":1)"),
                                  replaced(R"("status":200)", R"("status":{})"),
                                  replaced(R"("status":200)", "200"),
                                  replaced(R"("status":200)", R"("status":true)"),
                                  replaced(R"("status":200)", R"("status":[1])"),
                                  replaced(R"("status":200)", R"("status":["a",])"),
                                  replaced(R"("status":200)", R"("status":["a")"),
                                  replaced(R"("why")", R"("\x")"),
                                  replaced(R"("why")", R"("\u1234")"),
                                  replaced(R"("why")", "\"a\tb\""),
                                  replaced(R"("detail")", R"("Detail")"),
                                  replaced(R"("detail")", R"("hash")"),
                                  replaced(R"("detail")", R"("prev")"),
                                  replaced(R"(","time":"2025)", R"(","time":"x025)"),
                                  replaced("\"kind\"", "\"kine\"")}) {
        EXPECT_FALSE(read_frame(bad)) << bad;
    }
}

}  // namespace
}  // namespace sallyport::audit
