#include "control/idempotency.hpp"

#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <set>

#include "connecting.hpp"

namespace sallyport::control {
namespace {

class Repeated : public Gate {
protected:
    static std::string head_and_body(const std::string& target, const std::string& key,
                                     const std::string& body, const std::string& token)
    {
        return "POST " + target + " HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + token +
               "\r\nIdempotency-Key: " + key +
               "\r\nConnection: close\r\nContent-Length: " + std::to_string(body.size()) +
               "\r\n\r\n" + body;
    }
    // On any thread: what the fixture has heard is not touched.
    std::string raw_of(const std::string& target, const std::string& key, const std::string& body)
    {
        boost::asio::io_context context;
        boost::asio::local::stream_protocol::socket socket(context);
        socket.connect(boost::asio::local::stream_protocol::endpoint(directory_ / "control.sock"));
        boost::asio::write(socket,
                           boost::asio::buffer(head_and_body(target, key, body, "admin-token")));
        std::string heard;
        error_code ended;
        boost::asio::read(socket, boost::asio::dynamic_buffer(heard), ended);
        return heard;
    }

    reply send(const std::string& target, const std::string& key, const std::string& body,
               const std::string& token = "admin-token")
    {
        const std::string raw = send_raw(head_and_body(target, key, body, token));
        reply heard;
        heard.status = static_cast<unsigned>(std::stoul(raw.substr(9, 3)));
        tag_ = raw.find("ETag: ") == std::string::npos ? "" : raw.substr(raw.find("ETag: "), 9);
        error_code error;
        heard.body = json::parse(raw.substr(raw.find("\r\n\r\n") + 4), error);
        return heard;
    }

    static constexpr const char* connections = "/api/connect/connections";
    std::string tag_;
};

const std::string connection =
    R"({"workspace":"acme","user":"ann","provider":"github","credential":{"secret":"planted-secret-1"}})";

TEST_F(Repeated, RequestsAreDoneOnce)
{
    const reply first = send(connections, "key-1", connection);
    ASSERT_EQ(first.status, 201u) << json::serialize(first.body);
    const std::string tag = tag_;
    const reply second = send(connections, "key-1", connection);
    EXPECT_EQ(second.status, 201u);
    EXPECT_EQ(second.body, first.body);
    EXPECT_EQ(tag_, tag);
    EXPECT_FALSE(tag.empty());
    EXPECT_NE(send(connections, "key-2", connection).text("id"), first.text("id"));
    EXPECT_EQ(lines("connection.added").size(), 2u);
}

TEST_F(Repeated, RunsGetTheSameToken)
{
    const std::string body = R"({"workspace":"acme","user":"ann","app":"x","run":"r1"})";
    const reply first = send("/api/runs", "key-1", body);
    ASSERT_EQ(first.status, 201u) << json::serialize(first.body);
    EXPECT_EQ(send("/api/runs", "key-1", body).body, first.body);
    EXPECT_EQ(send("/api/runs", "key-2", body).code(), "already_exists");
    EXPECT_EQ(trail().find(first.text("token")), std::string::npos);
}

TEST_F(Repeated, KeysWithAnotherBodyAreRefused)
{
    ASSERT_EQ(send(connections, "key-1", connection).status, 201u);
    const std::string other =
        R"({"workspace":"acme","user":"bob","provider":"github","credential":{"secret":"a"}})";
    const reply refused = send(connections, "key-1", other);
    EXPECT_EQ(refused.status, 422u);
    EXPECT_EQ(refused.code(), "idempotency_key_reused");
}

TEST_F(Repeated, KeysAreEachTokensAndEachRoutesOwn)
{
    const reply first = send(connections, "key-1", connection);
    const reply second = send(connections, "key-1", connection, "platform-token");
    EXPECT_EQ(second.status, 201u);
    EXPECT_NE(first.text("id"), second.text("id"));
    EXPECT_EQ(send("/api/runs", "key-1", R"({"workspace":"acme","user":"ann","app":"x","run":"r"})")
                  .status,
              201u);
}

TEST_F(Repeated, RequestsThatWereRefusedMayBeMadeAgain)
{
    const std::string body =
        R"({"workspace":"acme","user":"ann","app":"x","run":"r1","connects":["github"]})";
    EXPECT_EQ(send("/api/runs", "key-1", body).code(), "requirements_unsatisfied");
    add(connection);
    EXPECT_EQ(send("/api/runs", "key-1", body).status, 201u);
}

TEST_F(Repeated, RequestsAllAtOnceAreDoneOnce)
{
    std::vector<std::string> answers(8);
    std::vector<std::thread> callers;
    for (std::string& answer : answers) {
        callers.emplace_back([&] { answer = raw_of(connections, "key-1", connection); });
    }
    for (std::thread& caller : callers) {
        caller.join();
    }
    std::set<std::string> made;
    for (const std::string& answer : answers) {
        if (answer.starts_with("HTTP/1.1 201 ")) {
            made.insert(answer.substr(answer.find("\r\n\r\n")));
        } else {
            EXPECT_NE(answer.find("idempotency_key_in_use"), std::string::npos) << answer;
        }
    }
    EXPECT_EQ(made.size(), 1u);
    EXPECT_EQ(lines("connection.added").size(), 1u);
}

TEST_F(Repeated, KeysThatAreNoneAreRefused)
{
    EXPECT_EQ(send(connections, "a b", connection).status, 400u);
    EXPECT_EQ(send(connections, std::string(256, 'k'), connection).status, 400u);
    EXPECT_EQ(send(connections, std::string(255, 'k'), connection).status, 201u);
}

TEST_F(Repeated, NothingIsRememberedForAWorkspaceThatIsAnothers)
{
    const std::string foreign =
        R"({"workspace":"globex","user":"ann","provider":"github","credential":{"secret":"a"}})";
    ASSERT_EQ(send(connections, "key-1", foreign).status, 201u);
    EXPECT_EQ(send(connections, "key-1", foreign, "platform-token").code(), "forbidden");
}

// The server that can begin authorisations, asked under a key.
class RepeatedConnecting : public Connecting {
protected:
    reply send(const std::string& target, const std::string& body)
    {
        const std::string raw =
            exchange("POST " + target +
                     " HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer platform-token\r\n"
                     "Idempotency-Key: key-1\r\nConnection: close\r\nContent-Length: " +
                     std::to_string(body.size()) + "\r\n\r\n" + body);
        reply heard;
        heard.status = static_cast<unsigned>(std::stoul(raw.substr(9, 3)));
        error_code error;
        heard.body = json::parse(raw.substr(raw.find("\r\n\r\n") + 4), error);
        return heard;
    }

private:
    std::string exchange(const std::string& request)
    {
        boost::asio::io_context context;
        boost::asio::local::stream_protocol::socket socket(context);
        socket.connect(
            boost::asio::local::stream_protocol::endpoint(directory_ / "connecting.sock"));
        boost::asio::write(socket, boost::asio::buffer(request));
        std::string heard;
        error_code ended;
        boost::asio::read(socket, boost::asio::dynamic_buffer(heard), ended);
        return heard;
    }
};

TEST_F(RepeatedConnecting, BeginsOneAuthorisation)
{
    const std::string wish = R"({"workspace":"acme","user":"ann","provider":"local")";
    const reply first = send("/api/connect/initiate", wish + "}");
    ASSERT_EQ(first.status, 200u) << json::serialize(first.body);
    const reply again = send("/api/connect/initiate", wish + "}");
    EXPECT_EQ(again.status, 200u);
    EXPECT_EQ(again.body, first.body);
    EXPECT_EQ(
        ask("GET", "/api/connect/connections?workspace=acme").body.at("items").as_array().size(),
        1u);
    EXPECT_EQ(lines("connection.added").size(), 1u);
    EXPECT_EQ(send("/api/connect/initiate", wish + R"(,"scopes":["things:read"]})").code(),
              "idempotency_key_reused");
    // The link that was told twice works, once.
    grant(tokens_);
    const std::string state = parameter(again.text("authorize_url"), "state");
    EXPECT_TRUE(has_status(come_back("code=c-1&state=" + state), 200));
    EXPECT_EQ(status_of(first.text("connection_id")), "active");
    EXPECT_EQ(trail().find(state), std::string::npos);
}

TEST_F(RepeatedConnecting, CompletesOnceAndSaysSoAgain)
{
    const reply begun = initiate(R"("return_url": "https://app.example/done")");
    ASSERT_EQ(begun.status, 200u) << json::serialize(begun.body);
    grant(tokens_);
    const std::string back =
        come_back("code=c-1&state=" + parameter(begun.text("authorize_url"), "state"));
    ASSERT_TRUE(has_status(back, 303)) << back;
    const std::string body = R"({"workspace":"acme","user":"ann","ticket":")" +
                             parameter(header(back, "Location"), "ticket") + "\"}";
    const reply first = send("/api/connect/complete", body);
    ASSERT_EQ(first.status, 200u) << json::serialize(first.body);
    EXPECT_EQ(first.text("status"), "active");
    EXPECT_EQ(send("/api/connect/complete", body).body, first.body);
    EXPECT_EQ(ask("POST", "/api/connect/complete", body).code(), "not_found");
}

}  // namespace
}  // namespace sallyport::control
