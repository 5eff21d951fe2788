#include "vault/redis_fleet.hpp"

#include <openssl/rand.h>
#include <spdlog/spdlog.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <algorithm>
#include <array>
#include <stdexcept>

#include "base/encoding.hpp"
#include "vault/redis_fleet_scripts.hpp"
#include "vault/resolver.hpp"

namespace sallyport::vault {

namespace asio = boost::asio;

namespace {

constexpr auto as_result = asio::as_tuple(asio::use_awaitable);
constexpr std::string_view changes_channel = "sallyport:changes";
constexpr std::chrono::milliseconds soon{1};  // Changes that come together share a heartbeat.
constexpr std::chrono::milliseconds after_failure{20};
constexpr std::uint64_t beats_between_lists = 64;

const redis_script& heartbeat_script()
{
    static const redis_script script(redis_scripts::heartbeat);
    return script;
}

std::string random_name()
{
    std::array<char, 12> bytes;
    if (RAND_bytes(reinterpret_cast<unsigned char*>(bytes.data()), bytes.size()) != 1) {
        throw std::runtime_error("OpenSSL has no randomness");
    }
    return to_hex({bytes.data(), bytes.size()});
}

std::string gate_channel(const std::string& gate) { return "sallyport:gate:" + gate; }

// "nonce vault epoch mark".
std::array<std::string_view, 4> four_words(std::string_view text)
{
    std::array<std::string_view, 4> words;
    for (std::string_view& word : words) {
        word = text.substr(0, text.find(' '));
        text.remove_prefix(std::min(word.size() + 1, text.size()));
    }
    return words;
}

}  // namespace

std::shared_ptr<redis_fleet> redis_fleet::make(asio::io_context& context,
                                               std::shared_ptr<redis_site> site)
{
    const std::shared_ptr<redis_fleet> made(new redis_fleet(context, site));
    redis_hooks hooks;
    hooks.lost = [weak = std::weak_ptr(made)] {
        if (const auto self = weak.lock()) {
            self->connection_lost();
        }
    };
    made->commands_ = std::make_unique<redis_commands>(context, std::move(site), std::move(hooks));
    made->keys_ = make_redis_key_store(*made->commands_, *made);
    return made;
}

redis_fleet::redis_fleet(asio::io_context& context, std::shared_ptr<redis_site> site)
    : context_(context), site_(std::move(site)), gate_(random_name()), pause_(context)
{
}

void redis_fleet::start(std::weak_ptr<lease_holder> holder, std::chrono::milliseconds lease)
{
    holder_ = std::move(holder);
    lease_ = lease;
    heard_at_ = boot_millis();
    view_.emplace(static_cast<fleet_effects&>(*this), lease.count());
    redis_hooks hooks;
    hooks.channels = {std::string(changes_channel), gate_channel(gate_)};
    const std::weak_ptr<redis_fleet> weak = weak_from_this();
    hooks.pushed = [weak](const redis_reply& reply) {
        if (const auto self = weak.lock()) {
            self->pushed(reply);
        }
    };
    hooks.lost = [weak] {
        if (const auto self = weak.lock()) {
            self->connection_lost();
        }
    };
    listener_ = std::make_unique<redis_link>(context_, site_, std::move(hooks));
    asio::co_spawn(context_, keep(shared_from_this()), [](std::exception_ptr bug) {
        try {
            if (bug) {
                std::rethrow_exception(bug);
            }
        } catch (const std::exception& error) {
            spdlog::critical("the vault's lease is no longer kept: {}", error.what());
        }
    });
}

void redis_fleet::stop()
{
    stopped_ = true;
    listener_.reset();
    pause_.cancel();
}

void redis_fleet::connection_lost()
{
    ++losses_;
    if (view_ && !stopped_) {
        view_->lost();
        heard_at_ = boot_millis();
        wake();
    }
}

void redis_fleet::wake()
{
    wanted_ = true;
    pause_.cancel();
}

// The heartbeats, and what they lead to.
asio::awaitable<void> redis_fleet::keep(std::shared_ptr<redis_fleet> self)
{
    const auto usual = std::min(heartbeat_longest, self->lease_ / 4);
    while (!self->stopped_ && self->view_->where() != fleet_view::state::sealed) {
        bool failed = false;
        if (self->view_->to_be_examined()) {
            auto examining = examine(self);
            const result<void> examined = co_await std::move(examining);
            failed = !examined;
        }
        self->wanted_ = false;
        auto beating = beat(self);
        const result<void> beaten = co_await std::move(beating);
        failed = failed || !beaten;
        if (self->beats_ % beats_between_lists == 0 && !failed) {
            auto forgetting = forget_gates(self);
            const result<void> forgotten = co_await std::move(forgetting);
            failed = !forgotten;
        }
        self->listen_again_if_deaf();
        while (!self->stopped_) {
            const bool hurry = self->wanted_ && !failed;
            self->pause_.expires_after(hurry    ? soon
                                       : failed ? std::min(usual, after_failure)
                                                : usual);
            const auto [ended] = co_await self->pause_.async_wait(as_result);
            if (hurry || !ended) {
                break;
            }
            failed = false;  // Woken: something has changed.
        }
    }
}

task<void> redis_fleet::beat(std::shared_ptr<redis_fleet> self)
{
    const bool together = self->view_->where() == fleet_view::state::together;
    const std::string nonce = random_name();
    words arguments;
    arguments.push_back(self->gate_);
    arguments.push_back(nonce);
    arguments.push_back(std::to_string(together ? self->view_->seen() : 0));
    arguments.push_back(std::to_string(self->lease_.count()));
    arguments.push_back(std::to_string(++self->beats_));
    self->view_->heartbeat_sent(nonce, boot_millis());
    auto calling = self->commands_->call(&heartbeat_script(), words(), std::move(arguments));
    const result<redis_reply> reply = co_await std::move(calling);
    if (!reply) {
        co_return reply.error();
    }
    co_return result<void>();
}

// The data connection may lead to a new server while the other still hangs on to the old one.
void redis_fleet::listen_again_if_deaf()
{
    const std::int64_t now = boot_millis();
    const auto patience = std::max(silence_least, lease_);
    if (!stopped_ && now - heard_at_ > patience.count()) {
        heard_at_ = now;
        listener_->drop("Redis does not pass on what it is told");
    }
}

void redis_fleet::pushed(const redis_reply& reply)
{
    if (reply.type != redis_reply::kind::list || reply.elements.size() < 3 || stopped_) {
        return;
    }
    const std::string& what = reply.elements[0].text;
    const std::string& channel = reply.elements[1].text;
    const std::string& text = reply.elements[2].text;
    if (what == "subscribe") {
        wake();
    } else if (what == "message" && channel == changes_channel) {
        if (const std::optional<fleet_change> change = parse_change(text)) {
            view_->heard(*change);
        } else {
            listener_->drop("Redis passes on what no gate has said");
        }
        wake();
    } else if (what == "message" && channel == gate_channel(gate_)) {
        take_nonce(text);
    }
}

void redis_fleet::take_nonce(std::string_view text)
{
    const auto [nonce, vault, epoch, mark] = four_words(text);
    const std::optional<std::uint64_t> count = parse_epoch(epoch);
    if (!count || mark.empty()) {
        listener_->drop("Redis passes on what no gate has said");
        return;
    }
    heard_at_ = boot_millis();
    const fleet_position store{std::string(vault), *count, std::string(mark)};
    view_->heard_nonce(nonce, store);
    if (view_->where() != fleet_view::state::together) {
        wake();
    }
}

void redis_fleet::add_fence(words& arguments) const
{
    arguments.push_back(view_ ? view_->vault() : std::string());
    arguments.push_back(std::to_string(view_ ? view_->highest() : 0));
}

void redis_fleet::acknowledged(const std::string& message)
{
    const std::optional<fleet_change> change = parse_change(message);
    if (change && view_) {
        view_->acknowledged(*change);
    }
}

std::string redis_fleet::trouble() const
{
    if (!view_) {
        return "";
    }
    if (view_->where() == fleet_view::state::sealed) {
        return "sealed: " + view_->why_sealed() +
               "; check which revocations are missing, then start the gate anew";
    }
    if (granted_ > boot_millis()) {
        return "";
    }
    return view_->where() == fleet_view::state::doubtful
               ? "the store contradicts what this gate has seen; it is being examined"
               : "the store has not been heard from for as long as the lease";
}

void redis_fleet::changed(const fleet_change& change)
{
    if (const auto holder = holder_.lock()) {
        holder->changed(change);
    }
}

void redis_fleet::everything_changed()
{
    if (const auto holder = holder_.lock()) {
        holder->everything_changed();
    }
}

void redis_fleet::lease_until(std::int64_t end)
{
    if (granted_ == 0 && end != 0 && (had_lease_ || losses_ != 0)) {
        together_at_ = boot_millis();
    }
    had_lease_ = had_lease_ || end != 0;
    granted_ = end;
    if (const auto holder = holder_.lock()) {
        holder->lease_until(end);
    }
}

}  // namespace sallyport::vault
