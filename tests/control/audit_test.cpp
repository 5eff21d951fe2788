#include <sys/socket.h>
#include <sys/time.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/write.hpp>
#include <set>

#include "gate.hpp"

namespace sallyport::control {
namespace {

namespace asio = boost::asio;

// A caller of the stream, who reads what comes until there is enough.
class listener {
public:
    listener(const std::filesystem::path& socket, const std::string& token,
             const std::string& more = "", const std::string& query = "")
        : socket_(context_)
    {
        socket_.connect(asio::local::stream_protocol::endpoint(socket));
        const timeval patience{30, 0};
        ::setsockopt(socket_.native_handle(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        asio::write(socket_, asio::buffer("GET /api/audit/stream" + query +
                                          " HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + token +
                                          "\r\n" + more + "\r\n"));
    }

    // Until so many events came; false: the stream ended or stayed silent before.
    bool read_events(std::size_t count)
    {
        return read_until([&] { return events().size() >= count; });
    }
    bool read_text(std::string_view text)
    {
        return read_until([&] { return heard_.find(text) != std::string::npos; });
    }

    struct event {
        std::string id;
        json::object line;
    };
    std::vector<event> events() const
    {
        std::vector<event> out;
        for (std::size_t at = 0; (at = heard_.find("id: ", at)) != std::string::npos; ++at) {
            const std::size_t id_end = heard_.find('\n', at);
            const std::size_t end = heard_.find("\n\n", at);
            if (end == std::string::npos) {
                break;
            }
            const std::size_t data = id_end + 1 + std::string_view("data: ").size();
            out.push_back({heard_.substr(at + 4, id_end - at - 4),
                           json::parse(heard_.substr(data, end - data)).as_object()});
        }
        return out;
    }
    const std::string& heard() const { return heard_; }

private:
    template <class Enough>
    bool read_until(Enough enough)
    {
        while (!enough()) {
            char block[4096];
            const ssize_t got = ::recv(socket_.native_handle(), block, sizeof block, 0);
            if (got <= 0) {
                return false;
            }
            heard_.append(block, static_cast<std::size_t>(got));
        }
        return true;
    }

    asio::io_context context_;
    asio::local::stream_protocol::socket socket_;
    std::string heard_;
};

class TrailOverHttp : public Gate {
protected:
    void fill(int count, const std::string& workspace = "acme")
    {
        for (int i = 0; i < count; ++i) {
            add(R"({"workspace":")" + workspace + R"(","user":"ann","provider":"github"})");
        }
    }
    // Every page from the first to the last, as the ids of their lines.
    std::vector<std::string> pages(const std::string& query, std::size_t& count)
    {
        std::vector<std::string> ids;
        std::string cursor;
        for (count = 0; count < 100;) {
            const reply page = ask("GET", "/api/audit?" + query + cursor, "", "auditor-token");
            EXPECT_EQ(page.status, 200u) << json::serialize(page.body);
            for (const json::value& line : page.body.at("items").as_array()) {
                ids.emplace_back(line.at("id").as_string());
            }
            ++count;
            if (page.body.at("next").is_null()) {
                break;
            }
            cursor = "&cursor=" + page.text("next");
        }
        return ids;
    }
    std::filesystem::path socket() const { return directory_ / "control.sock"; }
};

TEST_F(TrailOverHttp, AnswersTheNewestLinesFirst)
{
    fill(3);
    const reply found = ask("GET", "/api/audit?kind=connection.added&limit=2", "", "auditor-token");
    ASSERT_EQ(found.status, 200u) << json::serialize(found.body);
    const json::array& items = found.body.at("items").as_array();
    ASSERT_EQ(items.size(), 2u);
    EXPECT_EQ(items[0].at("workspace").as_string(), "acme");
    EXPECT_GT(items[0].at("seq").as_int64(), items[1].at("seq").as_int64());
    EXPECT_TRUE(found.body.at("next").is_string());
}

TEST_F(TrailOverHttp, GivesEveryLineOncePageByPage)
{
    fill(23);
    std::size_t count = 0;
    const auto ids = pages("kind=connection.added&limit=5", count);
    EXPECT_EQ(count, 5u);
    EXPECT_EQ(ids.size(), 23u);
    EXPECT_EQ(std::set<std::string>(ids.begin(), ids.end()).size(), 23u);
    EXPECT_TRUE(std::is_sorted(ids.rbegin(), ids.rend()));
}

TEST_F(TrailOverHttp, SearchesByEveryParameter)
{
    const std::string id = add(R"({"workspace":"acme","user":"ann","provider":"github"})");
    fill(2, "other");
    const auto count = [&](const std::string& query) {
        const reply found = ask("GET", "/api/audit?kind=connection.added&" + query);
        EXPECT_EQ(found.status, 200u) << query << json::serialize(found.body);
        return found.status == 200 ? found.body.at("items").as_array().size() : 99;
    };
    EXPECT_EQ(count("workspace=other"), 2u);
    EXPECT_EQ(count("connection=" + id), 1u);
    EXPECT_EQ(count("user=ann&provider=github&workspace=acme"), 1u);
    EXPECT_EQ(count("since=1h"), 3u);
    EXPECT_EQ(count("until=1h"), 0u);
    EXPECT_EQ(count("since=2020-01-01&until=2120-01-01T00:00:00Z"), 3u);
    for (const char* name : {"app", "run", "operation", "class", "code", "status", "call"}) {
        EXPECT_EQ(count(std::string(name) + "=nothing"), 0u) << name;
    }
}

TEST_F(TrailOverHttp, ShowsEachTokenItsWorkspacesAlone)
{
    fill(1, "acme");
    fill(2, "other");
    const reply found = ask("GET", "/api/audit", "", "acme-admin-token");
    ASSERT_EQ(found.status, 200u);
    EXPECT_EQ(found.body.at("items").as_array().size(), 1u);
    EXPECT_EQ(ask("GET", "/api/audit?workspace=other", "", "acme-admin-token").status, 403u);
    EXPECT_EQ(ask("GET", "/api/audit?workspace=", "", "acme-admin-token").status, 403u);
    EXPECT_EQ(ask("GET", "/api/audit/stream?workspace=other", "", "acme-admin-token").status, 403u);
    EXPECT_EQ(ask("GET", "/api/audit", "", "platform-token").status, 403u);
    EXPECT_EQ(ask("GET", "/api/audit/stream", "", "platform-token").status, 403u);
}

TEST_F(TrailOverHttp, SaysWhatIsWrongWithAQuery)
{
    const auto refusal = [&](const std::string& query) {
        const reply found = ask("GET", "/api/audit?" + query);
        EXPECT_EQ(found.status, 400u) << query;
        EXPECT_EQ(found.code(), "bad_request");
        return found.status == 400 ? found.text("detail") : std::string();
    };
    EXPECT_NE(refusal("since=yesterday").find("`since`"), std::string::npos);
    EXPECT_NE(refusal("until=").find("`until`"), std::string::npos);
    EXPECT_NE(refusal("limit=0").find("`limit`"), std::string::npos);
    EXPECT_NE(refusal("limit=1001").find("1000"), std::string::npos);
    EXPECT_NE(refusal("cursor=5").find("`cursor`"), std::string::npos);
    EXPECT_NE(refusal("workspce=acme").find("workspace, user"), std::string::npos);
}

TEST_F(TrailOverHttp, StreamsWhatIsAddedFromNowOn)
{
    fill(1);
    listener caller(socket(), "auditor-token");
    ASSERT_TRUE(caller.read_text("the trail of this gate"));
    EXPECT_NE(caller.heard().find("text/event-stream"), std::string::npos);
    fill(2);
    ASSERT_TRUE(caller.read_events(2)) << caller.heard();
    EXPECT_EQ(caller.events()[0].line.at("kind").as_string(), "connection.added");
}

TEST_F(TrailOverHttp, ResumesExactlyBehindAnyEvent)
{
    listener first(socket(), "auditor-token", "Last-Event-ID: 0-0\r\n");
    fill(6);
    ASSERT_TRUE(first.read_events(6)) << first.heard();
    const auto all = first.events();
    for (std::size_t i = 0; i + 1 < all.size(); ++i) {
        listener again(socket(), "auditor-token", "Last-Event-ID: " + all[i].id + "\r\n");
        const std::size_t rest = all.size() - i - 1;
        ASSERT_TRUE(again.read_events(rest));
        const auto events = again.events();
        ASSERT_EQ(events.size(), rest);
        for (std::size_t k = 0; k < rest; ++k) {
            EXPECT_EQ(events[k].id, all[i + 1 + k].id);
            EXPECT_EQ(events[k].line, all[i + 1 + k].line);
        }
    }
}

TEST_F(TrailOverHttp, StreamsEachTokenItsWorkspacesAlone)
{
    listener caller(socket(), "acme-admin-token", "Last-Event-ID: 0-0\r\n");
    listener narrowed(socket(), "auditor-token", "Last-Event-ID: 0-0\r\n", "?workspace=acme");
    fill(2, "other");
    fill(1, "acme");
    for (listener* one : {&caller, &narrowed}) {
        ASSERT_TRUE(one->read_events(1)) << one->heard();
        ASSERT_EQ(one->events().size(), 1u);
        EXPECT_EQ(one->events()[0].line.at("workspace").as_string(), "acme");
    }
}

TEST_F(TrailOverHttp, RefusesToResumeWhereTheTrailNeverWas)
{
    for (const char* id : {"x", "99999-1", "7"}) {
        listener caller(socket(), "auditor-token",
                        "Last-Event-ID: " + std::string(id) + "\r\nConnection: close\r\n");
        EXPECT_FALSE(caller.read_events(1));
        EXPECT_NE(caller.heard().find("400 Bad Request"), std::string::npos) << id;
    }
}

TEST_F(TrailOverHttp, BoundsItsStreamsAndGivesTheirPlacesBack)
{
    std::vector<std::unique_ptr<listener>> callers;
    for (std::size_t i = 0; i < audit_desk::streams_max; ++i) {
        callers.push_back(std::make_unique<listener>(socket(), "auditor-token"));
        ASSERT_TRUE(callers.back()->read_text("the trail of this gate"));
    }
    listener refused(socket(), "auditor-token", "Connection: close\r\n");
    EXPECT_FALSE(refused.read_events(1));
    EXPECT_NE(refused.heard().find("overloaded"), std::string::npos) << refused.heard();
    callers.clear();
    for (bool served = false; !served;) {
        fill(1);  // Where nobody reads any more, a write finds out.
        listener next(socket(), "auditor-token", "Connection: close\r\n");
        served = next.read_text("the trail of this gate");
    }
}

class Desk : public testing::Test {
protected:
    asio::io_context context_;
};

TEST_F(Desk, BoundsSearchesOverallAndPerToken)
{
    std::atomic<bool> go_on = false;
    std::vector<audit_desk::outcome> outcomes;
    audit_desk desk(context_, "nowhere");
    const auto begin = [&](const std::string& token) {
        audit_desk::search work = [&](const std::string&, const std::atomic<bool>& abandoned) {
            while (!go_on && !abandoned) {
                std::this_thread::yield();
            }
        };
        asio::co_spawn(context_, desk.run(token, std::move(work)),
                       [&](std::exception_ptr, audit_desk::outcome ended) {
                           outcomes.push_back(ended);
                           go_on = outcomes.size() >= 2;
                       });
    };
    begin("a");
    begin("a");
    begin("b");
    begin("c");
    context_.run();
    using outcome = audit_desk::outcome;
    EXPECT_EQ(outcomes, (std::vector{outcome::token_is_busy, outcome::overloaded, outcome::done,
                                     outcome::done}));
}

TEST_F(Desk, AbandonsItsSearchesWhenItGoes)
{
    bool was_abandoned = false;
    {
        audit_desk desk(context_, "nowhere");
        audit_desk::search work = [&](const std::string&, const std::atomic<bool>& abandoned) {
            while (!abandoned) {
                std::this_thread::yield();
            }
            was_abandoned = true;
        };
        asio::co_spawn(context_, desk.run("a", std::move(work)), asio::detached);
        context_.poll();
    }
    EXPECT_TRUE(was_abandoned);
}

}  // namespace
}  // namespace sallyport::control
