// Where the trail is read for callers: searches and live streams, on threads of their own, so that
// no search keeps the control thread from its work.
//
// Threading: the io_context's thread; what is handed over works on the desk's threads and touches
// nothing but what it was given. Lifetime: made after the io_context and gone before it; a session
// that outlives the desk is not served by it any more.
// Limits: searches_max at once and one of each token's, each search_timeout long; streams_max.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "control/answer.hpp"

namespace sallyport::control {

class audit_desk {
public:
    static constexpr std::size_t searches_max = 2;
    static constexpr std::size_t streams_max = 16;
    static constexpr std::chrono::seconds search_timeout{20};
    static constexpr std::chrono::milliseconds stream_interval{250};  // between looks at the files
    static constexpr std::chrono::seconds heartbeat_interval{15};
    static constexpr std::size_t event_bytes_max = std::size_t{256} << 10;  // of one write

    audit_desk(boost::asio::io_context& context, std::string directory);
    ~audit_desk();  // Abandons what is under way and waits until it is.
    audit_desk(const audit_desk&) = delete;
    audit_desk& operator=(const audit_desk&) = delete;

    enum class outcome : std::uint8_t { done, token_is_busy, overloaded, took_too_long };
    // It looks at `abandoned` now and then, and ends when that is set.
    using search =
        std::function<void(const std::string& directory, const std::atomic<bool>& abandoned)>;
    boost::asio::awaitable<outcome> run(std::string token, search work);

    // Whether a line of this workspace may be seen; empty: the line has none.
    using filter = std::function<bool(std::string_view workspace)>;
    // The answer that streams the trail from behind the place `after` on (empty: from now on), or
    // the answer that refuses it.
    boost::asio::awaitable<answer> open_stream(std::string after, filter may_see);

private:
    class trail_events;
    struct state;
    std::shared_ptr<state> state_;  // shared with what is under way
};

// The answer to a search that is not done.
answer search_refused(audit_desk::outcome ended);

}  // namespace sallyport::control
