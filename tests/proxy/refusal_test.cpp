#include "proxy/refusal.hpp"

#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "tests/proxy/heads.hpp"

namespace sallyport::proxy {
namespace {

struct expected {
    proxy::code code;
    unsigned status;
    std::string_view name;
};

// The table of CONTRACT.md, 4.
constexpr expected table[] = {
    {code::bad_request, 400, "bad_request"},
    {code::run_token_missing, 401, "run_token_missing"},
    {code::run_token_invalid, 401, "run_token_invalid"},
    {code::run_token_expired, 401, "run_token_expired"},
    {code::run_ended, 401, "run_ended"},
    {code::connection_forbidden, 403, "connection_forbidden"},
    {code::connection_revoked, 403, "connection_revoked"},
    {code::reauth_required, 403, "reauth_required"},
    {code::connection_inactive, 403, "connection_inactive"},
    {code::scope_missing, 403, "scope_missing"},
    {code::operation_denied, 403, "operation_denied"},
    {code::unknown_provider, 404, "unknown_provider"},
    {code::method_not_allowed, 405, "method_not_allowed"},
    {code::request_timeout, 408, "request_timeout"},
    {code::connection_ambiguous, 409, "connection_ambiguous"},
    {code::body_too_large, 413, "body_too_large"},
    {code::target_too_long, 414, "target_too_long"},
    {code::headers_too_large, 431, "headers_too_large"},
    {code::rate_limited, 429, "rate_limited"},
    {code::upstream_unreachable, 502, "upstream_unreachable"},
    {code::upstream_tls_failed, 502, "upstream_tls_failed"},
    {code::upstream_protocol_error, 502, "upstream_protocol_error"},
    {code::upstream_timeout, 504, "upstream_timeout"},
    {code::vault_unavailable, 503, "vault_unavailable"},
    {code::audit_unavailable, 503, "audit_unavailable"},
    {code::refresh_failed, 503, "refresh_failed"},
    {code::overloaded, 503, "overloaded"},
};

struct answer {
    std::string bytes;
    response_head head;
    std::string_view body;

    std::vector<std::string_view> values(std::string_view name) const
    {
        std::vector<std::string_view> out;
        for (const field& candidate : head.fields) {
            if (candidate.name == name) {
                out.push_back(candidate.value);
            }
        }
        return out;
    }
    std::string_view value(std::string_view name) const
    {
        const auto all = values(name);
        EXPECT_EQ(all.size(), 1u) << name;
        return all.empty() ? std::string_view{} : all.front();
    }
};

void parse(const refusal& refused, const refusal_context& context, answer& out)
{
    out.bytes = render(refused, context);
    ASSERT_EQ(read(out.bytes, out.head), head_state::complete) << out.bytes;
    out.body = std::string_view(out.bytes).substr(out.head.size);
}

using texts = std::vector<std::string_view>;

TEST(Refusal, RendersEveryRowOfTheTable)
{
    for (const expected& row : table) {
        answer made;
        parse({row.code, {}, {}, {}}, {"01CALL"}, made);
        EXPECT_EQ(made.head.status, row.status) << row.name;
        EXPECT_EQ(status_of(row.code), row.status);
        EXPECT_EQ(to_string(row.code), row.name);
        EXPECT_EQ(made.value("Content-Type"), "application/problem+json");
        EXPECT_TRUE(made.value("Proxy-Status").starts_with("sallyport; error="));
        EXPECT_EQ(made.value("Cache-Control"), "no-store");
        EXPECT_EQ(made.value("Sallyport-Call-Id"), "01CALL");
        EXPECT_EQ(made.value("Content-Length"), std::to_string(made.body.size()));
        EXPECT_FALSE(made.head.reason.empty());
        EXPECT_NE(made.head.reason, "Error") << row.name;

        const auto problem = boost::json::parse(made.body).as_object();
        EXPECT_EQ(problem.at("code").as_string(), row.name);
        EXPECT_EQ(problem.at("status").as_int64(), row.status);
        EXPECT_EQ(problem.at("call_id").as_string(), "01CALL");
        EXPECT_FALSE(problem.at("type").as_string().empty());
        EXPECT_FALSE(problem.at("title").as_string().empty());
        EXPECT_FALSE(problem.at("detail").as_string().empty());
        EXPECT_EQ(made.values("Retry-After").empty(), row.status != 503 && row.status != 429)
            << row.name;
        EXPECT_EQ(made.values("WWW-Authenticate").empty(), row.status != 401) << row.name;
        EXPECT_EQ(made.values("Allow").empty(), row.status != 405) << row.name;
    }
}

TEST(Refusal, ChallengesInTheWordsOfTheWay)
{
    const refusal missing{code::run_token_missing, {}, {}, {}};
    answer made;
    parse(missing, {}, made);
    EXPECT_EQ(made.values("WWW-Authenticate"), texts{"Bearer"});

    answer basic;
    refusal_context context;
    context.basic_place = true;
    parse(missing, context, basic);
    EXPECT_EQ(basic.values("WWW-Authenticate"), (texts{"Bearer", "Basic realm=\"sallyport\""}));

    answer forward;
    context.basic_place = false;
    context.forward = true;
    parse(missing, context, forward);
    EXPECT_EQ(forward.head.status, 407u);
    EXPECT_EQ(forward.values("Proxy-Authenticate"), (texts{"Bearer", "Basic realm=\"sallyport\""}));
    EXPECT_TRUE(forward.values("WWW-Authenticate").empty());
    EXPECT_EQ(boost::json::parse(forward.body).at("status").as_int64(), 407);
    EXPECT_EQ(boost::json::parse(forward.body).at("code").as_string(), "run_token_missing");
}

TEST(Refusal, AnswersHeadWithoutABodyButWithItsLength)
{
    const refusal refused{code::unknown_provider, {}, {}, {}};
    answer whole;
    parse(refused, {"01CALL"}, whole);
    answer head_only;
    refusal_context context{"01CALL"};
    context.head_only = true;
    parse(refused, context, head_only);
    EXPECT_TRUE(head_only.body.empty());
    EXPECT_EQ(head_only.value("Content-Length"), whole.value("Content-Length"));
}

TEST(Refusal, SaysWhenTheConnectionEnds)
{
    answer kept;
    parse({code::bad_request, {}, {}, {}}, {}, kept);
    EXPECT_TRUE(kept.values("Connection").empty());
    EXPECT_TRUE(kept.values("Sallyport-Call-Id").empty()) << "no call, no id";

    answer closed;
    refusal_context context;
    context.close = true;
    parse({code::bad_request, {}, {}, {}}, context, closed);
    EXPECT_EQ(closed.value("Connection"), "close");
}

TEST(Refusal, CarriesItsMembersAndItsOwnWords)
{
    refusal refused{code::scope_missing, "A \"quoted\" detail.", "http_request_denied", {}};
    refused.members.emplace_back("missing_scopes", "[[\"a\"],[\"b\",\"c\"]]");
    refused.members.emplace_back("granted_scopes", json_array({"x\"y", "z\n"}));
    answer made;
    parse(refused, {}, made);
    const auto problem = boost::json::parse(made.body).as_object();
    EXPECT_EQ(problem.at("detail").as_string(), "A \"quoted\" detail.");
    EXPECT_EQ(problem.at("missing_scopes").as_array().at(1).as_array().size(), 2u);
    EXPECT_EQ(problem.at("granted_scopes").as_array().at(0).as_string(), "x\"y");
    EXPECT_EQ(problem.at("granted_scopes").as_array().at(1).as_string(), "z\n");
    EXPECT_EQ(made.value("Proxy-Status"), "sallyport; error=http_request_denied");
}

TEST(Refusal, CanNameAMorePreciseProxyError)
{
    answer made;
    parse({code::upstream_unreachable, {}, "destination_ip_prohibited", {}}, {}, made);
    EXPECT_EQ(made.value("Proxy-Status"), "sallyport; error=destination_ip_prohibited");
}

TEST(JsonArray, IsValidForAnyText)
{
    EXPECT_EQ(json_array({}), "[]");
    EXPECT_EQ(boost::json::parse(json_array({"a", "\xff\"\\"})).as_array().size(), 2u);
}

}  // namespace
}  // namespace sallyport::proxy
