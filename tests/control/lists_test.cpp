// Lists in pages, connections in versions, and logins that are limited.
#include "control/login_guard.hpp"
#include "gate.hpp"

namespace sallyport::control {
namespace {

const std::string with_secret =
    R"("provider":"github","credential":{"secret":"planted-secret-1"}})";

class Lists : public Gate {
protected:
    std::string add_for(const std::string& workspace, const std::string& user)
    {
        return add(R"({"workspace":")" + workspace + R"(","user":")" + user + "\"," + with_secret);
    }

    // Every item of a list, page by page, by the member that names it.
    std::vector<std::string> walk(const std::string& target, std::string_view member,
                                  std::size_t limit, std::string_view token = "admin-token")
    {
        std::vector<std::string> seen;
        std::string after;
        do {
            const std::string page = target + (target.find('?') == std::string::npos ? "?" : "&") +
                                     "limit=" + std::to_string(limit) +
                                     (after.empty() ? "" : "&after=" + after);
            const reply heard = ask("GET", page, "", token);
            EXPECT_EQ(heard.status, 200u) << json::serialize(heard.body);
            const json::array& items = heard.body.at("items").as_array();
            EXPECT_LE(items.size(), limit);
            for (const json::value& one : items) {
                seen.emplace_back(one.at(member).as_string());
            }
            const json::value& next = heard.body.at("next");
            after = next.is_null() ? "" : std::string(next.as_string());
            EXPECT_TRUE(after.empty() || after == seen.back());
        } while (!after.empty() && seen.size() < 1000);
        return seen;
    }
};

TEST_F(Lists, OfConnectionsComeInPagesInTheOrderOfTheirIds)
{
    std::vector<std::string> ids;
    for (int i = 0; i < 7; ++i) {
        ids.push_back(add_for(i % 2 == 0 ? "acme" : "globex", "ann"));
    }
    std::sort(ids.begin(), ids.end());
    EXPECT_EQ(walk("/api/connect/connections", "id", 3), ids);
    EXPECT_EQ(walk("/api/connect/connections", "id", 7), ids);
    EXPECT_EQ(walk("/api/connect/connections?workspace=acme", "id", 1).size(), 4u);
    EXPECT_EQ(walk("/api/connect/connections?workspace=acme&user=bob", "id", 1).size(), 0u);
}

TEST_F(Lists, OfATokenForOneWorkspaceHoldNothingOfAnother)
{
    const std::string own = add_for("acme", "ann");
    const std::string foreign = add_for("globex", "ann");
    EXPECT_EQ(walk("/api/connect/connections", "id", 1, "platform-token"),
              std::vector<std::string>{own});
    EXPECT_EQ(ask("GET", "/api/connect/connections?workspace=globex", "", "platform-token").code(),
              "forbidden");
    EXPECT_EQ(ask("GET", "/api/connect/connections?workspace=nobody", "", "platform-token").code(),
              "forbidden");
    // What is another's answers in the same words as what does not exist.
    const std::string nobody = "conn_01JD0000000000000000000000";
    for (const auto& [method, more] :
         {std::pair{"GET", ""}, std::pair{"PATCH", ""}, std::pair{"DELETE", ""},
          std::pair{"POST", "/revoke"}, std::pair{"POST", "/activate"},
          std::pair{"POST", "/deactivate"}}) {
        const std::string body = std::string_view(method) == "PATCH" ? R"({"name":"x"})" : "";
        const auto shut = [&](const std::string& id) {
            const reply heard =
                ask(method, "/api/connect/connections/" + id + more, body, "platform-token");
            EXPECT_EQ(heard.status, 404u) << method << more;
            return json::serialize(heard.body);
        };
        EXPECT_EQ(shut(foreign), shut(nobody)) << method << more;
    }
}

TEST_F(Lists, OfRunsAndProvidersComeInPagesToo)
{
    std::vector<std::string> runs;
    for (const char* const run : {"c", "a", "e", "b", "d"}) {
        const std::string body =
            R"({"workspace":"acme","user":"ann","app":"x","run":")" + std::string(run) + "\"}";
        EXPECT_EQ(ask("POST", "/api/runs", body).status, 201u);
        runs.emplace_back(run);
    }
    std::sort(runs.begin(), runs.end());
    EXPECT_EQ(walk("/api/runs?workspace=acme", "run", 2), runs);
    const auto providers = walk("/api/connect/providers", "id", 100);
    EXPECT_EQ(walk("/api/connect/providers", "id", 1), providers);
    EXPECT_EQ(providers.size(), 4u);
    EXPECT_EQ(ask("GET", "/api/connect/providers?after=teleport").status, 400u);
}

TEST_F(Lists, OfKeysComeInPagesToo)
{
    for (const char* const workspace : {"globex", "acme", "initech"}) {
        add_for(workspace, "ann");
    }
    std::vector<std::string> seen;
    std::string after;
    do {
        const reply heard =
            ask("GET", "/api/keys?limit=2" + (after.empty() ? after : "&after=" + after));
        ASSERT_EQ(heard.status, 200u) << json::serialize(heard.body);
        EXPECT_LE(heard.body.at("items").as_array().size(), 2u);
        EXPECT_FALSE(heard.body.at("master_keys").as_array().empty());
        for (const json::value& one : heard.body.at("items").as_array()) {
            seen.emplace_back(one.at("workspace").as_string());
        }
        const json::value& next = heard.body.at("next");
        after = next.is_null() ? "" : std::string(next.as_string());
    } while (!after.empty() && seen.size() < 100);
    EXPECT_TRUE(std::is_sorted(seen.begin(), seen.end()));
    for (const char* const workspace : {"globex", "acme", "initech"}) {
        EXPECT_EQ(std::count(seen.begin(), seen.end(), workspace), 1) << workspace;
    }
    EXPECT_EQ(ask("GET", "/api/keys?after=nowhere").status, 400u);
}

TEST_F(Lists, RefuseALimitThatIsNone)
{
    for (const char* const limit : {"0", "1001", "-1", "x", "1x", "", "99999999999999999999"}) {
        for (const char* const list : {"/api/connect/connections?", "/api/connect/providers?",
                                       "/api/keys?", "/api/runs?workspace=acme&"}) {
            EXPECT_EQ(ask("GET", std::string(list) + "limit=" + limit).status, 400u)
                << list << limit;
        }
    }
}

class Versions : public Lists {
protected:
    std::string ask_with(const std::string& method, const std::string& target,
                         const std::string& field, const std::string& body = "")
    {
        std::string raw = method + ' ' + target +
                          " HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer admin-token\r\n"
                          "Connection: close\r\n" +
                          (field.empty() ? "" : field + "\r\n");
        raw += "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
        return send_raw(raw);
    }
    static std::string tag_in(const std::string& raw)
    {
        const std::size_t at = raw.find("ETag: ");
        EXPECT_NE(at, std::string::npos) << raw;
        return raw.substr(at + 6, raw.find("\r\n", at) - at - 6);
    }
};

TEST_F(Versions, MoveWithEveryChange)
{
    const std::string path = "/api/connect/connections/" + add_for("acme", "ann");
    const std::string first = tag_in(ask_with("GET", path, ""));
    EXPECT_EQ(tag_in(ask_with("GET", path, "")), first);
    const std::string second = tag_in(ask_with("PATCH", path, "", R"({"name":"x"})"));
    EXPECT_NE(second, first);
    EXPECT_EQ(tag_in(ask_with("GET", path, "")), second);
}

TEST_F(Versions, KnownAlreadyAreNotSentAgain)
{
    const std::string path = "/api/connect/connections/" + add_for("acme", "ann");
    const std::string tag = tag_in(ask_with("GET", path, ""));
    const std::string same = ask_with("GET", path, "If-None-Match: \"0\", W/" + tag);
    EXPECT_TRUE(same.starts_with("HTTP/1.1 304 ")) << same;
    EXPECT_EQ(tag_in(same), tag);
    EXPECT_TRUE(same.ends_with("\r\n\r\n")) << same;
    EXPECT_TRUE(ask_with("GET", path, "If-None-Match: \"0\"").starts_with("HTTP/1.1 200 "));
}

TEST_F(Versions, BindAChange)
{
    const std::string id = add_for("acme", "ann");
    const std::string path = "/api/connect/connections/" + id;
    const std::string old = tag_in(ask_with("GET", path, ""));
    const std::string raw = ask_with("PATCH", path, "If-Match: " + old, R"({"name":"x"})");
    EXPECT_TRUE(raw.starts_with("HTTP/1.1 200 ")) << raw;
    const auto refused = [&](const std::string& method, const std::string& target,
                             const std::string& body = "") {
        const std::string heard = ask_with(method, target, "If-Match: " + old, body);
        return heard.starts_with("HTTP/1.1 412 ") &&
               heard.find("precondition_failed") != std::string::npos;
    };
    EXPECT_TRUE(refused("PATCH", path, R"({"name":"y"})"));
    EXPECT_TRUE(refused("POST", path + "/deactivate"));
    EXPECT_TRUE(refused("POST", path + "/revoke"));
    EXPECT_TRUE(refused("DELETE", path));
    EXPECT_EQ(ask("GET", path).text("name"), "x");
    EXPECT_EQ(ask("GET", path).text("status"), "active");
    const std::string any = ask_with("POST", path + "/deactivate", "If-Match: *");
    EXPECT_TRUE(any.starts_with("HTTP/1.1 200 ")) << any;
    const std::string gone = ask_with("DELETE", path, "If-Match: " + tag_in(any));
    EXPECT_TRUE(gone.starts_with("HTTP/1.1 204 ")) << gone;
}

class Logins : public Gate {};

TEST_F(Logins, KeepWaitingWhoWasWrongTooOftenAndNobodyElse)
{
    std::string wrong = "GET /api/keys HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer wrong\r\n\r\n";
    std::vector<std::thread> callers;
    std::atomic<unsigned> refused = 0;
    for (int i = 0; i < 10; ++i) {  // Each answer is held back a little.
        callers.emplace_back([&] {
            client_options options = reach_;
            options.token = "wrong";
            for (unsigned n = 0; n < login_guard::wrong_of_client_max / 10; ++n) {
                const auto heard = call(options, "GET", "/api/keys", "");
                refused += heard && heard->status == 401 ? 1 : 0;
            }
        });
    }
    for (std::thread& caller : callers) {
        caller.join();
    }
    EXPECT_EQ(refused, login_guard::wrong_of_client_max);
    const std::string raw = send_raw(wrong);
    EXPECT_TRUE(raw.starts_with("HTTP/1.1 429 ")) << raw;
    EXPECT_NE(raw.find("Retry-After: "), std::string::npos) << raw;
    // A right one is never kept waiting, and what needs none answers.
    EXPECT_EQ(ask("GET", "/api/keys").status, 200u);
    EXPECT_EQ(ask("GET", "/healthz", "", "").status, 200u);
    EXPECT_EQ(ask("GET", "/healthz", "", "wrong-token").status, 200u);
}

}  // namespace
}  // namespace sallyport::control
