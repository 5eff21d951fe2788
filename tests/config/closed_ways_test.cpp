// Ways around a provider's rules that were open once: another spelling of a path, a verb or a
// parameter that stands for something else, an endpoint that carries other calls.
#include "policy/explain.hpp"
#include "tests/config/shipped.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace sallyport::config {
namespace {

const policy::provider& provider(const char* id) { return *shipped().catalogue->find(id); }

bool allowed(const char* id, const char* method, const char* path,
             policy::operation_class access = policy::operation_class::write,
             const std::vector<std::string>& scopes = {"*"}, const char* host = "")
{
    return policy::explain(provider(id), host, method, path, scopes, "", "", access).allowed;
}

bool strips(const char* id, policy::carrier::place in, const char* name)
{
    const auto& strip = provider(id).facts().strip;
    return std::any_of(strip.begin(), strip.end(), [&](const policy::carrier& each) {
        return each.in == in && each.name == name;
    });
}

TEST(ClosedWays, ATunnelHasNoOtherSpelling)
{
    for (const char* path :
         {"/services/data/v64.0/composite/", "/services/data/v64.0/Composite",
          "/services/data/v64.0/composite/batch/", "/services/data/v64.0/GRAPHQL/"}) {
        EXPECT_FALSE(allowed("salesforce", "POST", path)) << path;
    }
    for (const char* path :
         {"/admin/api/graphql.json", "/admin/api/graphql", "/admin/api/2026-07/graphql",
          "/admin/api/2026-07/graphql.json/", "/admin/api/graphql.json/"}) {
        EXPECT_FALSE(allowed("shopify", "POST", path)) << path;
    }
    EXPECT_TRUE(allowed("shopify", "POST", "/admin/api/2026-07/orders.json"));
    EXPECT_FALSE(allowed("anthropic", "POST", "/v1/messages/batches/"));
    EXPECT_FALSE(allowed("supabase", "POST", "/v1/projects/p/database/migrations",
                         policy::operation_class::destructive, {"*"}, "api.supabase.com"));
    EXPECT_FALSE(allowed("asana", "POST", "/api/1.0/batch"));
}

TEST(ClosedWays, AnAnswerWithATokenIsNotToBeHad)
{
    for (const char* path :
         {"/oauth/access_token", "/v26.0/oauth/access_token", "/v26.0/oauth/client_code"}) {
        EXPECT_FALSE(allowed("facebook", "GET", path)) << path;
    }
    EXPECT_FALSE(allowed("supabase", "GET", "/v1/projects/p/api-keys",
                         policy::operation_class::destructive, {"*"}, "api.supabase.com"));
}

TEST(ClosedWays, AMethodsNameIsTheSameInAnyCase)
{
    using policy::operation_class;
    EXPECT_TRUE(allowed("telegram", "GET", "/getme", operation_class::read));
    for (const char* path : {"/getupdates", "/GetUpdates", "/SETWEBHOOK", "/deletemessage"}) {
        EXPECT_FALSE(allowed("telegram", "GET", path)) << path;
    }
}

TEST(ClosedWays, APlaceholderIsNoOtherPartOfTheApi)
{
    for (const char* path : {"/v0/meta/enterpriseAccounts/e", "/v0/meta/workspaces/w",
                             "/v0/bases/app1/webhooks", "/v0/meta/users/u"}) {
        EXPECT_FALSE(allowed("airtable", "GET", path)) << path;
    }
    EXPECT_TRUE(allowed("airtable", "GET", "/v0/app1/tbl1/rec1"));
}

TEST(ClosedWays, AParameterIsNoOtherVerbAndNoOtherCall)
{
    using place = policy::carrier::place;
    for (const char* id : {"facebook", "instagram", "whatsapp"}) {
        for (const place in : {place::query, place::form, place::json}) {
            EXPECT_TRUE(strips(id, in, "method")) << id;
            EXPECT_TRUE(strips(id, in, "batch")) << id;
        }
    }
    for (const char* id : {"shopify", "zendesk", "intercom", "gitlab"}) {
        EXPECT_TRUE(strips(id, place::form, "_method")) << id;
    }
    for (const char* id : {"gmail", "google_calendar", "google_docs", "google_drive",
                           "google_sheets", "google_workspace", "youtube"}) {
        EXPECT_TRUE(strips(id, place::query, "$httpMethod")) << id;
    }
}

TEST(ClosedWays, WhatSetsSomethingIsNoRead)
{
    EXPECT_FALSE(allowed("dropbox", "POST", "/2/team/member_space_limits/set_custom_quota",
                         policy::operation_class::read));
}

}  // namespace
}  // namespace sallyport::config
