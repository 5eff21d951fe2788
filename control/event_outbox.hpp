// Tells receivers what happens to connections: each event a POST of JSON, signed as Standard
// Webhooks has it, repeated until it is answered with a 2xx.
//
// An event is a note of the vault until it has arrived, so it survives a killed gate and any gate
// of the fleet may deliver it. A receiver gets its events in order of their ids, one at a time;
// while it does not answer all of them wait. The same event always has the same `webhook-id`: a
// receiver that has seen the id has seen the event. What happens between a change and its note
// being written is not told: the trail is the record, this is a courtesy.
//
// Receivers may change while it runs. What waits for one that is told of no longer is dropped; one
// that keeps its URL keeps what waits for it, whatever else of it changes.
//
// Threading: the control thread. Lifetime: the notebook and the HTTP client outlive it, and it
// outlives its coroutines, which end soon after stop().
// Limits:    event_life, event_waiting_max, delivery_limit, pauses up to pause_longest; an event
//            that a receiver refuses (4xx) is given up after refusals_max.
// Source:    https://www.standardwebhooks.com.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "control/settings.hpp"
#include "net/http_client.hpp"
#include "vault/connection.hpp"
#include "vault/notebook.hpp"

namespace sallyport::control {

constexpr std::chrono::hours event_life{72};
constexpr std::size_t event_waiting_max = 10'000;  // of one gate for one receiver
constexpr std::chrono::seconds delivery_limit{10};
constexpr std::chrono::seconds pause_longest{300};
constexpr unsigned refusals_max = 5;

// How long to leave a receiver alone after so many failures in a row: doubled each time.
std::chrono::milliseconds pause_after(unsigned failures) noexcept;

class event_outbox {
public:
    struct counts {
        std::uint64_t told = 0, delivered = 0, failed = 0, given_up = 0, dropped = 0;
    };
    struct receiver;
    using receivers = std::vector<std::shared_ptr<receiver>>;  // shared with their coroutines

    event_outbox(boost::asio::io_context& context, vault::notebook& notes, net::http_client& http,
                 const std::vector<webhook_target>& targets);
    ~event_outbox();
    event_outbox(const event_outbox&) = delete;
    event_outbox& operator=(const event_outbox&) = delete;

    // Other receivers from now on, prepared before anything else is changed. prepare() throws
    // std::runtime_error with one clear sentence where one cannot be told, change() does not.
    receivers prepare(const std::vector<webhook_target>& targets) const;
    void change(receivers fresh);

    // Begins to deliver what waits, from before the start too.
    void start();
    void stop();

    // Puts the event down for every receiver that wants it. What cannot be put down is logged.
    void tell(std::string_view kind, const vault::connection& record);

    counts totals() const noexcept { return *totals_; }

private:
    enum class progress : std::uint8_t { none, more, failed };
    boost::asio::awaitable<void> put_down(std::shared_ptr<receiver> to, vault::note event);
    bool tells(const std::string& kind) const;
    void begin(const std::shared_ptr<receiver>& to);
    boost::asio::awaitable<void> drop_waiting(std::shared_ptr<receiver> gone);
    boost::asio::awaitable<void> serve(std::shared_ptr<receiver> to);
    boost::asio::awaitable<progress> deliver_waiting(std::shared_ptr<receiver> to);
    boost::asio::awaitable<bool> deliver(std::shared_ptr<receiver> to, vault::note event);

    boost::asio::io_context& context_;
    vault::notebook& notes_;
    net::http_client& http_;
    const std::shared_ptr<counts> totals_ = std::make_shared<counts>();  // the receivers count too
    receivers receivers_;
    bool started_ = false;
};

}  // namespace sallyport::control
