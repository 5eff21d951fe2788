// One connection to Redis, from its dialling to its end: commands go out in order, answers come
// back in order, each to the command it belongs to. A connection of which an answer may be missing
// (a command timed out, its caller was cancelled, bytes made no sense) is closed as a whole and
// never used again, so no answer can reach another command.
//
// Threading: the io_context's thread. Lifetime: shared with the handlers of its own operations.
// Limits:    pipeline_max commands under way, queued_bytes_max waiting to be written.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <array>
#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "vault/redis_address.hpp"
#include "vault/redis_reply.hpp"

namespace sallyport::vault {

class redis_wire : public std::enable_shared_from_this<redis_wire> {
public:
    static constexpr std::size_t pipeline_max = 4096;
    static constexpr std::size_t queued_bytes_max = std::size_t{16} << 20;
    static constexpr std::chrono::seconds command_timeout{2};  // also for dialling and greeting

    struct waiter {
        explicit waiter(boost::asio::io_context& context) : ended(context) {}
        boost::asio::steady_timer ended;  // Cancelled when there is an outcome.
        std::optional<result<redis_reply>> outcome;
    };

    // `answered` is called for every answer, `closed` once, at the end, with a sentence that says
    // why.
    redis_wire(boost::asio::io_context& context, std::function<void()> answered,
               std::function<void(std::string)> closed);

    // Makes this a subscriber of `channels`, to be called before start(): what Redis then sends
    // unasked goes to `pushed`. It takes no commands.
    void subscribe(std::vector<std::string> channels,
                   std::function<void(const redis_reply&)> pushed);

    // Dials and greets: AUTH, SELECT, PING as the address wants them. Commands may be sent at once.
    void start(const redis_address& address);

    // Null if there is no room.
    std::shared_ptr<waiter> send(const std::vector<std::string_view>& words);

    // Everything waiting ends with errc::unavailable.
    void close(std::string why);

private:
    struct expected {
        std::shared_ptr<waiter> waiting;  // Null: part of the greeting,
        const char* refusal = nullptr;    // and this is what an error to it means.
    };

    void connect(const boost::asio::ip::tcp::resolver::results_type& where);
    void write();
    void read();
    void take(std::string_view bytes);
    bool enqueue(const std::vector<std::string_view>& words);
    void greet(const std::vector<std::string_view>& words, const char* refusal);

    boost::asio::io_context& context_;
    std::function<void()> answered_;
    std::function<void(std::string)> closed_;
    std::vector<std::string> channels_;
    std::function<void(const redis_reply&)> pushed_;
    boost::asio::ip::tcp::resolver resolver_;
    boost::asio::ip::tcp::socket socket_;
    boost::asio::steady_timer greeting_;  // The limit of dialling and greeting.
    redis_reader reader_;
    std::deque<expected> expected_;
    std::string queued_;
    std::string outgoing_;  // What is being written.
    std::array<char, 16384> input_;
    bool connected_ = false;
    bool ended_ = false;
};

}  // namespace sallyport::vault
