#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/cli/program.hpp"

namespace sallyport::cli {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using RunCommand = GateTest;

std::vector<std::string> start_with(std::initializer_list<std::string> more)
{
    std::vector<std::string> arguments{"run", "start", "--workspace", "acme",  "--user",
                                       "ann", "--app", "triage",      "--run", "r1"};
    arguments.insert(arguments.end(), more);
    return arguments;
}

const std::string started =
    R"({"run":"r1","token":"header.claims.signature","expires_at":"2026-01-01T00:00:00.000000Z"})";

TEST_F(RunCommand, StartPrintsTheTokenAlone)
{
    gate.answer(201, started);
    EXPECT_EQ(run(start_with({})).out, "header.claims.signature\n");
    EXPECT_EQ(run(start_with({"--json"})).out, started + "\n");
    EXPECT_EQ(head_of(gate.asked()[0]), "POST /api/runs HTTP/1.1");
    EXPECT_EQ(body_of(gate.asked()[0]),
              R"({"workspace":"acme","user":"ann","app":"triage","run":"r1","ttl":"1h",)"
              R"("connections":[]})");
}

TEST_F(RunCommand, StartSendsConnectionsScopesAccessAndTimeToLive)
{
    gate.answer(201, started);
    run(start_with({"--connection", "conn_1", "--connection", "conn_2", "--scopes", "gmail=a,b",
                    "--scopes", "slack=", "--access", "read", "--ttl", "5m"}));
    EXPECT_EQ(body_of(gate.asked()[0]),
              R"({"workspace":"acme","user":"ann","app":"triage","run":"r1","ttl":"5m",)"
              R"("connections":["conn_1","conn_2"],"scopes":{"gmail":["a","b"],"slack":[]},)"
              R"("access":"read"})");
}

TEST_F(RunCommand, StartUnitesTheScopesOfAManifestsTools)
{
    home.write("app.yaml", R"(name: triage
tools:
  - {name: read, connector: gmail, scopes: [r, s]}
  - {name: send, connector: gmail, scopes: [s, t]}
  - {name: post, connector: slack, scopes: [chat]}
  - {name: think}
)");
    gate.answer(201, started);
    run(start_with({"--manifest", home.file("app.yaml"), "--scopes", "slack=less"}));
    EXPECT_THAT(body_of(gate.asked()[0]),
                HasSubstr(R"("scopes":{"gmail":["r","s","t"],"slack":["less"]})"));
}

TEST_F(RunCommand, StartNamesWhatIsWrongWithAManifest)
{
    home.write("app.yaml", "tools:\n  - {connector: gmail, scopes: all}\n");
    const outcome refused = run(start_with({"--manifest", home.file("app.yaml")}));
    EXPECT_EQ(refused.status, 2);
    EXPECT_EQ(refused.err, home.file("app.yaml") + ":2:32: expected a list\n");
    EXPECT_THAT(gate.asked(), IsEmpty());
}

TEST_F(RunCommand, StartRefusesWhatItCannotMean)
{
    EXPECT_EQ(run(start_with({"--ttl", "1 hour"})).status, 2);
    EXPECT_EQ(run(start_with({"--access", "all"})).status, 2);
    EXPECT_EQ(run(start_with({"--scopes", "gmail"})).status, 2);
    EXPECT_EQ(run({"run", "start", "--workspace", "acme"}).status, 2);
    EXPECT_THAT(gate.asked(), IsEmpty());
}

TEST_F(RunCommand, ListAndEndNameTheWorkspace)
{
    gate.answer(200, R"({"items":[{"run":"r1","app":"triage","workspace":"acme","user":"ann"}]})");
    EXPECT_THAT(run({"run", "list", "--workspace", "acme"}).out, HasSubstr("r1   triage  acme"));
    EXPECT_EQ(head_of(gate.asked()[0]), "GET /api/runs?workspace=acme&limit=1000 HTTP/1.1");
    gate.answer(204, "");
    EXPECT_EQ(run({"run", "end", "r@1", "--workspace", "acme"}).out, "ended r@1\n");
    EXPECT_EQ(head_of(gate.asked()[1]), "DELETE /api/runs/r%401?workspace=acme HTTP/1.1");
}

}  // namespace
}  // namespace sallyport::cli
