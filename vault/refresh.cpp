#include "vault/refresh.hpp"

#include <spdlog/spdlog.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "vault/error.hpp"
#include "vault/refresh_flight.hpp"

namespace sallyport::vault {
namespace {

namespace asio = boost::asio;
constexpr auto as_result = asio::as_tuple(asio::use_awaitable);

constexpr unix_micros second = 1'000'000;

// A flight for an older credential is waited for, and then there is one for this.
constexpr int flights_waited_for = 2;

}  // namespace

void refresher::use(std::shared_ptr<token_source> source, lifecycle_listener told,
                    refresh_recorder recorder)
{
    source_ = std::move(source);
    told_ = std::move(told);
    recorder_ = std::move(recorder);
}

bool refresher::can_refresh(const connection& record) const
{
    return source_ != nullptr && record.credential_version != 0 && source_->can_refresh(record);
}

unix_micros refresher::attention_of(const connection& record) const
{
    return vault::attention_of(record, can_refresh(record), settings_.margin);
}

std::chrono::seconds refresher::pause_left(std::string_view id) const
{
    const std::optional<refresh_pause> pause = pause_of(id);
    const unix_micros left = pause ? pause->until - now_micros() : 0;
    return std::chrono::seconds(std::max(unix_micros{1}, (left + second - 1) / second));
}

std::optional<refresh_pause> refresher::pause_of(std::string_view id) const
{
    const auto at = pauses_.find(id);
    return at == pauses_.end() ? std::nullopt : std::optional(at->second);
}

void refresher::keep_pause(const std::string& id, const refresh_pause& pause)
{
    if (pause.count == 0) {
        pauses_.erase(id);
        return;
    }
    if (pauses_.size() >= pauses_max && !pauses_.contains(id)) {
        const unix_micros now = now_micros();
        std::erase_if(pauses_, [now](const auto& one) { return one.second.until <= now; });
        if (pauses_.size() >= pauses_max) {
            pauses_.erase(pauses_.begin());
        }
    }
    pauses_.insert_or_assign(id, pause);
}

void refresher::tell(const lifecycle_event& event) const
{
    try {
        if (told_) {
            told_(event);
        }
    } catch (const std::exception& error) {
        spdlog::critical("a bug in whoever is told of connections: {}", error.what());
    }
}

bool refresher::record(const connection& about) const { return !recorder_ || recorder_(about); }

// Null: there are too many.
std::shared_ptr<refresh_flight> refresher::board(const std::shared_ptr<core>& shared,
                                                 const std::string& id, std::uint64_t stale)
{
    const auto known = flights_.find(id);
    if (known != flights_.end()) {
        return known->second.lock();
    }
    if (flights_.size() >= flights_max) {
        return nullptr;
    }
    const auto fresh = std::make_shared<refresh_flight>(shared, id, stale);
    flights_.emplace(id, fresh);
    auto arrived = [shared, id, fresh](std::exception_ptr bug, result<connection> outcome) {
        if (bug) {
            outcome = errc::unavailable;
            spdlog::critical("a bug in refreshing {}", id);
        }
        shared->refreshes.flights_.erase(id);
        fresh->outcome.emplace(std::move(outcome));
        fresh->ended.cancel();
    };
    asio::co_spawn(shared->control, fresh->fly(), std::move(arrived));
    return fresh;
}

task<connection> refresher::refresh(std::shared_ptr<core> shared, std::string id,
                                    std::uint64_t stale_credential_version)
{
    for (int attempt = 0; attempt < flights_waited_for; ++attempt) {
        const auto flight = shared->refreshes.board(shared, id, stale_credential_version);
        if (!flight) {
            co_return errc::refresh_failed;
        }
        if (!flight->outcome) {
            const auto [ended] = co_await flight->ended.async_wait(as_result);
            if (!flight->outcome && ended == asio::error::operation_aborted) {
                throw boost::system::system_error(ended);
            }
        }
        if (!flight->outcome) {
            co_return errc::refresh_failed;
        }
        const result<connection>& outcome = *flight->outcome;
        if (flight->stale() == stale_credential_version || !outcome ||
            outcome->credential_version != stale_credential_version) {
            co_return outcome;
        }
    }
    co_return errc::refresh_failed;
}

asio::awaitable<refresh_word> refresher::word_of(std::shared_ptr<core> shared, std::string id,
                                                 std::uint64_t stale_credential_version)
{
    auto refreshing = refresh(shared, id, stale_credential_version);
    const result<connection> refreshed = co_await std::move(refreshing);
    refresh_word word;
    if (!refreshed) {
        word.error = refreshed.error();
        word.retry_after = shared->refreshes.pause_left(id);
    }
    co_return word;
}

}  // namespace sallyport::vault
