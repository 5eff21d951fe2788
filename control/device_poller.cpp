#include "control/device_poller.hpp"

#include <spdlog/spdlog.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <algorithm>
#include <set>
#include <typeinfo>
#include <utility>
#include <vector>

#include "control/authorization.hpp"
#include "control/device_flow.hpp"

namespace sallyport::control {

namespace asio = boost::asio;

namespace {

constexpr auto as_result = asio::as_tuple(asio::use_awaitable);
constexpr std::chrono::seconds pause_shortest{1};

unix_micros micros(std::chrono::microseconds length) { return length.count(); }

void log_escaped(std::exception_ptr escaped)
{
    if (!escaped) {
        return;
    }
    try {
        std::rethrow_exception(escaped);
    } catch (const std::exception& bug) {
        spdlog::error("control: asking about a device threw {}", typeid(bug).name());
    }
}

}  // namespace

struct device_poller::state {
    state(asio::io_context& context_, services services_)
        : context(context_), gate(std::move(services_)), timer(context_)
    {
    }

    static asio::awaitable<void> run(std::shared_ptr<state> shared);
    static asio::awaitable<void> ask(std::shared_ptr<state> shared, std::string id);
    // Begins what is due; when to look again.
    static asio::awaitable<unix_micros> look(std::shared_ptr<state> shared);
    void wake();

    asio::io_context& context;
    services gate;
    asio::steady_timer timer;
    std::set<std::string> asking;  // by note
    bool is_woken = false;
    bool stopping = false;
};

void device_poller::state::wake()
{
    is_woken = true;
    timer.cancel();
}

asio::awaitable<void> device_poller::state::ask(std::shared_ptr<state> shared, std::string id)
{
    auto asking = ask_about_device(shared->gate, id, now_micros());
    const bool is_asked = co_await std::move(asking);
    // Whatever became of its note, it is not asked about again at once.
    asio::steady_timer pause(shared->context, pause_shortest);
    auto pausing = pause.async_wait(as_result);
    [[maybe_unused]] const auto [cancelled] = co_await std::move(pausing);
    shared->asking.erase(id);
    if (is_asked) {
        shared->wake();  // Its note has another time now; where another gate asks, it will have.
    }
}

asio::awaitable<unix_micros> device_poller::state::look(std::shared_ptr<state> shared)
{
    unix_micros next = now_micros() + micros(device_look_interval);
    std::string after;
    for (bool is_more = true; is_more && !shared->stopping;) {
        auto listing =
            shared->gate.vault.notes().list(std::string(device_kind), after, devices_listed);
        result<std::vector<vault::note>> found = co_await std::move(listing);
        if (!found) {
            co_return next;
        }
        is_more = found->size() == devices_listed;
        for (vault::note& one : *found) {
            const wiped_note device(std::move(one));
            after = device.get().id;
            const result<authorization> what = read_authorization(device.get().text);
            if (!what || shared->asking.contains(after)) {
                continue;  // The one is left to the sweep; the other wakes us.
            }
            if (what->device.next > now_micros()) {
                next = std::min(next, what->device.next);
            } else if (shared->asking.size() < device_polls_max) {
                shared->asking.insert(after);
                asio::co_spawn(shared->context, ask(shared, after), log_escaped);
            }
        }
    }
    co_return next;
}

asio::awaitable<void> device_poller::state::run(std::shared_ptr<state> shared)
{
    while (!shared->stopping) {
        shared->is_woken = false;
        auto looking = look(shared);
        const unix_micros next = co_await std::move(looking);
        if (shared->stopping || shared->is_woken) {
            continue;
        }
        shared->timer.expires_after(
            std::chrono::microseconds(std::max<unix_micros>(next - now_micros(), 0)));
        auto pausing = shared->timer.async_wait(as_result);
        [[maybe_unused]] const auto [cancelled] = co_await std::move(pausing);
    }
}

device_poller::device_poller(asio::io_context& context, services gate)
    : state_(std::make_shared<state>(context, std::move(gate)))
{
}

device_poller::~device_poller() { stop(); }

void device_poller::start() { asio::co_spawn(state_->context, state::run(state_), log_escaped); }

void device_poller::stop()
{
    state_->stopping = true;
    state_->wake();
}

}  // namespace sallyport::control
