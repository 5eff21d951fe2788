// Every kind of credential of every provider that ships, written into a call by the code that does
// so in the gate.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "proxy/answer.hpp"
#include "proxy/outgoing.hpp"
#include "proxy/reference.hpp"
#include "tests/config/shipped.hpp"
#include "tests/proxy/heads.hpp"
#include "tests/proxy/made_plan.hpp"

namespace sallyport::cli {
namespace {

using config::shipped;
using proxy::fields_in_clear;
using proxy::made_plan;

// Without the tables: places of credentials have nothing to do with them.
policy::provider_facts facts_of(const policy::provider& provider)
{
    policy::provider_facts facts = provider.facts();
    facts.tables.clear();
    return facts;
}

vault::connection connection_for(const policy::provider_facts& facts, const std::string& kind)
{
    vault::connection record;
    record.kind = kind;
    for (const policy::variable& variable : facts.variables) {
        if (variable.default_value.empty()) {
            record.variables[variable.name] =
                variable.example.empty() ? "sample" : variable.example;
        }
    }
    return record;
}

fields_in_clear credential_for(const policy::credential_kind& kind)
{
    if (kind.kind == "oauth2") {
        return {{"access_token", "SAMPLE-secret"}};
    }
    if (kind.kind == "basic") {
        return {{"username", "SAMPLE-user"}, {"password", "SAMPLE-secret"}};
    }
    if (kind.kind != "custom") {
        return {{"secret", "SAMPLE-secret"}};
    }
    return {{"bot_token", "SAMPLE-secret"}, {"secret_key", "SAMPLE-secret"}};
}

std::string written(const made_plan& made, const std::string& target,
                    const fields_in_clear& credential)
{
    const std::string bytes = "GET " + target + " HTTP/1.1\r\nHost: gate\r\n\r\n";
    proxy::request_head head;
    EXPECT_EQ(proxy::read(bytes, head), proxy::head_state::complete);
    proxy::admitted request;
    EXPECT_FALSE(proxy::admit(head, request));
    const proxy::fake_resolved resolved(made.connection, credential);
    vault::secret scratch;
    proxy::outgoing call;
    call.head = &head;
    call.request = &request;
    call.plan = made.plan.get();
    call.upstream = made.plan->find("", 0);
    call.credential = &resolved;
    call.scratch = &scratch;
    std::string out;
    std::vector<std::string_view> stripped;
    const proxy::write_fault fault = proxy::write_request_head(call, out, stripped);
    EXPECT_EQ(fault, proxy::write_fault::none) << made.connection.kind;
    return out;
}

std::string value_of(const std::string& head, const std::string& name)
{
    const std::size_t at = head.find("\r\n" + name + ": ");
    const std::size_t begin = at + name.size() + 4;
    return at == std::string::npos ? "" : head.substr(begin, head.find("\r\n", begin) - begin);
}

TEST(ProviderCalls, CarryEachKindOfCredentialWhereItBelongs)
{
    std::size_t kinds = 0;
    for (const auto& provider : shipped().catalogue->all()) {
        for (const policy::credential_kind& kind : provider->facts().credentials) {
            ++kinds;
            const std::string where = provider->facts().id + " " + kind.kind;
            const policy::provider_facts facts = facts_of(*provider);
            const vault::connection record = connection_for(facts, kind.kind);
            const made_plan made(facts, record);
            ASSERT_NE(made.plan, nullptr) << where;
            const std::string out =
                written(made, "/" + facts.id + "/x/y?q=1", credential_for(kind));
            proxy::request_head head;
            ASSERT_EQ(proxy::read(out, head), proxy::head_state::complete) << where;
            EXPECT_EQ(out.find_first_of("{}"), std::string::npos) << where;
            for (const policy::injection& place : kind.inject) {
                if (place.in == policy::injection::place::header) {
                    EXPECT_FALSE(value_of(out, place.name).empty()) << where;
                } else if (place.in == policy::injection::place::query) {
                    EXPECT_NE(head.target.find(place.name + "=SAMPLE-secret"), std::string::npos)
                        << where;
                }
            }
        }
    }
    EXPECT_GE(kinds, 70u);
}

made_plan plan_of(const char* id, const char* kind)
{
    policy::provider_facts facts = facts_of(*shipped().catalogue->find(id));
    vault::connection record = connection_for(facts, kind);
    return made_plan(std::move(facts), std::move(record));
}

TEST(ProviderCalls, PutTogetherTheHalvesOfBasicAsTheProviderWantsThem)
{
    const fields_in_clear pair = {{"username", "ann@example.com"}, {"password", "token"}};
    // ann@example.com/token:token, then key: with nothing behind it.
    EXPECT_EQ(value_of(written(plan_of("zendesk", "basic"), "/zendesk/x", pair), "Authorization"),
              "Basic YW5uQGV4YW1wbGUuY29tL3Rva2VuOnRva2Vu");
    EXPECT_EQ(value_of(written(plan_of("close", "api_key"), "/close/x", {{"secret", "key"}}),
                       "Authorization"),
              "Basic a2V5Og==");
}

TEST(ProviderCalls, TakeTheHostFromAVariableThatHoldsAnOrigin)
{
    const made_plan made = plan_of("salesforce", "oauth2");
    EXPECT_EQ(value_of(written(made, "/salesforce/services/data", {{"access_token", "t"}}), "Host"),
              "acme.my.salesforce.com");
    const proxy::listed_host& host = made.provider->hosts.front();
    EXPECT_TRUE(host.could_be("other.my.salesforce.com"));
    EXPECT_FALSE(host.could_be("salesforce.com.evil.test"));
    const made_plan gitlab = plan_of("gitlab", "oauth2");
    EXPECT_TRUE(gitlab.provider->hosts.front().could_be("gitlab.com"));
    EXPECT_FALSE(gitlab.provider->hosts.front().could_be("api.unknown.test"));
}

TEST(ProviderCalls, PutTelegramsTokenIntoThePathAndTakeItOutOfReferences)
{
    const made_plan made = plan_of("telegram", "api_key");
    const fields_in_clear token = {{"secret", "12:AB"}};
    const auto line = [&](const char* target) {
        const std::string out = written(made, target, token);
        return out.substr(0, out.find("\r\n"));
    };
    EXPECT_EQ(line("/telegram/getMe?a=1"), "GET /bot12:AB/getMe?a=1 HTTP/1.1");
    EXPECT_EQ(line("/telegram/file/photos/1.jpg"), "GET /file/bot12:AB/photos/1.jpg HTTP/1.1");
    EXPECT_EQ(line("/telegram/filed"), "GET /bot12:AB/filed HTTP/1.1");

    proxy::admitted request;
    request.path = "/getMe";
    request.authority = "gate";
    proxy::answer_context context;
    context.plan = made.plan.get();
    context.upstream = &made.plan->upstreams.front();
    context.request = &request;
    context.gate_scheme = "http";
    const auto rewritten = [&](const char* reference) {
        return proxy::rewrite_reference(reference, context);
    };
    EXPECT_EQ(rewritten("https://api.telegram.org/bot12:AB/getUpdates"),
              "http://gate/telegram/getUpdates");
    EXPECT_EQ(rewritten("/file/bot12%3AAB/photos/1.jpg?x=1"),
              "http://gate/telegram/file/photos/1.jpg?x=1");
    EXPECT_EQ(rewritten("http://elsewhere.test/bot12:AB/x"), "http://elsewhere.test/x");
    request.way = proxy::way::forward;
    EXPECT_EQ(rewritten("https://api.telegram.org/bot12:AB/getUpdates#f"),
              "https://api.telegram.org/getUpdates#f");
    EXPECT_EQ(proxy::rewrite_link("</bot12:AB/a>; rel=next", context), "</a>; rel=next");
}

}  // namespace
}  // namespace sallyport::cli
