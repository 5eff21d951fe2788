#include "base/encoding.hpp"
#include "base/time.hpp"
#include "gate.hpp"

namespace sallyport::control {
namespace {

std::string wish(const std::string& run, const std::string& more = "")
{
    return R"({"workspace":"acme","user":"ann","app":"mailer","run":")" + run + "\"" +
           (more.empty() ? "" : "," + more) + "}";
}

json::object claims_of(const reply& started)
{
    const std::string token = started.text("token");
    const std::size_t first = token.find('.');
    const std::size_t second = token.find('.', first + 1);
    return json::parse(*from_base64url(token.substr(first + 1, second - first - 1))).as_object();
}

std::string connection(const std::string& provider, const std::string& user, bool shared = false)
{
    return R"({"workspace":"acme","provider":")" + provider + R"(","user":")" + user +
           R"(","shared":)" + (shared ? "true" : "false") + R"(,"credential":{")" +
           (provider == "gmail" ? "access_token" : "secret") + R"(":"planted-secret-1"}})";
}

TEST_F(Gate, StartsARunAndPrintsItsTokenOnce)
{
    const unix_micros before = now_micros();
    const reply started = ask("POST", "/api/runs", wish("r1"));
    ASSERT_EQ(started.status, 201u) << json::serialize(started.body);
    EXPECT_EQ(started.text("run"), "r1");
    const unix_micros expiry = parse_rfc3339(started.text("expires_at")).value_or(0);
    EXPECT_GE(expiry, before + 3'600'000'000);
    const json::object claims = claims_of(started);
    EXPECT_EQ(claims.at("workspace").as_string(), "acme");
    EXPECT_EQ(claims.at("sub").as_string(), "ann");
    EXPECT_EQ(claims.at("app").as_string(), "mailer");
    EXPECT_EQ(claims.at("run").as_string(), "r1");

    const reply listed = ask("GET", "/api/runs?workspace=acme");
    ASSERT_EQ(listed.body.at("items").as_array().size(), 1u);
    EXPECT_EQ(listed.body.at("items").as_array()[0].at("run").as_string(), "r1");
    EXPECT_TRUE(listed.body.at("items").as_array()[0].at("ended_at").is_null());
    EXPECT_EQ(trail().find(started.text("token")), std::string::npos);
    const auto lines_of_it = lines("run.started");
    ASSERT_EQ(lines_of_it.size(), 1u);
    EXPECT_EQ(lines_of_it[0].at("run").as_string(), "r1");
    EXPECT_EQ(lines_of_it[0].at("app").as_string(), "mailer");
}

TEST_F(Gate, KeepsARunsNameWhileItLives)
{
    ASSERT_EQ(ask("POST", "/api/runs", wish("r1")).status, 201u);
    const reply taken = ask("POST", "/api/runs", wish("r1"));
    EXPECT_EQ(taken.status, 409u);
    EXPECT_EQ(taken.code(), "already_exists");
    EXPECT_EQ(
        ask("POST", "/api/runs", R"({"workspace":"other","user":"ann","app":"mailer","run":"r1"})")
            .status,
        201u);
    EXPECT_EQ(lines("run.started").back().at("workspace").as_string(), "other");
}

TEST_F(Gate, NamesConnectionsByProviderWhereThatIsUnambiguous)
{
    const std::string git = add(connection("github", "ann"));
    const std::string mail = add(connection("gmail", "bob", true));
    const reply both = ask("POST", "/api/runs",
                           wish("r1", R"("connections":[")" + git + R"(",")" + mail + R"("])"));
    ASSERT_EQ(both.status, 201u) << json::serialize(both.body);
    const json::object named = claims_of(both).at("connections").as_object();
    EXPECT_EQ(named.at("github").as_string(), git);
    EXPECT_EQ(named.at("gmail").as_string(), mail);

    const std::string second = add(connection("github", "ann"));
    const reply two = ask("POST", "/api/runs",
                          wish("r2", R"("connections":[")" + git + R"(",")" + second + R"("])"));
    ASSERT_EQ(two.status, 201u);
    EXPECT_EQ(claims_of(two).at("connections").as_array().size(), 2u);

    const reply object =
        ask("POST", "/api/runs", wish("r3", R"("connections":{"github":")" + git + R"("})"));
    EXPECT_EQ(claims_of(object).at("connections").as_object().at("github").as_string(), git);
}

TEST_F(Gate, RefusesConnectionsThatTheUserDoesNotHaveAlike)
{
    const std::string foreign = add(connection("github", "bob"));
    const std::string elsewhere = add(
        R"({"workspace":"other","user":"ann","provider":"github","credential":{"secret":"x"}})");
    const std::string own = add(connection("github", "ann"));
    const auto start = [&](const std::string& connections) {
        return ask("POST", "/api/runs", wish("r", R"("connections":)" + connections));
    };
    const reply absent = start(R"(["conn_01ARYZ6S41TSV4RRFFQ69G5FAV"])");
    EXPECT_EQ(absent.status, 422u);
    EXPECT_EQ(start("[\"" + foreign + "\"]").body, absent.body);
    EXPECT_EQ(start("[\"" + elsewhere + "\"]").body, absent.body);
    EXPECT_EQ(start(R"({"gmail":")" + own + "\"}").body, absent.body);
    EXPECT_EQ(start("[\"" + own + "\",\"" + own + "\"]").status, 422u);
    EXPECT_EQ(start("\"" + own + "\"").status, 400u);
    EXPECT_TRUE(ask("GET", "/api/runs?workspace=acme").body.at("items").as_array().empty());
}

TEST_F(Gate, CarriesScopesAndAccessIntoTheToken)
{
    const reply started = ask(
        "POST", "/api/runs",
        wish("r1", R"("scopes":{"github":["things:read"],"gmail":[]},"access":"read","ttl":"5m")"));
    ASSERT_EQ(started.status, 201u) << json::serialize(started.body);
    const json::object claims = claims_of(started);
    EXPECT_EQ(claims.at("access").as_string(), "read");
    EXPECT_EQ(claims.at("scopes").at("github").as_array().at(0).as_string(), "things:read");
    EXPECT_TRUE(claims.at("scopes").at("gmail").as_array().empty());
    EXPECT_EQ(
        claims.at("exp").to_number<std::int64_t>() - claims.at("iat").to_number<std::int64_t>(),
        300);
}

TEST_F(Gate, RefusesRunsThatAskForWhatIsNotThere)
{
    const auto code = [&](const std::string& more) {
        const reply refused = ask("POST", "/api/runs", wish("r", more));
        EXPECT_EQ(refused.status, 422u) << more;
        return refused.code();
    };
    EXPECT_EQ(code(R"("ttl":"25h")"), "invalid_request");
    EXPECT_EQ(code(R"("ttl":"0s")"), "invalid_request");
    EXPECT_EQ(code(R"("ttl":"soon")"), "invalid_request");
    EXPECT_EQ(code(R"("access":"all")"), "invalid_request");
    EXPECT_EQ(code(R"("scopes":{"gihub":["a"]})"), "unknown_provider");
    EXPECT_EQ(code(R"("scopes":{"github":["a b"]})"), "invalid_request");
    EXPECT_EQ(ask("POST", "/api/runs", wish("a b")).status, 422u);
    EXPECT_EQ(ask("POST", "/api/runs", wish(std::string(129, 'r'))).status, 422u);
    EXPECT_EQ(ask("POST", "/api/runs", R"({"workspace":"acme"})").status, 400u);
    EXPECT_EQ(ask("POST", "/api/runs", wish("r", R"("ttl":60)")).status, 400u);
    EXPECT_EQ(ask("POST", "/api/runs", R"({"workspace":"other","user":"u","app":"a","run":"r"})",
                  "platform-token")
                  .status,
              403u);
}

TEST_F(Gate, EndsRunsAlsoThoseItDoesNotKnow)
{
    ASSERT_EQ(ask("POST", "/api/runs", wish("r+1@x")).status, 201u);
    EXPECT_EQ(ask("DELETE", "/api/runs/r+1%40x?workspace=acme").status, 204u);
    EXPECT_EQ(ask("DELETE", "/api/runs/r+1%40x?workspace=acme").status, 204u);
    EXPECT_TRUE(ask("GET", "/api/runs?workspace=acme").body.at("items").as_array().empty());
    EXPECT_EQ(ask("DELETE", "/api/runs/minted-elsewhere?workspace=acme&wait=true").status, 204u);
    EXPECT_EQ(lines("run.ended").size(), 3u);
    EXPECT_EQ(lines("run.ended")[0].at("run").as_string(), "r+1@x");
    EXPECT_EQ(ask("POST", "/api/runs", wish("minted-elsewhere")).status, 409u)
        << "its tokens would be refused as long as the ended run's could live";
}

TEST_F(Gate, WantsToKnowWhoseRuns)
{
    EXPECT_EQ(ask("GET", "/api/runs").status, 400u);
    EXPECT_EQ(ask("DELETE", "/api/runs/r1").status, 400u);
    EXPECT_EQ(ask("DELETE", "/api/runs/r1?workspace=acme&wait=1").status, 400u);
    EXPECT_EQ(ask("DELETE", "/api/runs/a%20b?workspace=acme").status, 400u);
    EXPECT_EQ(ask("GET", "/api/runs?workspace=other", "", "platform-token").status, 403u);
    EXPECT_EQ(ask("DELETE", "/api/runs/r1?workspace=other", "", "platform-token").status, 403u);
}

TEST_F(Gate, HoldsARunBackUntilItsRequirementsAreMet)
{
    const std::string needs = R"("connects":["github",{"type":"category","id":"email"},)"
                              R"({"type":"specific","id":"shop","is_required":false}])";
    const reply refused = ask("POST", "/api/runs", wish("r1", needs));
    EXPECT_EQ(refused.status, 422u);
    EXPECT_EQ(refused.code(), "requirements_unsatisfied");
    EXPECT_EQ(refused.body.at("requirements").as_array().size(), 2u);
    EXPECT_EQ(ask("POST", "/api/runs", wish("r-test", needs + R"(,"is_test":true)")).status, 201u);
    add(connection("github", "ann"));
    add(connection("gmail", "bob", true));
    EXPECT_EQ(ask("POST", "/api/runs", wish("r1", needs)).status, 201u);
}

}  // namespace
}  // namespace sallyport::control
