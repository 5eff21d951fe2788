// Looking up host names without one that is slow keeping the others waiting.
//
// The system's look-up blocks the thread it runs on, for as long as the name's servers like. So it
// has threads of its own, of which the names of one domain get only some; a name that is asked for
// by many is looked up once, and one that nobody waits for any more not at all. Nothing is
// remembered.
//
// Threading: the thread that runs the io_context, which outlives it. Lifetime: it outlives its
// coroutines; its end waits for the look-ups that have begun. Limits: below.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/address.hpp>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.hpp"

namespace sallyport::net {

constexpr std::size_t lookups_max = 8;            // at once; each has a thread
constexpr std::size_t lookups_of_domain_max = 4;  // by a name's last two labels
constexpr std::size_t lookups_waiting_max = 1024;

class lookups {
public:
    using addresses = std::vector<boost::asio::ip::address>;
    // Blocks, on any thread; none: not found.
    using way = std::function<addresses(const std::string& host)>;

    explicit lookups(boost::asio::io_context& io, way look = ask_system);
    ~lookups();
    lookups(const lookups&) = delete;
    lookups& operator=(const lookups&) = delete;

    // An address stands for itself. errc::resolve_failed (there is none, or too many are waiting),
    // timed_out.
    boost::asio::awaitable<result<addresses>> find(std::string host,
                                                   std::chrono::steady_clock::time_point deadline);

    static addresses ask_system(const std::string& host);

private:
    struct state;
    std::shared_ptr<state> state_;  // shared with the look-ups under way
};

}  // namespace sallyport::net
