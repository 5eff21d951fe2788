#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdio.h>

#include "cli/completion.hpp"
#include "cli/output.hpp"
#include "tests/cli/program.hpp"

namespace sallyport::cli {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

constexpr const char* provider_file = R"(id: demo
name: Demo
category: Testing
base_url: "https://api.demo.example"
credentials:
  - kind: bearer
    inject: [{in: header, name: Authorization, value: "Bearer {secret}"}]
scopes:
  - {id: "notes:read", class: read, description: "Read your notes"}
  - {id: "notes:write", class: write, description: "Write them"}
scope_implies: {"notes:write": ["notes:read"]}
rules:
  - {operation: notes.get, class: read, methods: [GET], path: "/v1/notes/{id}", scopes: [["notes:read"]]}
)";

class Commands : public testing::Test {
protected:
    Commands()
    {
        config::settings_directory::filled(home);
        std::filesystem::create_directory(home.file("providers"));
        home.write("providers/demo.yaml", provider_file);
        home.write("gate.yaml", "catalogue: [\"providers\"]\n");
    }
    std::string config() const { return home.file("gate.yaml"); }

    config::settings_directory home;
};

TEST_F(Commands, EndWithTwoForWrongUsage)
{
    for (const std::vector<std::string>& wrong :
         {std::vector<std::string>{},
          {"dance"},
          {"connection"},
          {"connection", "dance"},
          {"init"},
          {"check", "--config"},
          {"check", "--dance"},
          {"run", "end", "r1"},
          {"policy", "explain", "GET", "/"},
          {"audit", "verify"},
          {"audit", "tail", "-n", "-1"},
          {"connection", "add", "--workspace", "a", "--user", "b", "--provider", "c", "--kind",
           "d"},
          {"connection", "add", "--workspace", "a", "--user", "b", "--provider", "c", "--secret",
           "hunter2"}}) {
        const outcome ended = run(wrong);
        EXPECT_EQ(ended.status, 2) << testing::PrintToString(wrong);
        EXPECT_EQ(ended.out, "") << testing::PrintToString(wrong);
        EXPECT_NE(ended.err, "") << testing::PrintToString(wrong);
    }
}

TEST_F(Commands, HelpWithEveryCommand)
{
    CLI::App app;
    add_commands(app);
    const auto every = [](const CLI::App*) { return true; };
    std::vector<std::vector<std::string>> paths{{}};
    for (const CLI::App* family : app.get_subcommands(every)) {
        paths.push_back({family->get_name()});
        for (const CLI::App* command : family->get_subcommands(every)) {
            paths.push_back({family->get_name(), command->get_name()});
        }
    }
    EXPECT_GT(paths.size(), 20U);
    for (std::vector<std::string> path : paths) {
        path.emplace_back("--help");
        const outcome helped = run(path);
        EXPECT_EQ(helped.status, 0) << testing::PrintToString(path);
        EXPECT_THAT(helped.out, HasSubstr("Usage: sallyport"));
    }
    EXPECT_THAT(run({"--version"}).out, testing::MatchesRegex("sallyport [0-9.]+\n"));
}

TEST_F(Commands, InitMakesWhatCheckFindsNoProblemsWith)
{
    const outcome made = run({"init", home.file("new")});
    EXPECT_EQ(made.status, 0) << made.err;
    const outcome checked = run({"check", "--config", home.file("new/sallyport.yaml")});
    EXPECT_EQ(checked.status, 0) << checked.out;
    const outcome again = run({"init", home.file("new")});
    EXPECT_EQ(again.status, 1);
    EXPECT_THAT(again.err, HasSubstr("is not empty: it holds catalogue, control.token"));
    EXPECT_THAT(run({"init", home.file("other"), "--json"}).out,
                StartsWith("{\"directory\":\"" + home.file("other") + "\",\"files\":["));
}

TEST_F(Commands, CheckPrintsProblemsOfConfigurationAndCatalogueWithTheirPositions)
{
    home.write("gate.yaml", "catalogue: [\"providers\"]\nproxy: {worker: 1}\n");
    home.write("providers/broken.yaml", "id: broken\nname: [\n");
    const outcome checked = run({"check", "--config", config()});
    EXPECT_EQ(checked.status, 2);
    EXPECT_THAT(checked.out, StartsWith(config() + ":2:9: unknown key \"worker\"\n" +
                                        home.file("providers/broken.yaml") + ":"));
    EXPECT_EQ(checked.err, "sallyport: 2 problems\n");
    EXPECT_THAT(run({"check", "--config", config(), "--json"}).out,
                StartsWith("[{\"file\":\"" + config() +
                           "\",\"line\":2,\"column\":9,\"message\":\"unknown key"));
}

TEST_F(Commands, CheckOfAFileThatIsNotThereEndsWithTwo)
{
    const outcome checked = run({"check", "--config", home.file("absent.yaml")});
    EXPECT_EQ(checked.status, 2);
    EXPECT_THAT(checked.out, StartsWith(home.file("absent.yaml") + ":0:0: "));
}

TEST_F(Commands, ProvidersReadPleasantly)
{
    const outcome listed = run({"provider", "list", "--config", config()});
    EXPECT_EQ(listed.out,
              "CATEGORY  PROVIDER  NAME  CREDENTIALS  SCOPES  RULES  BASE URL\n"
              "Testing   demo      Demo  bearer       2       1      https://api.demo.example\n");
    const outcome shown = run({"provider", "show", "demo", "--config", config()});
    EXPECT_THAT(shown.out, HasSubstr("  SCOPE        CLASS  WHAT IT ALLOWS\n"
                                     "  notes:read   read   Read your notes\n"));
    EXPECT_THAT(run({"provider", "show", "demo", "--config", config(), "--json"}).out,
                HasSubstr(R"("kinds":["bearer"])"));
    EXPECT_EQ(run({"provider", "show", "nobody", "--config", config()}).status, 1);
}

TEST_F(Commands, ExplainAnswersInTheFixedShape)
{
    const auto explain = [&](const char* scopes, const char* method, const char* path) {
        return run({"policy", "explain", "--config", config(), "--provider", "demo", "--scopes",
                    scopes, "--json", method, path});
    };
    const outcome allowed = explain("notes:write", "GET", "/v1/notes/7?x=1");
    EXPECT_EQ(allowed.status, 0) << allowed.err;
    EXPECT_THAT(allowed.out, StartsWith(R"({"decision":"allow","operation":"notes.get",)"
                                        R"("class":"read","rule":")"));
    EXPECT_THAT(allowed.out, HasSubstr(R"("missing_scopes":[])"));
    EXPECT_THAT(explain("", "GET", "/v1/notes/7").out,
                HasSubstr(R"("missing_scopes":[["notes:read"]])"));
    const outcome denied = explain("*", "POST", "/v1/notes/7");
    EXPECT_EQ(denied.status, 0);
    EXPECT_EQ(denied.out, R"({"decision":"deny","operation":null,"class":null,"rule":null,)"
                          R"("missing_scopes":[]})"
                          "\n");
}

TEST_F(Commands, ExplainInWordsNamesTheScopes)
{
    const outcome told = run(
        {"policy", "explain", "--config", config(), "--provider", "demo", "GET", "/v1/notes/7"});
    EXPECT_EQ(told.status, 0) << told.err;
    EXPECT_THAT(told.out, StartsWith("deny       "));
    EXPECT_THAT(told.out, HasSubstr("\noperation  notes.get (read)\n"));
    EXPECT_THAT(told.out, HasSubstr("\nmissing    notes:read\n"));
    EXPECT_EQ(
        run({"policy", "explain", "--config", config(), "--provider", "nobody", "GET", "/"}).status,
        1);
}

TEST_F(Commands, OfflineOnesNeedNoKey)
{
    std::filesystem::remove(home.file("master.key"));
    EXPECT_EQ(run({"provider", "list", "--config", config()}).status, 0);
    EXPECT_EQ(run({"provider", "list", "--config", home.file("absent.yaml")}).status, 2);
}

TEST_F(Commands, VerifyEndsWithOneAndNamesTheFirstBadLine)
{
    std::filesystem::create_directory(home.file("trail"));
    home.write("trail/gate.w0.1.jsonl", "{\"id\":\"no line of a trail\"}\n");
    const outcome verified = run({"audit", "verify", home.file("trail")});
    EXPECT_EQ(verified.status, 1);
    EXPECT_THAT(verified.err, StartsWith("sallyport: gate.w0.1.jsonl:"));
    EXPECT_THAT(run({"audit", "verify", home.file("trail"), "--json"}).out,
                StartsWith(R"({"sound":false,"first_bad":")"));
}

TEST_F(Commands, CompleteInBashWhatTheTreeHolds)
{
    CLI::App app;
    add_commands(app);
    home.write("completion.bash",
               bash_completion(app) +
                   "COMP_WORDS=(sallyport connection add --sec); COMP_CWORD=3; _sallyport\n"
                   "echo \"${COMPREPLY[@]}\"\n"
                   "COMP_WORDS=(sallyport run ''); COMP_CWORD=2; _sallyport\n"
                   "echo \"${COMPREPLY[@]}\"\n");
    FILE* shell = ::popen(("bash '" + home.file("completion.bash") + "' 2>&1").c_str(), "r");
    ASSERT_NE(shell, nullptr);
    char text[1024] = {};
    const std::size_t size = ::fread(text, 1, sizeof text - 1, shell);
    EXPECT_EQ(::pclose(shell), 0);
    EXPECT_EQ(std::string(text, size), "--secret-file\nstart list end --help\n");
}

TEST_F(Commands, CompleteInEveryShellEveryCommand)
{
    for (const char* shell : {"bash", "zsh", "fish"}) {
        const outcome written = run({"completion", shell});
        EXPECT_EQ(written.status, 0);
        for (const char* command : {"'connection add'", "'run start'", "'audit verify'", "init"}) {
            EXPECT_THAT(written.out, HasSubstr(command)) << shell;
        }
    }
}

TEST(Output, AlignsColumnsByWhatIsSeen)
{
    std::ostringstream out;
    table lines({"A", "B"});
    lines.add({"\xC3\xA4\xC3\xB6", "x"});
    lines.add({"", "\x1b[31m"});
    lines.print(out);
    EXPECT_EQ(out.str(), "A   B\n\xC3\xA4\xC3\xB6  x\n-   ?[31m\n");
}

TEST(Output, SaysTimesAsOneSaysThem)
{
    constexpr unix_micros second = 1'000'000;
    constexpr unix_micros now = 1'763'633'315 * second;
    EXPECT_EQ(relative_time(now - 5 * second, now), "5s ago");
    EXPECT_EQ(relative_time(now - 180 * second, now), "3m ago");
    EXPECT_EQ(relative_time(now + 7200 * second, now), "in 2h");
    EXPECT_EQ(relative_time(now - 86'400 * 10 * second, now), "10d ago");
    EXPECT_EQ(relative_time(0, now), "1970-01-01T00:00:00.000000Z");
    EXPECT_EQ(relative_time("no time", now), "-");
}

}  // namespace
}  // namespace sallyport::cli
