// One connection to Redis, from its greeting to its end: commands go out in order, answers come
// back in order, each to the command it belongs to. A connection of which an answer may be missing
// (a command timed out, its caller was cancelled, bytes made no sense) is closed as a whole and
// never used again, so no answer can reach another command. So is one whose server says it is no
// master any more.
//
// Threading: the io_context's thread. Lifetime: shared with the handlers of its own operations.
// Limits:    pipeline_max commands under way, queued_bytes_max waiting to be written.
#pragma once

#include <boost/asio/io_context.hpp>
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

#include "vault/redis_reply.hpp"
#include "vault/redis_stream.hpp"

namespace sallyport::vault {

class redis_wire : public std::enable_shared_from_this<redis_wire> {
public:
    static constexpr std::size_t pipeline_max = 4096;
    static constexpr std::size_t queued_bytes_max = std::size_t{16} << 20;
    static constexpr std::chrono::seconds command_timeout{2};

    struct waiter {
        explicit waiter(boost::asio::io_context& context) : ended(context) {}
        boost::asio::steady_timer ended;  // Cancelled when there is an outcome.
        std::optional<result<redis_reply>> outcome;
    };

    // Takes over a stream from dial_redis. `answered` is called for every answer, `closed` once, at
    // the end, with a sentence that says why.
    redis_wire(boost::asio::io_context& context, std::unique_ptr<redis_stream> stream,
               std::function<void()> answered, std::function<void(std::string)> closed);

    // Makes this a subscriber of `channels`, to be called before start(): what Redis then sends
    // unasked goes to `pushed`. It takes no commands.
    void subscribe(const std::vector<std::string>& channels,
                   std::function<void(const redis_reply&)> pushed);

    void start();

    // Null if there is no room.
    std::shared_ptr<waiter> send(const std::vector<std::string_view>& words);

    // Everything waiting ends with errc::unavailable.
    void close(std::string why);

private:
    void write();
    void read();
    void take(std::string_view bytes);
    void give(redis_reply reply);

    boost::asio::io_context& context_;
    std::unique_ptr<redis_stream> stream_;
    std::function<void()> answered_;
    std::function<void(std::string)> closed_;
    std::function<void(const redis_reply&)> pushed_;
    redis_reader reader_;
    std::deque<std::shared_ptr<waiter>> waiting_;
    std::string queued_;
    std::string outgoing_;  // What is being written.
    std::array<char, 16384> input_;
    bool ended_ = false;
};

}  // namespace sallyport::vault
