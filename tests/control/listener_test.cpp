// A listener's own limits, with small ones; what it serves is one refusal.
#include "control/listener.hpp"

#include <gtest/gtest.h>

#include <boost/asio/connect.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <thread>

#include "control/client_group.hpp"

namespace sallyport::control {
namespace {

namespace asio = boost::asio;
using tcp = asio::ip::tcp;
using namespace std::chrono_literals;

const std::string request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

class ListenerLimits : public testing::Test {
protected:
    void open(listener_limits limits)
    {
        net::listen_address address;
        address.host = "127.0.0.1";
        door_ = std::make_unique<listener>(context_, address, "test", limits,
                                           [](const head&) { return not_found(); });
        const std::string where = door_->open();
        port_ = where.substr(where.rfind(':') + 1);
        thread_ = std::thread([this] { context_.run(); });
    }
    void TearDown() override
    {
        asio::post(context_, [this] {
            door_->stop();
            working_.reset();
        });
        thread_.join();
    }

    tcp::socket caller()
    {
        tcp::socket socket(callers_);
        socket.connect(
            {asio::ip::address_v4::loopback(), static_cast<std::uint16_t>(std::stoi(port_))});
        return socket;
    }
    static void say(tcp::socket& socket, std::string_view text)
    {
        boost::system::error_code ignored;
        asio::write(socket, asio::buffer(text), ignored);
    }
    // All that comes until the listener closes.
    static std::string hear(tcp::socket& socket)
    {
        std::string heard;
        boost::system::error_code error;
        asio::read(socket, asio::dynamic_buffer(heard), error);
        EXPECT_EQ(error, asio::error::eof);
        return heard;
    }

    asio::io_context context_{1};
    asio::io_context callers_{1};
    std::unique_ptr<listener> door_;
    std::string port_;

private:
    asio::executor_work_guard<asio::io_context::executor_type> working_{context_.get_executor()};
    std::thread thread_;
};

TEST_F(ListenerLimits, ClosesWhoSaysNothingWhenAFirstHeadIsDue)
{
    open({.sessions_max = 8, .body_bytes_max = 0, .head = 200ms, .idle = 1h});
    tcp::socket silent = caller();
    EXPECT_EQ(hear(silent), "");
    tcp::socket halfway = caller();
    say(halfway, "GET / HT");
    EXPECT_EQ(hear(halfway), "");
}

TEST_F(ListenerLimits, ClosesWhoHasBeenIdleBetweenTwoRequests)
{
    open({.sessions_max = 8, .body_bytes_max = 0, .head = 1h, .idle = 200ms});
    tcp::socket idle = caller();
    say(idle, request);
    EXPECT_TRUE(hear(idle).starts_with("HTTP/1.1 404 "));
}

TEST_F(ListenerLimits, GivesOneClientItsShareOfTheSeats)
{
    open({.sessions_max = 8, .sessions_of_client_max = 2, .body_bytes_max = 0});
    tcp::socket first = caller();
    tcp::socket second = caller();
    tcp::socket third = caller();
    EXPECT_EQ(hear(third), "");
    for (tcp::socket* const seated : {&first, &second}) {
        say(*seated, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        EXPECT_TRUE(hear(*seated).starts_with("HTTP/1.1 404 "));
    }
}

TEST(ClientGroup, IsAnAddressOrANetwork)
{
    EXPECT_EQ(group_of("192.0.2.1:4711"), "192.0.2.1");
    EXPECT_EQ(group_of("[2001:db8::1]:4711"), group_of("[2001:db8::ffff:1]:1"));
    EXPECT_NE(group_of("[2001:db8::1]:4711"), group_of("[2001:db8:0:1::1]:4711"));
    EXPECT_EQ(group_of("unix"), "unix");
}

}  // namespace
}  // namespace sallyport::control
