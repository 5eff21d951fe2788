#include "vault/redis_link.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <algorithm>

#include "vault/error.hpp"
#include "vault/redis_wire.hpp"

namespace sallyport::vault {

namespace asio = boost::asio;

namespace {

constexpr auto as_result = asio::as_tuple(asio::use_awaitable);
constexpr std::chrono::milliseconds first_pause{20};
constexpr std::chrono::milliseconds pause_max{1000};

// The first loss may be an idle connection's end; only from the second on it is worth waiting.
std::chrono::milliseconds pause_after(int failures) noexcept
{
    if (failures <= 1) {
        return std::chrono::milliseconds(0);
    }
    const int doublings = std::min(failures - 2, 10);
    return std::min(first_pause * (1 << doublings), pause_max);
}

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
    state(asio::io_context& with, redis_address at, redis_hooks heard)
        : context(with), address(std::move(at)), hooks(std::move(heard)), pause(with)
    {
    }

    void open()
    {
        const std::weak_ptr<state> weak = weak_from_this();
        wire = std::make_shared<redis_wire>(
            context,
            [weak] {
                if (const auto self = weak.lock()) {
                    self->failures = 0;
                    self->trouble.clear();
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
        wire->start(address);
    }

    void lost(std::string why)
    {
        wire.reset();
        trouble = std::move(why);
        ++failures;
        if (hooks.lost) {
            hooks.lost();
        }
        pause.expires_after(pause_after(failures));
        pause.async_wait([weak = weak_from_this()](const error_code& stopped) {
            const auto self = weak.lock();
            if (self && !stopped && !self->wire) {
                self->open();
            }
        });
    }

    asio::io_context& context;
    redis_address address;
    redis_hooks hooks;
    asio::steady_timer pause;
    std::shared_ptr<redis_wire> wire;  // Null between two attempts.
    std::string trouble;
    int failures = 0;
};

redis_link::redis_link(asio::io_context& context, redis_address address, redis_hooks hooks)
    : state_(std::make_shared<state>(context, std::move(address), std::move(hooks)))
{
    state_->open();
}

redis_link::~redis_link()
{
    const std::shared_ptr<redis_wire> wire = std::move(state_->wire);
    state_.reset();
    if (wire) {
        wire->close("the link is closed");
    }
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
    const std::shared_ptr<redis_wire> wire = state_->wire;
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
