#include "control/housekeeping.hpp"

#include <spdlog/spdlog.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

#include "control/authorization.hpp"
#include "control/connection_access.hpp"
#include "control/guarded.hpp"

namespace sallyport::control {

namespace asio = boost::asio;

namespace {

constexpr auto as_result = asio::as_tuple(asio::use_awaitable);
constexpr std::string_view claim_name = "housekeeping";
constexpr std::chrono::milliseconds claim_length{120'000};

asio::awaitable<void> end_one(const services& gate, attempt over)
{
    auto showing = gate.vault.show(over.connection_id);
    const result<vault::connection> shown = co_await std::move(showing);
    if (shown && shown->status == vault::status::pending) {
        audit::entry line = line_about(audit::kind::connection_updated, *shown);
        line.code = "authorization_expired";
        line.detail = "authorisation expired";
        if (!record(gate, line)) {
            co_return;  // Another time.
        }
    }
    auto discarding = discard(gate, over);
    co_await std::move(discarding);
    auto restoring = restore(gate, std::move(over), "the authorisation was not finished in time");
    co_await std::move(restoring);
}

}  // namespace

asio::awaitable<void> end_abandoned(const services& gate, unix_micros now)
{
    const unix_micros before = now - std::chrono::microseconds(abandonment_grace).count();
    std::string after;
    for (bool is_more = true; is_more;) {
        auto listing =
            gate.vault.notes().list(std::string(connecting_kind), after, abandoned_at_once);
        const result<std::vector<vault::note>> found = co_await std::move(listing);
        if (!found) {
            co_return;
        }
        for (const vault::note& one : *found) {
            const result<attempt> over = read_attempt(one);
            if (over && over->until < before) {
                auto ending = end_one(gate, *over);
                co_await std::move(ending);
            }
            after = one.id;
        }
        is_more = found->size() == abandoned_at_once;
    }
}

struct housekeeper::state {
    state(asio::io_context& context_, services services_)
        : context(context_), gate(std::move(services_)), timer(context_)
    {
    }

    static asio::awaitable<void> run(std::shared_ptr<state> shared);
    static asio::awaitable<void> leave(std::shared_ptr<state> shared, held_credential orphan);
    asio::awaitable<void> keep_house();

    asio::io_context& context;
    services gate;
    asio::steady_timer timer;
    bool stopping = false;
};

asio::awaitable<void> housekeeper::state::keep_house()
{
    auto claiming = gate.vault.notes().claim(std::string(claim_name), claim_length);
    const result<std::optional<std::uint64_t>> claim = co_await std::move(claiming);
    if (!claim || !claim->has_value()) {
        co_return;
    }
    auto ending = end_abandoned(gate, now_micros());
    co_await std::move(ending);
    auto releasing = gate.vault.notes().release(std::string(claim_name), **claim);
    [[maybe_unused]] const result<void> released = co_await std::move(releasing);
}

asio::awaitable<void> housekeeper::state::leave(std::shared_ptr<state> shared,
                                                held_credential orphan)
{
    auto leaving = leave_to_revocation(shared->gate, std::move(orphan));
    co_await std::move(leaving);
}

asio::awaitable<void> housekeeper::state::run(std::shared_ptr<state> shared)
{
    while (!shared->stopping) {
        shared->timer.expires_after(housekeeping_interval);
        const auto [cancelled] = co_await shared->timer.async_wait(as_result);
        if (!cancelled) {
            auto keeping = shared->keep_house();
            co_await std::move(keeping);
        }
    }
}

housekeeper::housekeeper(asio::io_context& context, services services)
    : state_(std::make_shared<state>(context, services)), devices_(context, std::move(services))
{
}

housekeeper::~housekeeper() { stop(); }

void housekeeper::start()
{
    asio::co_spawn(state_->context, state::run(state_), log_escaped("housekeeping"));
    devices_.start();
}

void housekeeper::tell(const vault::lifecycle_event& event)
{
    using what = vault::lifecycle_kind;
    const bool is_over = event.what == what::reauth_required;
    audit::entry line = line_about(
        is_over ? audit::kind::connection_reauth_required : audit::kind::connection_refreshed,
        event.record);
    if (event.what == what::refresh_failed) {
        line.code = "refresh_failed";
        line.detail = "not done";
    } else if (event.what == what::orphaned) {
        line.code = "connection_gone";
        line.detail = "the tokens are not kept";
    }
    if (!record(state_->gate, line)) {
        spdlog::error("{} of {} could not be written to the trail", to_string(event.what),
                      event.record.id);
    }
    if (event.what == what::refreshed || is_over) {
        state_->gate.tell(to_string(event.what), event.record);
    }
    if (event.what == what::orphaned && event.orphan) {
        asio::co_spawn(state_->context, state::leave(state_, copy_of(event.record, *event.orphan)),
                       log_escaped("housekeeping"));
    }
}

bool housekeeper::record_refreshing(const vault::connection& about)
{
    return static_cast<bool>(
        record(state_->gate, line_about(audit::kind::connection_refreshing, about)));
}

void housekeeper::stop()
{
    state_->stopping = true;
    state_->timer.cancel();
    devices_.stop();
}

}  // namespace sallyport::control
