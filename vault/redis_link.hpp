// The connection of a gate to its Redis: pipelined, limited in time, found and opened again with
// growing pauses when it is lost. After a failover that means the new master.
//
// Threading: the io_context's thread. Lifetime: what is asked may outlive the link and then ends
// with errc::unavailable.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "vault/redis_dial.hpp"
#include "vault/redis_reply.hpp"

namespace sallyport::vault {

// What the owner of a link hears of it. Called on the io_context's thread, never from inside the
// link's own functions but drop().
struct redis_hooks {
    std::vector<std::string> channels;  // Not empty: a subscriber, which takes no commands.
    std::function<void(const redis_reply&)> pushed;
    // A connection ended: whatever is answered from now on may come from another server.
    std::function<void()> lost;
};

class redis_link {
public:
    redis_link(boost::asio::io_context& context, std::shared_ptr<redis_site> site,
               redis_hooks hooks = redis_hooks());
    ~redis_link();
    redis_link(const redis_link&) = delete;
    redis_link& operator=(const redis_link&) = delete;

    // One command; while a connection is being made it waits for that. errc::unavailable: it was
    // not sent, or whether it was carried out is not known. A reply of kind error is a value here.
    boost::asio::awaitable<result<redis_reply>> ask(std::vector<std::string> words);

    // Empty while the connection stands, or while the first one is being made.
    std::string trouble() const;
    // Ends the connection and dials again.
    void drop(std::string why);

private:
    struct state;
    std::shared_ptr<state> state_;
};

}  // namespace sallyport::vault
