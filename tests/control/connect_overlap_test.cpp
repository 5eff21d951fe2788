// Authorisations that something else happened to before they came back.
#include "connecting.hpp"
#include "control/authorization.hpp"

namespace sallyport::control {
namespace {

TEST_F(Connecting, DoesNotEndAnAttemptThatBeganWhileTheOneBeforeFailed)
{
    const reply first = initiate();
    const std::string id = first.text("connection_id");
    std::string second;
    meanwhile_ = [&] {
        second = initiate(R"("connection_id": ")" + id + '"').text("authorize_url");
    };
    EXPECT_TRUE(has_status(
        come_back("code=c-1&state=" + parameter(first.text("authorize_url"), "state")), 400));
    EXPECT_EQ(status_of(id), "pending");
    grant(tokens_);
    EXPECT_TRUE(has_status(come_back("code=c-2&state=" + parameter(second, "state")), 200));
    EXPECT_EQ(status_of(id), "active");
}

TEST_F(Connecting, LeavesTokensToBeRevokedThatCameTooLate)
{
    for (const std::string_view deed : {"/revoke", ""}) {
        const reply begun = initiate();
        const std::string path = "/api/connect/connections/" + begun.text("connection_id");
        unsigned done = 0;
        meanwhile_ = [&] {
            done = ask(deed.empty() ? "DELETE" : "POST", path + std::string(deed)).status;
        };
        grant(tokens_);
        EXPECT_TRUE(has_status(
            come_back("code=c-1&state=" + parameter(begun.text("authorize_url"), "state")), 400));
        EXPECT_EQ(done / 100, 2u);
        EXPECT_EQ(lines("connection.authorized").back().at("code").as_string(), "connection_gone");
        const auto left = notes(revocation_kind);
        ASSERT_FALSE(left.empty()) << deed;
        EXPECT_NE(left.back().text.find("planted-secret-1"), std::string::npos);
    }
    EXPECT_EQ(notes(revocation_kind).size(), 2u);
}

TEST_F(Connecting, FinishesNothingForAnotherConnectionOfTheSameId)
{
    const reply begun = initiate();
    const std::string id = begun.text("connection_id");
    ASSERT_EQ(ask("DELETE", "/api/connect/connections/" + id).status, 204u);
    ASSERT_EQ(ask("POST", "/api/connect/connections",
                  R"({"workspace": "acme", "user": "ann", "provider": "local", "kind": "oauth2",)"
                  R"( "name": "another", "id": ")" +
                      id + R"("})")
                  .status,
              201u);
    grant(tokens_);
    EXPECT_TRUE(has_status(
        come_back("code=c-1&state=" + parameter(begun.text("authorize_url"), "state")), 400));
    EXPECT_EQ(status_of(id), "added");
    EXPECT_TRUE(provider_->requests().empty());
}

TEST_F(Connecting, KeepsTheGrantInUseWhenMoreCameToNothing)
{
    const std::string id = connect();
    const reply more =
        initiate(R"("return_url": "https://app.example/done", "connection_id": ")" + id + '"');
    grant(tokens_);
    EXPECT_TRUE(has_status(
        come_back("code=c-1&state=" + parameter(more.text("authorize_url"), "state")), 303));
    EXPECT_EQ(ask("POST", "/api/connect/connections/" + id + "/cancel").status, 200u);
    EXPECT_EQ(status_of(id), "active");
    EXPECT_TRUE(notes(revocation_kind).empty());
    EXPECT_TRUE(notes(ticket_kind).empty());
}

}  // namespace
}  // namespace sallyport::control
