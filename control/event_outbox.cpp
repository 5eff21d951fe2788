#include "control/event_outbox.hpp"

#include <openssl/evp.h>
#include <spdlog/spdlog.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json/serialize.hpp>
#include <algorithm>
#include <array>
#include <optional>
#include <stdexcept>
#include <utility>

#include "base/time.hpp"
#include "base/ulid.hpp"
#include "control/connection_json.hpp"
#include "control/guarded.hpp"
#include "control/webhook_signature.hpp"

namespace sallyport::control {

namespace asio = boost::asio;
namespace json = boost::json;

namespace {

using namespace std::chrono_literals;

constexpr std::chrono::milliseconds look_interval = 5s;  // for events of other gates
constexpr std::chrono::milliseconds pause_shortest = 500ms;
constexpr std::chrono::milliseconds batch_claim = 200s;  // longer than a batch can take
constexpr std::size_t batch_events = 16;

// The kind of a receiver's notes: from its URL alone, so that all gates and all starts agree.
std::string kind_for(const std::string& url)
{
    std::array<unsigned char, 32> hash{};
    unsigned size = 0;
    EVP_Digest(url.data(), url.size(), hash.data(), &size, EVP_sha256(), nullptr);
    std::string kind = "webhook_";
    for (std::size_t i = 0; i < 12; ++i) {
        kind += static_cast<char>('a' + hash[i] % 16);
    }
    return kind;
}

std::string_view host_of(std::string_view url)
{
    url.remove_prefix(std::min(url.size(), url.find("://") + 3));
    return url.substr(0, url.find_first_of("/?"));
}

bool wants(const webhook_target& target, std::string_view kind, const std::string& workspace)
{
    const auto names = [](const std::vector<std::string>& list, std::string_view name) {
        return std::find(list.begin(), list.end(), name) != list.end();
    };
    return (names(target.workspaces, "*") || names(target.workspaces, workspace)) &&
           (target.events.empty() || names(target.events, kind));
}

std::string body_of(std::string_view kind, const vault::connection& record, unix_micros now)
{
    json::object body;
    body["type"] = kind;
    body["timestamp"] = rfc3339(now);
    body["data"] = to_json(record);
    return json::serialize(body);
}

}  // namespace

std::chrono::milliseconds pause_after(unsigned failures) noexcept
{
    const unsigned doublings = std::min(failures == 0 ? 0u : failures - 1, 16u);
    return std::min<std::chrono::milliseconds>(pause_shortest * (1u << doublings), pause_longest);
}

struct event_outbox::receiver {
    receiver(asio::io_context& context, webhook_target given, std::shared_ptr<counts> shared)
        : target(std::move(given)),
          kind(kind_for(target.url)),
          host(host_of(target.url)),
          pause(context),
          totals(std::move(shared))
    {
    }

    void stop()
    {
        stopped = true;
        wake();
    }
    void wake() { pause.cancel(); }

    const webhook_target target;
    const std::string kind;
    const std::string host;  // for the log: paths and queries may hold a receiver's secrets
    net::ssl_context tls;    // null: the system's roots
    asio::steady_timer pause;
    std::shared_ptr<std::size_t> waiting = std::make_shared<std::size_t>();  // of this gate
    unsigned failures = 0;                                                   // in a row
    std::string refused;  // the event that was refused last, and how often
    unsigned refusals = 0;
    const std::shared_ptr<counts> totals;
    bool stopped = false;
    bool removed = false;  // nobody is to be told what waits for it
};

event_outbox::event_outbox(asio::io_context& context, vault::notebook& notes,
                           net::http_client& http, const std::vector<webhook_target>& targets)
    : context_(context), notes_(notes), http_(http), receivers_(prepare(targets))
{
}

event_outbox::~event_outbox() { stop(); }

event_outbox::receivers event_outbox::prepare(const std::vector<webhook_target>& targets) const
{
    receivers fresh;
    for (const webhook_target& target : targets) {
        auto made = std::make_shared<receiver>(context_, target, totals_);
        if (!target.tls_ca.empty()) {
            auto tls = net::make_client_context(target.tls_ca);
            if (!tls) {
                throw std::runtime_error("webhooks.deliver: " + target.tls_ca + ": " +
                                         tls.error().message());
            }
            made->tls = *tls;
        }
        fresh.push_back(std::move(made));
    }
    return fresh;
}

void event_outbox::change(receivers fresh)
{
    const receivers before = std::exchange(receivers_, std::move(fresh));
    for (const auto& old : before) {
        const auto heir = std::find_if(receivers_.begin(), receivers_.end(),
                                       [&](const auto& one) { return one->kind == old->kind; });
        old->removed = heir == receivers_.end();
        if (!old->removed) {
            (*heir)->waiting = old->waiting;
        }
        old->stop();
        if (old->removed && started_) {
            asio::co_spawn(context_, drop_waiting(old), log_escaped("telling webhooks"));
        }
    }
    for (const auto& one : receivers_) {
        if (started_) {
            begin(one);
        }
    }
}

void event_outbox::begin(const std::shared_ptr<receiver>& to)
{
    asio::co_spawn(context_, serve(to), log_escaped("telling webhooks"));
}

void event_outbox::start()
{
    started_ = true;
    for (const auto& one : receivers_) {
        begin(one);
    }
}

void event_outbox::stop()
{
    started_ = false;
    for (const auto& one : receivers_) {
        one->stop();
    }
}

void event_outbox::tell(std::string_view kind, const vault::connection& record)
{
    std::string body;
    for (const auto& one : receivers_) {
        if (!wants(one->target, kind, record.workspace)) {
            continue;
        }
        if (*one->waiting >= event_waiting_max) {
            spdlog::error("webhooks: {} events wait for one receiver: {} of {} is not told", kind,
                          *one->waiting, record.id);
            ++one->totals->given_up;
            continue;
        }
        const unix_micros now = now_micros();
        if (body.empty()) {
            body = body_of(kind, record, now);
        }
        ++*one->waiting;
        ++one->totals->told;
        const unix_micros life = std::chrono::microseconds(event_life).count();
        vault::note event{one->kind, "msg_" + make_ulid().text(), record.workspace, body,
                          now + life};
        asio::co_spawn(context_, put_down(one, std::move(event)), log_escaped("telling webhooks"));
    }
}

asio::awaitable<void> event_outbox::put_down(std::shared_ptr<receiver> to, vault::note event)
{
    const std::string id = event.id;
    auto putting = notes_.put(std::move(event));
    const result<void> put = co_await std::move(putting);
    if (!put) {
        *to->waiting -= *to->waiting > 0 ? 1 : 0;
        ++to->totals->given_up;
        spdlog::error("webhooks: event {} is not told: {}", id, put.error().message());
        co_return;
    }
    if (to->removed) {  // While it was put down.
        auto dropping = drop_waiting(to);
        co_await std::move(dropping);
    } else if (to->failures == 0) {
        to->wake();
    }
}

// Another gate of the fleet that still knows the receiver may deliver some meanwhile. Where the
// store does not answer, what is left expires by itself (event_life).
asio::awaitable<void> event_outbox::drop_waiting(std::shared_ptr<receiver> gone)
{
    std::uint64_t dropped = 0;
    error_code trouble;
    std::size_t found = batch_events;
    while (!trouble && found == batch_events && started_ && !tells(gone->kind)) {
        auto listing = notes_.list(gone->kind, "", batch_events);
        const result<std::vector<vault::note>> some = co_await std::move(listing);
        trouble = some ? error_code() : some.error();
        found = some ? some->size() : 0;
        for (std::size_t i = 0; !trouble && i < found; ++i) {
            auto dropping = notes_.drop(gone->kind, (*some)[i].id);
            const result<void> done = co_await std::move(dropping);
            trouble = done ? error_code() : done.error();
            dropped += done ? 1 : 0;
        }
    }
    totals_->dropped += dropped;
    if (trouble) {
        spdlog::error(
            "webhooks: events for {}, which is told no longer, stay until they expire: {}",
            gone->host, trouble.message());
    }
    if (dropped != 0) {
        spdlog::warn("webhooks: {} is told no longer: {} events that waited for it are dropped",
                     gone->host, dropped);
    }
}

bool event_outbox::tells(const std::string& kind) const
{
    return std::any_of(receivers_.begin(), receivers_.end(),
                       [&](const auto& one) { return one->kind == kind; });
}

asio::awaitable<void> event_outbox::serve(std::shared_ptr<receiver> to)
{
    while (!to->stopped) {
        auto delivering = deliver_waiting(to);
        auto guarding = guarded(std::move(delivering), progress::failed, "telling webhooks");
        const progress made = co_await std::move(guarding);
        to->failures = made == progress::failed ? to->failures + 1 : 0;
        if (to->stopped || made == progress::more) {
            continue;
        }
        to->pause.expires_after(made == progress::failed ? pause_after(to->failures)
                                                         : look_interval);
        auto pausing = to->pause.async_wait(asio::as_tuple(asio::use_awaitable));
        [[maybe_unused]] const auto [woken] = co_await std::move(pausing);
    }
}

asio::awaitable<event_outbox::progress> event_outbox::deliver_waiting(std::shared_ptr<receiver> to)
{
    auto listing = notes_.list(to->kind, "", batch_events);
    result<std::vector<vault::note>> waiting = co_await std::move(listing);
    if (!waiting || waiting->empty()) {
        // Others have delivered what this gate told, or it has expired.
        *to->waiting = waiting ? 0 : *to->waiting;
        co_return waiting ? progress::none : progress::failed;
    }
    auto claiming = notes_.claim(to->kind, batch_claim);
    const result<std::optional<std::uint64_t>> claim = co_await std::move(claiming);
    if (!claim || !*claim) {
        co_return claim ? progress::none : progress::failed;  // Another gate is at it.
    }
    // Listed again: who had the claim before may have delivered some.
    auto again = notes_.list(to->kind, "", batch_events);
    waiting = co_await std::move(again);
    bool answered = waiting.has_value();
    const bool more = answered && waiting->size() == batch_events;
    for (std::size_t i = 0; answered && !to->stopped && i < waiting->size(); ++i) {
        auto delivering = deliver(to, std::move((*waiting)[i]));
        answered = co_await std::move(delivering);
    }
    auto releasing = notes_.release(to->kind, **claim);
    [[maybe_unused]] const result<void> released = co_await std::move(releasing);
    co_return !answered ? progress::failed : more ? progress::more : progress::none;
}

asio::awaitable<bool> event_outbox::deliver(std::shared_ptr<receiver> to, vault::note event)
{
    const std::int64_t now = now_micros() / 1'000'000;
    net::http_request request;
    request.url.assign(to->target.url);
    request.body.assign(event.text);
    const std::string signature = sign_webhook(to->target.secret, event.id, now, event.text);
    request.headers = {{"Content-Type", "application/json"},
                       {"User-Agent", "sallyport"},
                       {"webhook-id", wiped_string(event.id)},
                       {"webhook-timestamp", wiped_string(std::to_string(now))},
                       {"webhook-signature", wiped_string(signature)}};
    request.private_addresses = to->target.private_addresses;
    request.plain_http = to->target.plain_http;
    request.tls = to->tls;
    auto asking = http_.ask(std::move(request), delivery_limit);
    const result<net::http_answer> got = co_await std::move(asking);
    const unsigned status = got ? got->status : 0;
    const bool arrived = status / 100 == 2;
    const bool refused = status / 100 == 4 && status != 408 && status != 425 && status != 429;
    if (refused) {
        to->refusals = to->refused == event.id ? to->refusals + 1 : 1;
        to->refused = event.id;
    }
    const bool hopeless = refused && (status == 410 || to->refusals >= refusals_max);
    if (!arrived && !hopeless) {
        ++to->totals->failed;
        if (to->failures == 0) {
            spdlog::warn("webhooks: {} cannot be told: {}", to->host,
                         got ? "it answered " + std::to_string(status) : got.error().message());
        }
        co_return false;
    }
    if (hopeless) {
        spdlog::error("webhooks: {} refuses event {} with {}: given up", to->host, event.id,
                      status);
    }
    ++(arrived ? to->totals->delivered : to->totals->given_up);
    *to->waiting -= *to->waiting > 0 ? 1 : 0;
    auto dropping = notes_.drop(event.kind, event.id);
    const result<void> dropped = co_await std::move(dropping);
    co_return dropped.has_value();
}

}  // namespace sallyport::control
