#include "control/audit_desk.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <optional>
#include <set>
#include <utility>

#include "audit/covered.hpp"
#include "audit/scan.hpp"

namespace sallyport::control {

namespace asio = boost::asio;

namespace {

constexpr auto as_result = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t items_max = 1024;  // of one look at the files

// Work on a thread of the desk's, and the control thread's wait for it.
struct job {
    explicit job(asio::io_context& context) : ended(context) {}
    asio::steady_timer ended;  // Cancelled when it is done.
    bool is_done = false;      // Of the control thread, as the timer.
    std::atomic<bool> abandoned = false;
};

}  // namespace

struct audit_desk::state {
    state(asio::io_context& with, std::string in) : context(with), directory(std::move(in)) {}

    // Starts the work; `one` says when it is done.
    void start(asio::thread_pool& on, const std::shared_ptr<job>& one, std::function<void()> work)
    {
        under_way.insert(one);
        asio::post(on, [this, one, work = std::move(work)] {
            work();
            asio::post(context, [one] {
                one->is_done = true;
                one->ended.cancel();
            });
        });
    }

    asio::io_context& context;
    const std::string directory;
    asio::thread_pool searchers{searches_max};
    asio::thread_pool followers{1};
    std::set<std::shared_ptr<job>> under_way;
    std::set<std::string> searching;  // the tokens
    std::size_t streams = 0;
    bool closed = false;
};

audit_desk::audit_desk(asio::io_context& context, std::string directory)
    : state_(std::make_shared<state>(context, std::move(directory)))
{
}

audit_desk::~audit_desk()
{
    state_->closed = true;
    for (const auto& one : state_->under_way) {
        one->abandoned = true;
    }
    state_->searchers.join();
    state_->followers.join();
}

asio::awaitable<audit_desk::outcome> audit_desk::run(std::string token, search work)
{
    const std::shared_ptr<state> desk = state_;
    if (desk->searching.contains(token)) {
        co_return outcome::token_is_busy;
    }
    if (desk->closed || desk->searching.size() >= searches_max) {
        co_return outcome::overloaded;
    }
    // Both places are given back when the search has ended, whoever waits for it or no longer does.
    struct seat {
        ~seat()
        {
            desk->searching.erase(token);
            desk->under_way.erase(one);
        }
        std::shared_ptr<state> desk;
        std::string token;
        std::shared_ptr<job> one;
    };
    const auto one = std::make_shared<job>(desk->context);
    desk->searching.insert(token);
    const seat place{desk, token, one};
    one->ended.expires_after(search_timeout);
    desk->start(desk->searchers, one,
                [desk, one, work = std::move(work)] { work(desk->directory, one->abandoned); });
    const auto [waited] = co_await one->ended.async_wait(as_result);
    static_cast<void>(waited);
    if (one->is_done) {
        co_return outcome::done;
    }
    one->abandoned = true;
    one->ended.expires_at(asio::steady_timer::time_point::max());
    while (!one->is_done) {
        const auto [again] = co_await one->ended.async_wait(as_result);
        static_cast<void>(again);
    }
    co_return outcome::took_too_long;
}

// Server-sent events of the trail's covered lines. The id of each is its place, so whoever comes
// back with it goes on exactly behind it.
class audit_desk::trail_events final : public event_source {
public:
    trail_events(std::shared_ptr<state> desk, filter may_see)
        : desk_(std::move(desk)), may_see_(std::move(may_see))
    {
        ++desk_->streams;
    }
    ~trail_events() override { --desk_->streams; }
    trail_events(const trail_events&) = delete;
    trail_events& operator=(const trail_events&) = delete;

    // False: there is no such place.
    asio::awaitable<bool> begin(std::optional<audit::place> after)
    {
        const auto at = std::make_shared<reading>();
        reading_ = at;
        auto working = work([at, after, directory = desk_->directory] {
            at->reader.emplace(directory);
            if (after) {
                at->found = at->reader->seek(*after);
            } else {
                at->reader->seek_to_end();
            }
        });
        co_await std::move(working);
        co_return at->found;
    }

    asio::awaitable<std::string> next() override
    {
        if (first_) {
            first_ = false;
            co_return std::string(": the trail of this gate\n\n");
        }
        const auto silent_until = asio::steady_timer::clock_type::now() + heartbeat_interval;
        while (!desk_->closed) {
            const auto at = reading_;
            const filter may_see = may_see_;
            auto working = work([at, may_see] { at->read(may_see); });
            co_await std::move(working);
            if (!at->events.empty()) {
                co_return std::exchange(at->events, std::string());
            }
            if (asio::steady_timer::clock_type::now() >= silent_until) {
                co_return std::string(":\n\n");
            }
            if (at->more) {
                continue;
            }
            asio::steady_timer pause(desk_->context, stream_interval);
            const auto [passed] = co_await pause.async_wait(as_result);
            static_cast<void>(passed);
        }
        co_return std::string();
    }

private:
    // What the desk's thread works on while the control thread waits.
    struct reading {
        std::optional<audit::covered_reader> reader;
        std::string events;
        bool found = true;
        bool more = false;

        void read(const filter& may_see)
        {
            const auto items = reader->read(items_max, event_bytes_max);
            more = !items.empty();
            for (const audit::covered_reader::item& one : items) {
                if (one.note != 0) {
                    continue;
                }
                const auto workspace = audit::find_member(one.text, "workspace");
                if (may_see(workspace ? audit::unescape(*workspace) : std::string())) {
                    events += "id: " + audit::to_string(one.at) + "\ndata: " + one.text + "\n\n";
                }
            }
        }
    };

    asio::awaitable<void> work(std::function<void()> what)
    {
        const auto desk = desk_;
        const auto one = std::make_shared<job>(desk->context);
        one->ended.expires_at(asio::steady_timer::time_point::max());
        desk->start(desk->followers, one, std::move(what));
        while (!one->is_done) {
            const auto [ended] = co_await one->ended.async_wait(as_result);
            static_cast<void>(ended);
        }
        desk->under_way.erase(one);
    }

    std::shared_ptr<state> desk_;
    filter may_see_;
    std::shared_ptr<reading> reading_;
    bool first_ = true;
};

answer search_refused(audit_desk::outcome ended)
{
    switch (ended) {
        case audit_desk::outcome::token_is_busy:
            return problem(429, "overloaded", "A search of this token's is still under way.");
        case audit_desk::outcome::took_too_long:
            return problem(503, "overloaded",
                           "The search took too long. Narrow it, or use `sallyport audit query`.");
        default: return problem(503, "overloaded", "Too many searches are under way.");
    }
}

asio::awaitable<answer> audit_desk::open_stream(std::string after, filter may_see)
{
    const std::optional<audit::place> place = audit::parse_place(after);
    if (!after.empty() && !place) {
        co_return problem(400, "bad_request", "Last-Event-ID is not an id of this stream.");
    }
    if (state_->closed || state_->streams >= streams_max) {
        co_return problem(503, "overloaded", "Too many streams are open. Close one, or try later.");
    }
    const auto events = std::make_shared<trail_events>(state_, std::move(may_see));
    auto beginning = events->begin(place);
    const bool found = co_await std::move(beginning);
    if (!found) {
        co_return problem(400, "bad_request", "Last-Event-ID names a place that this trail lacks.");
    }
    answer reply;
    reply.events = events;
    co_return reply;
}

}  // namespace sallyport::control
