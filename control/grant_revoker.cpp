#include "control/grant_revoker.hpp"

#include <spdlog/spdlog.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <algorithm>
#include <utility>

#include "control/guarded.hpp"
#include "vault/error.hpp"

namespace sallyport::control {

namespace asio = boost::asio;

namespace {

using namespace std::chrono_literals;
using verdict = oauth::revocation_answer::verdict;

constexpr std::chrono::seconds look_interval = 30s;
constexpr std::chrono::seconds pause_shortest = 5s;
constexpr std::chrono::milliseconds claim_length = 60s;  // longer than one exchange

constexpr std::string_view ended_there = "revoked at the provider";
constexpr std::string_view no_way_there = "the provider has no way to revoke it";

}  // namespace

struct grant_revoker::state {
    state(asio::io_context& context, vault::keeper& vault_given, audit::writer& trail_given,
          oauth::endpoint& provider_given)
        : io(context),
          vault(vault_given),
          trail(trail_given),
          provider(provider_given),
          timer(context)
    {
    }

    struct trial {
        std::chrono::steady_clock::time_point next;
        std::chrono::seconds pause{0};
    };

    void record(const vault::connection& about, std::string_view detail, std::string_view code)
    {
        audit::entry line;
        line.kind = audit::kind::connection_revoked;
        line.workspace = about.workspace;
        line.user = about.user;
        line.connection_id = about.id;
        line.provider = about.provider;
        line.actor = "gate";
        line.detail = detail;
        line.code = code;
        // It tells of what was done, so nothing can be refused where it cannot be written.
        if (!trail.append(line) || !trail.flush()) {
            spdlog::error("the trail cannot be written: {} of {} is not in it", detail, about.id);
        }
    }

    asio::io_context& io;
    vault::keeper& vault;
    audit::writer& trail;
    oauth::endpoint& provider;
    asio::steady_timer timer;
    std::map<std::string, trial> trials;  // by note: those that failed here
    counts totals;
    bool stopped = false;
};

grant_revoker::grant_revoker(asio::io_context& context, vault::keeper& vault, audit::writer& trail,
                             oauth::endpoint& provider)
    : state_(std::make_shared<state>(context, vault, trail, provider))
{
}

grant_revoker::~grant_revoker() { stop(); }

void grant_revoker::start()
{
    asio::co_spawn(state_->io, serve(state_), log_escaped("revoking at providers"));
}

void grant_revoker::stop()
{
    state_->stopped = true;
    state_->timer.cancel();
}

void grant_revoker::wake() { state_->timer.cancel(); }

grant_revoker::counts grant_revoker::totals() const noexcept { return state_->totals; }

asio::awaitable<void> grant_revoker::serve(std::shared_ptr<state> self)
{
    while (!self->stopped) {
        auto looking = guarded(look(self), "revoking at providers");
        co_await std::move(looking);
        if (self->stopped) {
            break;
        }
        auto next = std::chrono::steady_clock::now() + look_interval;
        for (const auto& [id, trial] : self->trials) {
            next = std::min(next, trial.next);
        }
        self->timer.expires_at(next);
        auto pausing = self->timer.async_wait(asio::as_tuple(asio::use_awaitable));
        [[maybe_unused]] const auto [woken] = co_await std::move(pausing);
    }
}

asio::awaitable<void> grant_revoker::look(std::shared_ptr<state> self)
{
    std::map<std::string, state::trial> still;
    std::string after;
    std::uint64_t waiting = 0;
    for (bool more = true; more && !self->stopped;) {
        auto listing =
            self->vault.notes().list(std::string(revocation_kind), after, revocations_listed);
        result<std::vector<vault::note>> page = co_await std::move(listing);
        if (!page) {
            co_return;
        }
        more = page->size() == revocations_listed;
        std::vector<std::string> ids;
        for (vault::note& one : *page) {
            const wiped_note held(std::move(one));
            ids.push_back(held.get().id);
        }
        waiting += ids.size();
        after = ids.empty() ? after : ids.back();
        for (std::string& id : ids) {
            const auto tried = self->trials.find(id);
            if (tried != self->trials.end() &&
                tried->second.next > std::chrono::steady_clock::now()) {
                still.insert(*tried);
                continue;
            }
            auto revoking = revoke(self, id);
            co_await std::move(revoking);
            if (const auto now = self->trials.find(id); now != self->trials.end()) {
                still.insert(*now);
            }
        }
    }
    self->trials = std::move(still);
    self->totals.waiting = waiting;
}

// One at a time in the whole fleet.
asio::awaitable<void> grant_revoker::revoke(std::shared_ptr<state> self, std::string id)
{
    const std::string name = "revocation:" + id;
    auto claiming = self->vault.notes().claim(name, claim_length);
    const result<std::optional<std::uint64_t>> claim = co_await std::move(claiming);
    if (!claim || !*claim) {
        co_return;
    }
    auto reading = self->vault.notes().read(std::string(revocation_kind), id);
    result<vault::note> found = co_await std::move(reading);
    if (found) {
        const wiped_note note(std::move(*found));
        result<held_credential> held = read_held(note.get().text);
        if (held) {
            auto settling = settle(self, id, std::move(*held));
            co_await std::move(settling);
        } else {
            spdlog::error("the note of a revocation at the provider cannot be read: {}", id);
            auto dropping = self->vault.notes().drop(std::string(revocation_kind), id);
            [[maybe_unused]] const result<void> dropped = co_await std::move(dropping);
        }
    }
    auto releasing = self->vault.notes().release(name, **claim);
    [[maybe_unused]] const result<void> released = co_await std::move(releasing);
}

asio::awaitable<void> grant_revoker::settle(std::shared_ptr<state> self, std::string id,
                                            held_credential held)
{
    const vault::connection about = held.record;
    auto showing = self->vault.show(about.id);
    const result<vault::connection> now = co_await std::move(showing);
    if (!now && now.error() != vault::errc::not_found) {
        co_return;
    }
    const bool in_use = now && now->status != vault::status::revoked &&
                        about.credential_version != 0 &&
                        now->credential_version == about.credential_version;
    if (in_use) {
        // Whoever wrote the note is about to take them, or died before it did.
        state::trial& trial = self->trials[id];
        const bool fresh = trial.pause == 0s;
        trial.pause = revocation_patience;
        trial.next = std::chrono::steady_clock::now() + trial.pause;
        if (fresh) {
            co_return;
        }
        ++self->totals.dropped;
        self->trials.erase(id);
        auto dropping = self->vault.notes().drop(std::string(revocation_kind), id);
        [[maybe_unused]] const result<void> dropped = co_await std::move(dropping);
        co_return;
    }
    auto asking = self->provider.revoke(held.record, std::move(held.fields));
    const oauth::revocation_answer answer = co_await std::move(asking);
    if (answer.outcome == verdict::retry) {
        state::trial& trial = self->trials[id];
        if (trial.pause == 0s) {
            spdlog::warn("{} at {} is not revoked there yet: {}", about.id, about.provider,
                         answer.reason);
        }
        trial.pause = std::clamp(std::max(trial.pause * 2, answer.retry_after), pause_shortest,
                                 revocation_pause_longest);
        trial.next = std::chrono::steady_clock::now() + trial.pause;
        ++self->totals.failed;
        co_return;
    }
    const bool done = answer.outcome == verdict::done;
    ++(done ? self->totals.done : self->totals.not_supported);
    self->trials.erase(id);
    self->record(about, done ? ended_there : no_way_there, done ? "" : "not_supported");
    auto dropping = self->vault.notes().drop(std::string(revocation_kind), id);
    [[maybe_unused]] const result<void> dropped = co_await std::move(dropping);
}

asio::awaitable<bool> awaits_revocation(vault::notebook& notes, std::string connection_id)
{
    const std::string prefix = connection_id + ':';
    auto listing = notes.list(std::string(revocation_kind), prefix, 1);
    result<std::vector<vault::note>> found = co_await std::move(listing);
    if (!found || found->empty()) {
        co_return false;
    }
    const wiped_note first(std::move(found->front()));
    co_return first.get().id.starts_with(prefix);
}

}  // namespace sallyport::control
