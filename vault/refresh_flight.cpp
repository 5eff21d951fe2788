#include "vault/refresh_flight.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <algorithm>

#include "vault/error.hpp"

namespace sallyport::vault {
namespace {

namespace asio = boost::asio;
using clock = std::chrono::steady_clock;
constexpr auto as_result = asio::as_tuple(asio::use_awaitable);

constexpr std::chrono::milliseconds first_poll{20};
constexpr std::chrono::milliseconds poll_max{250};
// How long it is remembered that an answer may have been lost.
constexpr unix_micros begun_kept = std::int64_t{30} * 24 * 3600 * 1'000'000;

bool may_be_refreshed(status value) noexcept
{
    return value == status::active || value == status::reauth_required;
}

// A question to the provider, which may outlive the flight that has given up on it.
struct question {
    explicit question(const asio::any_io_executor& control) : ended(control) {}

    std::optional<refresh_answer> answer;
    asio::steady_timer ended;
    asio::cancellation_signal cancel;
};

refresh_answer no_answer()
{
    refresh_answer none;
    none.reason = "the provider did not answer in time";
    return none;
}

}  // namespace

refresh_flight::refresh_flight(std::shared_ptr<core> shared, std::string id, std::uint64_t stale)
    : ended(shared->control), core_(std::move(shared)), id_(std::move(id)), stale_(stale)
{
    ended.expires_after(all().wait_limit());
}

task<connection> refresh_flight::fly()
{
    auto looking = look();
    result<answer_or_go_on> seen = co_await std::move(looking);
    if (!seen) {
        co_return seen.error();
    }
    if (*seen) {
        co_return std::move(**seen);
    }
    auto claiming = get_claim();
    result<answer_or_go_on> claimed = co_await std::move(claiming);
    if (!claimed) {
        co_return claimed.error();
    }
    if (*claimed) {
        co_return std::move(**claimed);
    }
    auto asking = ask_and_settle();
    result<connection> settled = co_await std::move(asking);
    auto releasing = release();
    const result<void> ignored = co_await std::move(releasing);  // It ends by itself.
    static_cast<void>(ignored);
    co_return settled;
}

// Whether there is anything to do, by the record and by what is known of earlier attempts.
task<refresh_flight::answer_or_go_on> refresh_flight::look()
{
    auto loading = core_->store->load(id_);
    result<stored_connection> found = co_await std::move(loading);
    if (!found) {
        co_return found.error();
    }
    connection& record = found->record;
    if (record.credential_version != stale_ || !may_be_refreshed(record.status)) {
        // Heard of here before the message of it: what is cached is stale.
        core_->connections.move(id_);
        co_return answer_or_go_on(std::move(record));
    }
    const unix_micros now = now_micros();
    const bool expired = has_expired(record, now);
    if (!all().can_refresh(record)) {
        if (!expired || record.status != status::active) {
            co_return errc::cannot_refresh;
        }
        auto marking = require_reauth("the credential has expired and cannot be refreshed");
        result<connection> marked = co_await std::move(marking);
        if (!marked) {
            co_return marked.error();
        }
        co_return answer_or_go_on(std::move(*marked));
    }
    const std::optional<refresh_pause> pause = all().pause_of(id_);
    if (!pause || pause->credential_version != stale_ || now >= pause->until) {
        co_return answer_or_go_on();
    }
    switch (pause->why) {
        case refresh_pause::cause::failed: co_return errc::refresh_failed;
        case refresh_pause::cause::rejected: co_return answer_or_go_on(std::move(record));
        case refresh_pause::cause::young: break;
    }
    co_return expired ? answer_or_go_on() : answer_or_go_on(std::move(record));
}

// Waits while another gate has the claim, and looks whether it has been done there.
task<refresh_flight::answer_or_go_on> refresh_flight::get_claim()
{
    const clock::time_point end = clock::now() + all().wait_limit();
    std::chrono::milliseconds pause = first_poll;
    asio::steady_timer timer(core_->control);
    while (clock::now() < end) {
        claimed_at_ = clock::now();
        auto claiming =
            core_->store->notes().claim("refresh:" + id_, all().settings().timeout + claim_slack);
        const result<std::optional<std::uint64_t>> claimed = co_await std::move(claiming);
        if (!claimed) {
            co_return claimed.error();
        }
        if (*claimed) {
            claim_ = **claimed;
            auto preparing = prepare();
            result<answer_or_go_on> prepared = co_await std::move(preparing);
            const bool late = clock::now() - claimed_at_ > late_to_ask;
            if (prepared && !*prepared && !late) {
                co_return answer_or_go_on();
            }
            auto releasing = release();
            const result<void> ignored = co_await std::move(releasing);
            static_cast<void>(ignored);
            if (!prepared || *prepared) {
                co_return prepared;
            }
        }
        timer.expires_after(pause);
        const auto [stopped] = co_await timer.async_wait(as_result);
        static_cast<void>(stopped);
        pause = std::min(pause * 2, poll_max);
        auto looking = look();
        result<answer_or_go_on> seen = co_await std::move(looking);
        if (!seen || *seen) {
            co_return seen;
        }
    }
    co_return errc::refresh_failed;
}

// With the claim in hand: the last look, and the note that the provider is about to be asked.
task<refresh_flight::answer_or_go_on> refresh_flight::prepare()
{
    auto reading = read_pause();
    const result<void> read = co_await std::move(reading);
    if (!read) {
        co_return read.error();
    }
    auto looking = look();
    result<answer_or_go_on> seen = co_await std::move(looking);
    if (!seen || *seen) {
        co_return seen;
    }
    auto writing = write_begun();
    const result<void> written = co_await std::move(writing);
    if (!written) {
        co_return written.error();
    }
    co_return answer_or_go_on();
}

// What another gate, or this one before it was started anew, has found out.
task<void> refresh_flight::read_pause()
{
    notebook notes(core_);
    auto reading = notes.read("refresh_pause", id_);
    const result<note> found = co_await std::move(reading);
    if (!found) {
        const bool none = found.error() == errc::not_found;
        co_return none ? result<void>() : result<void>(found.error());
    }
    const std::optional<refresh_pause> pause = refresh_pause_from(found->text);
    const std::optional<refresh_pause> known = all().pause_of(id_);
    if (pause && pause->credential_version == stale_ && (!known || known->until < pause->until)) {
        all().keep_pause(id_, *pause);
    }
    co_return result<void>();
}

task<void> refresh_flight::write_begun()
{
    notebook notes(core_);
    auto loading = core_->store->load(id_);
    result<stored_connection> found = co_await std::move(loading);
    if (!found) {
        co_return found.error();
    }
    const std::string version = std::to_string(stale_);
    auto reading = notes.read("refresh_begun", id_);
    const result<note> earlier = co_await std::move(reading);
    if (!earlier && earlier.error() != errc::not_found) {
        co_return earlier.error();
    }
    interrupted_ = earlier && earlier->text == version;
    if (interrupted_) {
        co_return result<void>();
    }
    note begun{"refresh_begun", id_, found->record.workspace, version, now_micros() + begun_kept};
    auto writing = notes.replace(std::move(begun));
    result<void> written = co_await std::move(writing);
    co_return written;
}

// The provider is not asked after all.
task<void> refresh_flight::unwrite_begun()
{
    if (interrupted_) {
        co_return result<void>();
    }
    notebook notes(core_);
    auto dropping = notes.drop("refresh_begun", id_);
    const result<void> dropped = co_await std::move(dropping);
    co_return dropped;
}

task<void> refresh_flight::release()
{
    return core_->store->notes().release("refresh:" + id_, claim_);
}

task<connection> refresh_flight::ask_and_settle()
{
    auto opening = open_connection(core_, id_);
    result<opened_connection> current = co_await std::move(opening);
    if (!current) {
        co_return current.error();
    }
    connection before = current->record;
    if (before.credential_version != stale_ || !may_be_refreshed(before.status)) {
        co_return before;
    }
    // A store that was slow has used up the time in which the claim keeps others off.
    const bool late = clock::now() - claimed_at_ > late_to_ask;
    if (late || !all().record(before)) {
        auto unwriting = unwrite_begun();
        const result<void> ignored = co_await std::move(unwriting);
        static_cast<void>(ignored);
        co_return late ? errc::refresh_failed : errc::unrecorded;
    }
    auto asking = ask(std::move(*current));
    refresh_answer answer = co_await std::move(asking);
    const bool final = answer.verdict == refresh_verdict::rejected ||
                       answer.verdict == refresh_verdict::impossible;
    auto settling = settle(std::move(before), std::move(answer));
    result<connection> settled = co_await std::move(settling);
    if (final) {
        notebook notes(core_);
        auto dropping = notes.drop("refresh_begun", id_);
        const result<void> ignored = co_await std::move(dropping);
        static_cast<void>(ignored);
    }
    co_return settled;
}

// An answer that comes while the question is being given up still counts: the old refresh token
// may be worth nothing any more.
asio::awaitable<refresh_answer> refresh_flight::ask(opened_connection current)
{
    const std::shared_ptr<token_source> source = all().source();
    if (!source) {
        co_return no_answer();  // The gate is being taken down.
    }
    const auto asked = std::make_shared<question>(core_->control);
    asked->ended.expires_after(all().settings().timeout);
    auto answered = [asked, source](std::exception_ptr bug, refresh_answer answer) {
        asked->answer.emplace(bug ? no_answer() : std::move(answer));
        asked->ended.cancel();
    };
    asio::co_spawn(core_->control,
                   source->refresh(std::move(current.record), std::move(current.fields)),
                   asio::bind_cancellation_slot(asked->cancel.slot(), std::move(answered)));
    if (!asked->answer) {
        const auto [ignored] = co_await asked->ended.async_wait(as_result);
        static_cast<void>(ignored);
    }
    if (!asked->answer) {
        asked->ended.expires_after(cancel_patience);
        asked->cancel.emit(asio::cancellation_type::terminal);
    }
    if (!asked->answer) {
        const auto [ignored] = co_await asked->ended.async_wait(as_result);
        static_cast<void>(ignored);
    }
    if (!asked->answer) {
        co_return no_answer();
    }
    co_return std::move(*asked->answer);
}

}  // namespace sallyport::vault
