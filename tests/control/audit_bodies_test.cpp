#include <boost/asio/co_spawn.hpp>
#include <future>

#include "audit/body_files.hpp"
#include "base/encoding.hpp"
#include "gate.hpp"
#include "vault/sealed_body.hpp"

namespace sallyport::control {
namespace {

constexpr std::string_view call_id = "01ARYZ6S41TSV4RRFFQ69G5FAV";

class BodiesOverHttp : public Gate {
protected:
    BodiesOverHttp()
    {
        add(R"({"workspace":"acme","user":"ann","provider":"github","kind":"bearer",)"
            R"("credential":{"secret":"planted-secret-1"}})");
    }

    template <class T>
    T on_control(vault::task<T> work)
    {
        std::promise<result<T>> promised;
        auto answer = promised.get_future();
        boost::asio::co_spawn(context_, std::move(work), [&](std::exception_ptr, result<T> found) {
            promised.set_value(std::move(found));
        });
        return *answer.get();
    }

    // As the journal does it; also the outcome's line, unless it is to be missing.
    void keep(std::string_view bytes, bool with_line = true)
    {
        audit::captured_body body(16, "text/plain", "gzip");
        body.add(bytes);
        const vault::data_key key = on_control(keeper_->keys().body_key("acme"));
        vault::envelope box;
        const std::string sealed =
            vault::seal_body(box, key, {"acme", call_id, "response"}, body.text());
        const auto at = audit::open_directory((directory_ / "trail").string());
        ASSERT_TRUE(audit::body_writer(at.get()).append(
            {{std::string(call_id), "acme", audit::body_side::response, now_micros(), sealed}}));
        if (with_line) {
            const std::string proof = audit::proof_of(body.text());
            audit::entry outcome;
            outcome.kind = audit::kind::call_outcome;
            outcome.call_id = call_id;
            outcome.workspace = "acme";
            outcome.response_captured = 16;
            outcome.response_proof = proof;
            ASSERT_TRUE(writer_->append(outcome));
            ASSERT_TRUE(writer_->flush());
        }
    }
    reply read(std::string_view token = "auditor-token", std::string_view query = "?workspace=acme")
    {
        const std::string target =
            std::string("/api/audit/calls/").append(call_id).append("/bodies").append(query);
        return ask("GET", target, "", token);
    }
};

TEST_F(BodiesOverHttp, AreReadByAnAuditorWhoLeavesALine)
{
    keep("0123456789abcdef and more");
    const reply found = read();
    ASSERT_EQ(found.status, 200u) << json::serialize(found.body);
    const json::object& body = found.body.at("bodies").as_array().at(0).as_object();
    EXPECT_EQ(from_base64(body.at("data").as_string()), "0123456789abcdef");
    EXPECT_EQ(body.at("side").as_string(), "response");
    EXPECT_EQ(body.at("content_type").as_string(), "text/plain");
    EXPECT_EQ(body.at("content_encoding").as_string(), "gzip");
    EXPECT_EQ(body.at("bytes").as_int64(), 16);
    EXPECT_TRUE(body.at("truncated").as_bool());
    EXPECT_TRUE(body.at("proved").as_bool());
    const auto told = lines("body.read");
    ASSERT_EQ(told.size(), 1u);
    EXPECT_EQ(told[0].at("actor").as_string(), "token:auditor#2");
    EXPECT_EQ(told[0].at("call_id").as_string(), call_id);
    EXPECT_EQ(told[0].at("workspace").as_string(), "acme");
}

TEST_F(BodiesOverHttp, AreNobodyElses)
{
    keep("secret");
    for (const char* token : {"admin-token", "platform-token", "acme-admin-token"}) {
        EXPECT_EQ(read(token).status, 403u) << token;
    }
    EXPECT_EQ(read("wrong-token").status, 401u);
    EXPECT_TRUE(lines("body.read").empty());
}

TEST_F(BodiesOverHttp, BelongToTheirWorkspace)
{
    keep("secret");
    EXPECT_EQ(read("auditor-token", "?workspace=umbrella").status, 404u);
    EXPECT_EQ(read("auditor-token", "").status, 400u);
    EXPECT_EQ(read("auditor-token", "?workspace=acme&also=this").status, 400u);
    EXPECT_EQ(lines("body.read").size(), 2u) << "the attempt, and that it came to nothing";
}

TEST_F(BodiesOverHttp, AreNotReadWhereThatCannotBeRecorded)
{
    keep("secret");
    writer_->broken = true;
    const reply refused = read();
    EXPECT_EQ(refused.status, 503u);
    EXPECT_EQ(refused.code(), "audit_unavailable");
}

TEST_F(BodiesOverHttp, AreNotProvedWithoutTheirLine)
{
    keep("secret", false);
    const reply found = read();
    ASSERT_EQ(found.status, 200u);
    EXPECT_FALSE(found.body.at("bodies").as_array().at(0).at("proved").as_bool());
}

TEST_F(BodiesOverHttp, AreGoneWithTheirWorkspacesKey)
{
    keep("secret");
    EXPECT_EQ(ask("POST", "/api/keys/shred", R"({"workspace":"acme","confirm":"acme"})").status,
              200u);
    const reply gone = read();
    EXPECT_EQ(gone.status, 410u);
    EXPECT_EQ(gone.code(), "key_gone");
    EXPECT_EQ(lines("body.read").back().at("code").as_string(), "unreadable");
}

TEST_F(BodiesOverHttp, AreStillReadAfterARotation)
{
    keep("secret");
    EXPECT_EQ(ask("POST", "/api/keys/rotate", R"({"workspace":"acme"})").status, 200u);
    EXPECT_EQ(read().status, 200u);
    EXPECT_EQ(on_control(keeper_->keys().body_key("acme")).generation, 2u);
}

TEST_F(BodiesOverHttp, AreRefusedWhereTheirFileWasChanged)
{
    keep("secret");
    const auto file = directory_ / "trail" / "bodies-000001.sealed";
    std::fstream edited(file, std::ios::in | std::ios::out | std::ios::binary);
    edited.seekp(-1, std::ios::end);
    const char last = static_cast<char>(edited.peek());
    edited.put(static_cast<char>(last ^ 1));
    edited.close();
    const reply refused = read();
    EXPECT_EQ(refused.status, 500u);
    EXPECT_EQ(refused.code(), "corrupted");
}

}  // namespace
}  // namespace sallyport::control
