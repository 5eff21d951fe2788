#include "control/listen.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <filesystem>
#include <fstream>
#include <string>

#include "control/client.hpp"
#include "tests/temporary_directory.hpp"

namespace sallyport::control {
namespace {

class Listener : public testing::Test {
protected:
    Listener() { address_.path = directory_.file("control.sock"); }

    // What listen_on throws, or nothing.
    std::string refusal()
    {
        try {
            acceptor_type acceptor(context_);
            listen_on(address_, acceptor, "control.listen");
        } catch (const std::runtime_error& error) {
            return error.what();
        }
        return {};
    }

    boost::asio::io_context context_;
    temporary_directory directory_;
    net::listen_address address_;
};

TEST_F(Listener, ReplacesTheSocketOfAGateThatDied)
{
    {
        acceptor_type first(context_);
        EXPECT_EQ(listen_on(address_, first, "control.listen"), "unix:" + address_.path);
    }
    ASSERT_TRUE(std::filesystem::exists(address_.path));
    EXPECT_EQ(refusal(), "");
}

TEST_F(Listener, LeavesASocketThatSomebodyListensOn)
{
    acceptor_type first(context_);
    listen_on(address_, first, "control.listen");
    EXPECT_EQ(refusal(), "control.listen: " + address_.path + ": another process listens there");
}

TEST_F(Listener, LeavesAFileThatIsNoSocket)
{
    std::ofstream(address_.path) << "precious";
    EXPECT_NE(refusal().find("not a socket"), std::string::npos);
    EXPECT_EQ(std::filesystem::file_size(address_.path), 8u);
}

TEST_F(Listener, RefusesAPathThatNoSocketCanHave)
{
    address_.path += std::string(120, 'x');
    EXPECT_NE(refusal().find("107 bytes"), std::string::npos);
}

TEST_F(Listener, SaysWhichPortTheKernelPicked)
{
    address_ = {};
    address_.host = "localhost";
    acceptor_type acceptor(context_);
    const std::string where = listen_on(address_, acceptor, "control.listen");
    EXPECT_TRUE(where.starts_with("http://127.0.0.1:")) << where;
    EXPECT_GT(std::stoi(where.substr(where.rfind(':') + 1)), 0);
}

TEST_F(Listener, NamesAnAddressThatCannotBeHad)
{
    address_ = {};
    address_.host = "192.0.2.1";
    EXPECT_TRUE(refusal().starts_with("control.listen: 192.0.2.1:0: "));
    address_.host = "no-address";
    EXPECT_TRUE(refusal().starts_with("control.listen: no-address:0: "));
}

TEST_F(Listener, MakesAClientWaitNoLongerThanItSaid)
{
    acceptor_type silent(context_);
    const client_options patience{listen_on(address_, silent, "control.listen"), "",
                                  std::chrono::milliseconds(50)};
    const auto start = std::chrono::steady_clock::now();
    const result<client_response> answer = call(patience, "GET", "/healthz", "");
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error(), boost::asio::error::timed_out);
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
}

TEST(Client, RefusesWhatItCannotSend)
{
    const auto error = [](std::string address, std::string token, std::string_view method,
                          std::string_view target) {
        const client_options options{std::move(address), std::move(token)};
        return call(options, method, target, "").error();
    };
    using boost::asio::error::invalid_argument;
    EXPECT_EQ(error("unix:", "", "GET", "/"), invalid_argument);
    EXPECT_EQ(error("unix:" + std::string(200, 'x'), "", "GET", "/"), invalid_argument);
    EXPECT_EQ(error("localhost", "", "GET", "/"), invalid_argument);
    EXPECT_EQ(error("http://localhost:1/path", "", "GET", "/"), invalid_argument);
    EXPECT_EQ(error("localhost:1", "a\r\nb", "GET", "/"), invalid_argument);
    EXPECT_EQ(error("localhost:1", "", "GE T", "/"), invalid_argument);
    EXPECT_EQ(error("localhost:1", "", "GET", "/a b"), invalid_argument);
    EXPECT_EQ(error("localhost:1", "", "GET", "a"), invalid_argument);
    EXPECT_EQ(error("unix:/no/such/socket", "", "GET", "/"),
              boost::system::errc::no_such_file_or_directory);
}

}  // namespace
}  // namespace sallyport::control
