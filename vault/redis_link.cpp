#include "vault/redis_link.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <algorithm>
#include <random>

#include "vault/error.hpp"
#include "vault/redis_wire.hpp"

namespace sallyport::vault {

namespace asio = boost::asio;

namespace {

constexpr auto as_result = asio::as_tuple(asio::use_awaitable);
constexpr std::chrono::milliseconds first_pause{20};
constexpr std::chrono::milliseconds pause_max{1000};

// Closes the connection if its command was given up (timed out, cancelled, destroyed) unanswered.
struct close_unless_answered {
    std::shared_ptr<redis_wire> wire;
    std::shared_ptr<redis_wire::waiter> waiting;

    ~close_unless_answered()
    {
        if (!waiting->outcome) {
            wire->close("Redis does not answer in time");
        }
    }
};

}  // namespace

struct redis_link::state : std::enable_shared_from_this<state> {
    state(asio::io_context& with, std::shared_ptr<redis_site> at, redis_hooks heard)
        : context(with), site(std::move(at)), hooks(std::move(heard)), pause(with)
    {
    }

    asio::awaitable<void> keep_connected();
    void dialled(redis_dialled fresh);
    void lost(std::string why);
    void wake();
    std::chrono::milliseconds next_pause();
    asio::awaitable<std::shared_ptr<redis_wire>> connected();

    asio::io_context& context;
    std::shared_ptr<redis_site> site;
    redis_hooks hooks;
    asio::steady_timer pause;          // Between two attempts; cancelled when a connection is lost.
    asio::cancellation_signal stop;    // Ends keep_connected().
    std::shared_ptr<redis_wire> wire;  // Null while there is no connection.
    std::vector<std::shared_ptr<asio::steady_timer>> waiting;  // for the attempt under way
    bool dialling = false;
    std::string trouble;
    int failures = 0;  // since the last answer
    std::minstd_rand random{std::random_device()()};
};

// The first loss may be an idle connection's end; only from the second on it is worth waiting. Not
// all gates of a fleet come back at the same moment.
std::chrono::milliseconds redis_link::state::next_pause()
{
    if (failures <= 1) {
        return std::chrono::milliseconds(0);
    }
    const int doublings = std::min(failures - 2, 10);
    const auto longest = std::min(first_pause * (1 << doublings), pause_max);
    std::uniform_int_distribution<std::int64_t> among(longest.count() / 2, longest.count());
    return std::chrono::milliseconds(among(random));
}

asio::awaitable<void> redis_link::state::keep_connected()
{
    for (;;) {
        dialling = true;
        auto attempt = dial_redis(context, site);
        redis_dialled fresh = co_await std::move(attempt);
        dialled(std::move(fresh));
        while (wire) {
            pause.expires_at(asio::steady_timer::time_point::max());
            const auto [woken] = co_await pause.async_wait(as_result);
            static_cast<void>(woken);
        }
        pause.expires_after(next_pause());
        const auto [passed] = co_await pause.async_wait(as_result);
        static_cast<void>(passed);
    }
}

void redis_link::state::dialled(redis_dialled fresh)
{
    dialling = false;
    if (fresh.stream) {
        const std::weak_ptr<state> weak = weak_from_this();
        wire = std::make_shared<redis_wire>(
            context, std::move(fresh.stream),
            [weak] {
                if (const auto self = weak.lock()) {
                    self->failures = 0;
                }
            },
            [weak](std::string why) {
                if (const auto self = weak.lock()) {
                    self->lost(std::move(why));
                }
            });
        if (!hooks.channels.empty()) {
            wire->subscribe(hooks.channels, [weak](const redis_reply& reply) {
                if (const auto self = weak.lock()) {
                    self->hooks.pushed(reply);
                }
            });
        }
        wire->start();
        trouble.clear();
    } else {
        trouble = std::move(fresh.why);
        ++failures;
    }
    wake();
}

void redis_link::state::wake()
{
    for (const auto& one : std::exchange(waiting, {})) {
        one->cancel();
    }
}

void redis_link::state::lost(std::string why)
{
    wire.reset();
    trouble = std::move(why);
    ++failures;
    dialling = failures <= 1;  // Tried again at once: worth waiting for.
    if (hooks.lost) {
        hooks.lost();
    }
    pause.cancel();
}

// Null: there is none, and none came in time.
asio::awaitable<std::shared_ptr<redis_wire>> redis_link::state::connected()
{
    if (!wire && dialling && waiting.size() < redis_wire::pipeline_max) {
        const auto turn = std::make_shared<asio::steady_timer>(context);
        turn->expires_after(redis_wire::command_timeout);
        waiting.push_back(turn);
        const auto [woken] = co_await turn->async_wait(as_result);
        static_cast<void>(woken);
        std::erase(waiting, turn);
    }
    co_return wire;
}

redis_link::redis_link(asio::io_context& context, std::shared_ptr<redis_site> site,
                       redis_hooks hooks)
    : state_(std::make_shared<state>(context, std::move(site), std::move(hooks)))
{
    state_->dialling = true;
    asio::co_spawn(
        context, state_->keep_connected(),
        asio::bind_cancellation_slot(state_->stop.slot(), [self = state_](std::exception_ptr) {}));
}

redis_link::~redis_link()
{
    const std::shared_ptr<redis_wire> wire = std::move(state_->wire);
    state_->hooks = redis_hooks();
    state_->stop.emit(asio::cancellation_type::terminal);
    if (wire) {
        wire->close("the link is closed");
    }
    state_->dialling = false;
    state_->wake();
}

std::string redis_link::trouble() const { return state_->trouble; }

void redis_link::drop(std::string why)
{
    if (const std::shared_ptr<redis_wire> wire = state_->wire) {
        wire->close(std::move(why));
    }
}

asio::awaitable<result<redis_reply>> redis_link::ask(std::vector<std::string> words)
{
    const auto kept = state_;
    auto connecting = kept->connected();
    const std::shared_ptr<redis_wire> wire = co_await std::move(connecting);
    const std::vector<std::string_view> views(words.begin(), words.end());
    const auto waiting = wire ? wire->send(views) : nullptr;
    if (!waiting) {
        co_return errc::unavailable;
    }
    const close_unless_answered guard{wire, waiting};
    const auto [ignored] = co_await waiting->ended.async_wait(as_result);
    static_cast<void>(ignored);
    if (!waiting->outcome) {
        co_return errc::unavailable;
    }
    co_return std::move(*waiting->outcome);
}

}  // namespace sallyport::vault
