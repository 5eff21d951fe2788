// A gate with OAuth: the control server and the public one, and an authorization server that
// answers what a test tells it to.
#pragma once

#include <boost/asio/co_spawn.hpp>
#include <deque>
#include <future>
#include <map>
#include <mutex>

#include "control/public_server.hpp"
#include "gate.hpp"
#include "net/http_client.hpp"
#include "oauth/endpoint.hpp"
#include "tests/net/scripted_server.hpp"

namespace sallyport::control {

// Of everything that was answered.
std::string header(const std::string& response, const std::string& name);
bool has_status(const std::string& response, unsigned status);

class Connecting : public Gate {
protected:
    Connecting();
    ~Connecting() override;

    // What the token endpoint answers next; after that, 400.
    void grant(std::string body);
    // POST /api/connect/initiate for acme's ann at `local`, with these members besides.
    reply initiate(std::string_view more = "");
    static std::string parameter(std::string_view url, std::string_view name);
    // The browser comes back: everything the public listener said.
    std::string come_back(const std::string& query);
    std::string visit(const std::string& request);
    json::value shown(const std::string& id);
    std::string status_of(const std::string& id);
    // An active connection of ann's at `local`, by the whole flow.
    std::string connect();
    std::vector<vault::note> notes(std::string_view kind);
    void on_control_thread(const std::function<void()>& deed);
    // The same for a coroutine.
    template <class T>
    T run(boost::asio::awaitable<T> work);

    std::function<void()> meanwhile_;  // done once, while the token endpoint is being asked
    const std::string tokens_ =
        R"({"access_token": "planted-secret-1", "refresh_token": "planted-refresh",
            "token_type": "Bearer", "expires_in": 3600, "scope": "things:read"})";

    settings chosen_;
    std::unique_ptr<net::scripted_server> provider_;
    std::vector<std::string> told_;  // of notes that ask for a revocation

private:
    std::string answer_of(const std::string& request);
    std::shared_ptr<const policy::catalogue> own_catalogue() const;

    std::mutex lock_;
    std::deque<std::string> grants_;
    std::shared_ptr<const policy::catalogue> providers_;
    std::unique_ptr<net::http_client> http_;
    std::unique_ptr<oauth::endpoint> endpoint_;
    std::unique_ptr<server> inside_;
    std::unique_ptr<public_server> outside_;
    std::uint16_t public_port_ = 0;

protected:
    unsigned me_status_ = 200;  // what the test call is answered; before it is made
    services gate_;             // what the servers were given
};

template <class T>
T Connecting::run(boost::asio::awaitable<T> work)
{
    std::promise<T> done;
    auto future = done.get_future();
    boost::asio::co_spawn(context_, std::move(work), [&](std::exception_ptr bug, T got) {
        EXPECT_FALSE(bug);
        done.set_value(std::move(got));
    });
    return future.get();
}

}  // namespace sallyport::control
