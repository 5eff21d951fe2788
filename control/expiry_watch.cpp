#include "control/expiry_watch.hpp"

#include <spdlog/spdlog.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <set>
#include <string>
#include <utility>

#include "control/guarded.hpp"
#include "vault/error.hpp"

namespace sallyport::control {

namespace asio = boost::asio;

namespace {

using namespace std::chrono_literals;

constexpr std::chrono::seconds look_interval = 1h;
constexpr std::chrono::seconds retry_interval = 30s;
constexpr std::chrono::milliseconds claim_length = 600s;

// With one of these a connection gets its next token by itself.
constexpr std::string_view renewing_fields[] = {"refresh_token", "private_key"};

bool renews(const vault::credential& fields)
{
    bool has_token = false;
    for (const vault::credential_field& field : fields) {
        has_token = has_token || field.name == "access_token";
        for (const std::string_view name : renewing_fields) {
            if (field.name == name && !field.value.reveal().empty()) {
                return true;
            }
        }
    }
    return !has_token;  // A client's own credential: it asks for a token whenever it needs one.
}

}  // namespace

struct expiry_watch::state {
    state(asio::io_context& context, vault::keeper& vault_given, audit::writer& trail_given,
          std::chrono::milliseconds ahead_given, listener told_given)
        : io(context),
          vault(vault_given),
          trail(trail_given),
          ahead(ahead_given),
          told(std::move(told_given)),
          timer(context)
    {
    }

    bool is_near(const vault::connection& record) const
    {
        const unix_micros now = now_micros();
        return record.status == vault::status::active && record.expires_at > now &&  // never is 0
               record.expires_at <= now + std::chrono::microseconds(ahead).count();
    }

    asio::io_context& io;
    vault::keeper& vault;
    audit::writer& trail;
    std::chrono::milliseconds ahead;
    const listener told;
    asio::steady_timer timer;
    std::set<std::string> expiring;  // ids
    bool looked = false;
    bool stale = false;  // the time of warning has changed since the last look began
    bool stopped = false;
};

expiry_watch::expiry_watch(asio::io_context& context, vault::keeper& vault, audit::writer& trail,
                           std::chrono::milliseconds ahead, listener told)
    : state_(std::make_shared<state>(context, vault, trail, ahead, std::move(told)))
{
}

expiry_watch::~expiry_watch() { stop(); }

void expiry_watch::start()
{
    asio::co_spawn(state_->io, serve(state_), log_escaped("watching expiries"));
}

void expiry_watch::stop()
{
    state_->stopped = true;
    state_->timer.cancel();
}

void expiry_watch::use(std::chrono::milliseconds ahead)
{
    if (ahead != state_->ahead) {
        state_->ahead = ahead;
        state_->stale = true;
        state_->timer.cancel();
    }
}

void expiry_watch::look_at(const vault::connection& record)
{
    if (!state_->is_near(record)) {
        state_->expiring.erase(record.id);
        return;
    }
    asio::co_spawn(state_->io, look_at_one(state_, record), log_escaped("watching expiries"));
}

void expiry_watch::forget(const vault::connection& record) { state_->expiring.erase(record.id); }

std::uint64_t expiry_watch::expiring() const noexcept { return state_->expiring.size(); }

asio::awaitable<void> expiry_watch::serve(std::shared_ptr<state> self)
{
    while (!self->stopped) {
        auto looking = guarded(look(self), "watching expiries");
        co_await std::move(looking);
        if (self->stopped) {
            break;
        }
        if (self->stale) {
            continue;
        }
        self->timer.expires_after(self->looked ? look_interval : retry_interval);
        auto pausing = self->timer.async_wait(asio::as_tuple(asio::use_awaitable));
        [[maybe_unused]] const auto [woken] = co_await std::move(pausing);
    }
}

asio::awaitable<void> expiry_watch::look(std::shared_ptr<state> self)
{
    self->looked = false;
    self->stale = false;
    auto claiming = self->vault.notes().claim("sweep:expiry", claim_length);
    const result<std::optional<std::uint64_t>> claim = co_await std::move(claiming);
    if (!claim || !*claim) {
        co_return;  // Another gate looks: soon it has told of all, and there is only to count.
    }
    self->looked = true;
    std::set<std::string> expiring;
    std::string after;
    for (bool more = true; more && !self->stopped;) {
        auto listing = self->vault.list("", "", after, connections_listed);
        result<std::vector<vault::connection>> page = co_await std::move(listing);
        self->looked = self->looked && page;
        more = page && page->size() == connections_listed;
        after = more ? page->back().id : after;
        for (std::size_t i = 0; page && i < page->size(); ++i) {
            const std::string id = (*page)[i].id;
            auto judging = judge(self, std::move((*page)[i]));
            const bool ending = co_await std::move(judging);
            if (ending && expiring.size() < expiring_max) {
                expiring.insert(id);
            }
        }
    }
    self->expiring = std::move(expiring);
    auto releasing = self->vault.notes().release("sweep:expiry", **claim);
    [[maybe_unused]] const result<void> released = co_await std::move(releasing);
}

asio::awaitable<void> expiry_watch::look_at_one(std::shared_ptr<state> self,
                                                vault::connection record)
{
    const std::string id = record.id;
    auto judging = judge(self, std::move(record));
    const bool ending = co_await std::move(judging);
    if (!ending) {
        self->expiring.erase(id);
    } else if (self->expiring.size() < expiring_max) {
        self->expiring.insert(id);
    }
    if (!self->looked) {
        self->timer.cancel();  // It could not be told of: that is tried again soon.
    }
}

// Whether it is about to end; then it is told of.
asio::awaitable<bool> expiry_watch::judge(std::shared_ptr<state> self, vault::connection record)
{
    if (!self->is_near(record)) {
        co_return false;
    }
    auto asking = ends(self, record);
    const bool ending = co_await std::move(asking);
    if (ending) {
        auto warning = warn(self, std::move(record));
        co_await std::move(warning);
    }
    co_return ending;
}

asio::awaitable<bool> expiry_watch::ends(std::shared_ptr<state> self, vault::connection record)
{
    if (record.kind != "oauth2") {
        co_return true;
    }
    auto opening = self->vault.open(record.id);
    const result<vault::opened_connection> opened = co_await std::move(opening);
    co_return opened && !renews(opened->fields);
}

asio::awaitable<void> expiry_watch::warn(std::shared_ptr<state> self, vault::connection record)
{
    // One note a warning: the next gate, and the next look, find it told.
    vault::note told;
    told.kind = "expiry_told";
    told.id = record.id + '.' + std::to_string(record.expires_at);
    told.workspace = record.workspace;
    told.text = "told";
    told.expires_at = record.expires_at + std::chrono::microseconds(24h).count();
    const std::string told_id = told.id;
    auto putting = self->vault.notes().put(std::move(told));
    const result<void> first = co_await std::move(putting);
    if (!first) {
        self->looked = self->looked && first.error() == vault::errc::already_exists;
        co_return;
    }
    audit::entry line;
    line.kind = audit::kind::connection_expiring;
    line.workspace = record.workspace;
    line.user = record.user;
    line.connection_id = record.id;
    line.provider = record.provider;
    line.actor = "gate";
    const std::string when = "expires at " + rfc3339(record.expires_at);
    line.detail = when;
    if (!self->trail.append(line) || !self->trail.flush()) {
        spdlog::error("the trail cannot be written: it lacks that {} expires", record.id);
        self->looked = false;  // Another time.
        auto dropping = self->vault.notes().drop("expiry_told", told_id);
        [[maybe_unused]] const result<void> dropped = co_await std::move(dropping);
        co_return;
    }
    self->told("connection.expiring", record);
}

}  // namespace sallyport::control
