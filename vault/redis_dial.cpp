#include "vault/redis_dial.hpp"

#include <openssl/crypto.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <vector>

#include "vault/redis_refusal.hpp"
#include "vault/redis_reply.hpp"
#include "vault/redis_tls.hpp"

namespace sallyport::vault {

namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

constexpr auto as_result = asio::as_tuple(asio::use_awaitable);
constexpr const char* tls_alert = "\x15\x03";  // How a TLS server answers what is not TLS.

// A connection to one server while it is being made, one question at a time. Whatever fails leaves
// its sentence in why().
class conversation {
public:
    conversation(asio::io_context& context, const redis_site& site, redis_endpoint with,
                 std::chrono::milliseconds limit)
        : site_(site),
          with_(std::move(with)),
          open_(std::make_shared<limited>(std::make_unique<redis_stream>(context))),
          limit_(context, limit)
    {
        limit_.async_wait([weak = std::weak_ptr(open_)](const error_code& stopped) {
            const auto open = weak.lock();
            if (open && !stopped) {
                open->expired = true;
                open->stream->close();
            }
        });
    }

    asio::awaitable<bool> connect();
    // Nullopt: there is no answer. An error is an answer.
    asio::awaitable<std::optional<redis_reply>> ask(std::vector<std::string_view> words);
    // As ask(), but an error is a failure.
    asio::awaitable<std::optional<redis_reply>> demand(std::vector<std::string_view> words);
    asio::awaitable<bool> log_in();

    std::string why() const { return "Redis at " + to_string(with_) + why_; }
    void fail(std::string why) { why_ = std::move(why); }
    std::unique_ptr<redis_stream> take() { return std::move(open_->stream); }

private:
    // What the time limit closes; it dies with the conversation, unlike the limit's handler.
    struct limited {
        explicit limited(std::unique_ptr<redis_stream> made) : stream(std::move(made)) {}
        std::unique_ptr<redis_stream> stream;
        bool expired = false;
    };

    asio::awaitable<bool> shake_hands();
    bool failed(std::string why, const char* when_late = " does not answer in time");
    std::string why_silent() const;

    const redis_site& site_;
    redis_endpoint with_;
    std::shared_ptr<limited> open_;
    asio::steady_timer limit_;
    redis_reader reader_;
    std::string why_;
    bool answered_ = false;
};

bool conversation::failed(std::string why, const char* when_late)
{
    why_ = open_->expired ? when_late : std::move(why);
    return false;
}

asio::awaitable<bool> conversation::connect()
{
    redis_stream& stream = *open_->stream;
    auto resolving =
        stream.resolver.async_resolve(with_.host, std::to_string(with_.port), as_result);
    const auto [unresolved, where] = co_await std::move(resolving);
    if (unresolved || open_->expired) {
        co_return failed(": the host name cannot be resolved");
    }
    auto connecting = asio::async_connect(stream.socket, where, as_result);
    const auto [unconnected, at] = co_await std::move(connecting);
    static_cast<void>(at);
    if (unconnected || open_->expired) {
        co_return failed(" cannot be reached: " + unconnected.message());
    }
    error_code ignored;  // Slower, if refused.
    stream.socket.set_option(tcp::no_delay(true), ignored);
    if (!site_.tls) {
        co_return true;
    }
    auto shaking = shake_hands();
    const bool shaken = co_await std::move(shaking);
    co_return shaken;
}

asio::awaitable<bool> conversation::shake_hands()
{
    redis_stream& stream = *open_->stream;
    start_tls(stream, *site_.tls, with_.host);
    auto shaking = stream.tls->async_handshake(asio::ssl::stream_base::client, as_result);
    const auto [unshaken] = co_await std::move(shaking);
    if (unshaken) {
        co_return failed(why_no_tls(stream, unshaken),
                         " does not answer the TLS handshake in time: if it speaks plain text, "
                         "vault.store must say redis://");
    }
    co_return true;
}

// It closed the connection instead of answering.
std::string conversation::why_silent() const
{
    if (answered_) {
        return " ends the connection";
    }
    return site_.tls ? " ends the connection after the TLS handshake: it may want a client "
                       "certificate (vault.redis.certificate and vault.redis.key)"
                     : " ends the connection without an answer: if it speaks TLS, vault.store must "
                       "say rediss://";
}

asio::awaitable<std::optional<redis_reply>> conversation::ask(std::vector<std::string_view> words)
{
    redis_stream& stream = *open_->stream;
    std::string outgoing;
    append_command(outgoing, words);
    auto writing = asio::async_write(stream, asio::buffer(outgoing), as_result);
    const auto [unwritten, written] = co_await std::move(writing);
    static_cast<void>(written);
    OPENSSL_cleanse(outgoing.data(), outgoing.size());
    if (unwritten) {
        failed(why_silent());
        co_return std::nullopt;
    }
    std::array<char, 4096> input;
    for (;;) {
        auto reply = reader_.next();
        if (!reply) {
            fail(" does not answer as Redis does");
            co_return std::nullopt;
        }
        if (*reply) {
            co_return std::move(**reply);
        }
        auto reading = stream.async_read_some(asio::buffer(input), as_result);
        const auto [unread, size] = co_await std::move(reading);
        if (unread || open_->expired) {
            failed(why_silent());
            co_return std::nullopt;
        }
        const std::string_view bytes(input.data(), size);
        if (!answered_ && bytes.starts_with(tls_alert)) {
            fail(" speaks TLS: vault.store must say rediss://");
            co_return std::nullopt;
        }
        answered_ = true;
        if (!reader_.feed(bytes)) {
            fail(" answers more than it may");
            co_return std::nullopt;
        }
    }
}

asio::awaitable<std::optional<redis_reply>> conversation::demand(
    std::vector<std::string_view> words)
{
    const std::string_view command = words.front();
    auto asking = ask(std::move(words));
    std::optional<redis_reply> reply = co_await std::move(asking);
    if (reply && reply->type == redis_reply::kind::error) {
        fail(why_refused(*reply, command));
        reply.reset();
    }
    co_return reply;
}

asio::awaitable<bool> conversation::log_in()
{
    const redis_address& address = site_.address;
    std::vector<std::string_view> words = {"AUTH"};
    if (!address.user.empty()) {
        words.push_back(address.user);
    }
    words.push_back(address.password->reveal());
    auto asking = demand(std::move(words));
    const std::optional<redis_reply> reply = co_await std::move(asking);
    co_return reply.has_value();
}

std::vector<std::string_view> one_word(std::string_view word) { return {1, word}; }

// Everything between a connection and its use. ROLE comes before SELECT, so that a sentinel is
// told apart; PING last, because only it tells that the data is still being loaded.
asio::awaitable<bool> greet(conversation& server, const redis_address& address)
{
    if (address.password) {
        auto logging_in = server.log_in();
        const bool logged_in = co_await std::move(logging_in);
        if (!logged_in) {
            co_return false;
        }
    }
    auto asking_role = server.demand(one_word("ROLE"));
    const std::optional<redis_reply> role = co_await std::move(asking_role);
    if (!role) {
        co_return false;
    }
    const std::string name = role->elements.empty() ? std::string() : role->elements[0].text;
    if (name != "master") {
        server.fail(name == "slave" ? " is a replica: the vault uses the master alone"
                    : name == "sentinel"
                        ? " is a sentinel: vault.store must say redis+sentinel://host:port/name"
                        : " does not answer as Redis does");
        co_return false;
    }
    if (address.database != 0) {
        const std::string number = std::to_string(address.database);
        std::vector<std::string_view> words = one_word("SELECT");
        words.push_back(number);
        auto selecting = server.demand(std::move(words));
        const std::optional<redis_reply> selected = co_await std::move(selecting);
        if (!selected) {
            co_return false;
        }
    }
    auto pinging = server.demand(one_word("PING"));
    const std::optional<redis_reply> pong = co_await std::move(pinging);
    co_return pong.has_value();
}

asio::awaitable<redis_dialled> dial_server(asio::io_context& context, const redis_site& site,
                                           redis_endpoint endpoint)
{
    conversation server(context, site, std::move(endpoint), redis_dial_limit);
    redis_dialled dialled;
    auto connecting = server.connect();
    bool usable = co_await std::move(connecting);
    if (usable) {
        auto greeting = greet(server, site.address);
        usable = co_await std::move(greeting);
    }
    if (usable) {
        dialled.stream = server.take();
    } else {
        dialled.why = server.why();
    }
    co_return dialled;
}

// What SENTINEL get-master-addr-by-name answered.
std::optional<redis_endpoint> to_endpoint(const redis_reply& reply)
{
    if (reply.type != redis_reply::kind::list || reply.elements.size() != 2 ||
        !is_host(reply.elements[0].text)) {
        return std::nullopt;
    }
    redis_endpoint endpoint{reply.elements[0].text, 0};
    const std::string& port = reply.elements[1].text;
    const char* const end = port.data() + port.size();
    const auto read = std::from_chars(port.data(), end, endpoint.port);
    if (read.ec != std::errc() || read.ptr != end || endpoint.port == 0) {
        return std::nullopt;
    }
    return endpoint;
}

struct named_master {
    std::optional<redis_endpoint> endpoint;
    std::string why;
};

asio::awaitable<named_master> ask_sentinel(asio::io_context& context, const redis_site& site,
                                           redis_endpoint where)
{
    conversation sentinel(context, site, std::move(where), redis_sentinel_limit);
    named_master found;
    auto connecting = sentinel.connect();
    const bool connected = co_await std::move(connecting);
    std::optional<redis_reply> reply;
    if (connected) {
        std::vector<std::string_view> words = one_word("SENTINEL");
        words.push_back("get-master-addr-by-name");
        words.push_back(site.address.master);
        std::vector<std::string_view> again = words;
        auto asking = sentinel.ask(std::move(words));
        reply = co_await std::move(asking);
        if (reply && reply->text.starts_with("NOAUTH") && site.address.password) {
            reply.reset();
            auto logging_in = sentinel.log_in();
            const bool logged_in = co_await std::move(logging_in);
            if (logged_in) {
                auto asking_again = sentinel.ask(std::move(again));
                reply = co_await std::move(asking_again);
            }
        }
    }
    if (reply) {
        found.endpoint = to_endpoint(*reply);
        if (reply->type == redis_reply::kind::error) {
            sentinel.fail(why_refused(*reply, "SENTINEL") + ", as a sentinel");
        } else if (reply->type == redis_reply::kind::nothing) {
            sentinel.fail(" is a sentinel, but knows no master of the name in vault.store");
        } else {
            sentinel.fail(" does not answer as a sentinel does");
        }
    }
    found.why = sentinel.why();
    co_return found;
}

// A sentinel cut off from the others may name a master of the past: its word counts only once the
// server named says the same.
asio::awaitable<redis_dialled> dial_master(asio::io_context& context, redis_site& site)
{
    const std::vector<redis_endpoint>& sentinels = site.address.endpoints;
    std::vector<std::string> tried;
    redis_dialled dialled;
    const std::size_t first = site.first_sentinel;
    for (std::size_t i = 0; i < sentinels.size(); ++i) {
        const std::size_t which = (first + i) % sentinels.size();
        auto asking = ask_sentinel(context, site, sentinels[which]);
        named_master named = co_await std::move(asking);
        if (!named.endpoint) {
            dialled.why = dialled.why.empty() ? named.why : dialled.why;
            continue;
        }
        site.first_sentinel = which;
        const std::string name = to_string(*named.endpoint);
        if (std::find(tried.begin(), tried.end(), name) != tried.end()) {
            continue;
        }
        tried.push_back(name);
        auto dialling = dial_server(context, site, std::move(*named.endpoint));
        redis_dialled reached = co_await std::move(dialling);
        if (reached.stream) {
            co_return reached;
        }
        dialled.why = reached.why + "; the sentinels name it as the master";
    }
    co_return dialled;
}

}  // namespace

redis_site::redis_site(redis_address where, redis_settings with)
    : address(std::move(where)),
      settings(std::move(with)),
      tls(address.tls ? make_redis_tls(settings) : nullptr)
{
}

asio::awaitable<redis_dialled> dial_redis(asio::io_context& context,
                                          std::shared_ptr<redis_site> site)
{
    redis_dialled dialled;
    if (site->address.master.empty()) {
        auto dialling = dial_server(context, *site, site->address.endpoints.front());
        dialled = co_await std::move(dialling);
    } else {
        auto dialling = dial_master(context, *site);
        dialled = co_await std::move(dialling);
    }
    co_return dialled;
}

}  // namespace sallyport::vault
