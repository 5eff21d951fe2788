#include "vault/redis_wire.hpp"

#include <hiredis/hiredis.h>
#include <openssl/crypto.h>

#include <boost/asio/connect.hpp>
#include <boost/asio/write.hpp>

#include "vault/error.hpp"

namespace sallyport::vault {

namespace asio = boost::asio;
using asio::ip::tcp;

redis_wire::redis_wire(asio::io_context& context, std::function<void()> answered,
                       std::function<void(std::string)> closed)
    : context_(context),
      answered_(std::move(answered)),
      closed_(std::move(closed)),
      resolver_(context),
      socket_(context),
      greeting_(context)
{
}

void redis_wire::subscribe(std::vector<std::string> channels,
                           std::function<void(const redis_reply&)> pushed)
{
    channels_ = std::move(channels);
    pushed_ = std::move(pushed);
}

void redis_wire::start(const redis_address& address)
{
    if (address.password) {
        const std::string_view password = address.password->reveal();
        constexpr const char* refusal = "Redis refuses the user or the password";
        if (address.user.empty()) {
            greet({"AUTH", password}, refusal);
        } else {
            greet({"AUTH", address.user, password}, refusal);
        }
    }
    if (address.database != 0) {
        greet({"SELECT", std::to_string(address.database)}, "Redis has no such database");
    }
    greet({"PING"}, "Redis does not serve");
    if (!channels_.empty()) {
        std::vector<std::string_view> words = {"SUBSCRIBE"};
        words.insert(words.end(), channels_.begin(), channels_.end());
        enqueue(words);  // Each channel is answered by a push.
    }

    const auto self = shared_from_this();
    greeting_.expires_after(command_timeout);
    greeting_.async_wait([self](const error_code& stopped) {
        if (!stopped) {
            self->close("Redis does not answer in time");
        }
    });
    resolver_.async_resolve(
        address.host, std::to_string(address.port),
        [self](const error_code& failed, const tcp::resolver::results_type& at) {
            if (failed) {
                self->close("the name of the Redis server cannot be resolved");
            } else {
                self->connect(at);
            }
        });
}

void redis_wire::connect(const tcp::resolver::results_type& where)
{
    if (ended_) {
        return;
    }
    asio::async_connect(
        socket_, where,
        [self = shared_from_this()](const error_code& failed, const tcp::endpoint&) {
            if (failed || self->ended_) {
                self->close("Redis cannot be reached");
                return;
            }
            error_code ignored;  // Slower, if refused.
            self->socket_.set_option(tcp::no_delay(true), ignored);
            self->connected_ = true;
            self->write();
            self->read();
        });
}

bool redis_wire::enqueue(const std::vector<std::string_view>& words)
{
    std::vector<const char*> texts;
    std::vector<std::size_t> sizes;
    for (const std::string_view word : words) {
        texts.push_back(word.data());
        sizes.push_back(word.size());
    }
    char* formatted = nullptr;
    const int size = redisFormatCommandArgv(&formatted, static_cast<int>(words.size()),
                                            texts.data(), sizes.data());
    if (size < 0) {
        return false;
    }
    queued_.append(formatted, static_cast<std::size_t>(size));
    OPENSSL_cleanse(formatted, static_cast<std::size_t>(size));  // AUTH holds a password.
    redisFreeCommand(formatted);
    return true;
}

void redis_wire::greet(const std::vector<std::string_view>& words, const char* refusal)
{
    if (enqueue(words)) {
        expected_.push_back({nullptr, refusal});
    }
}

std::shared_ptr<redis_wire::waiter> redis_wire::send(const std::vector<std::string_view>& words)
{
    if (ended_ || expected_.size() >= pipeline_max || queued_.size() > queued_bytes_max ||
        !enqueue(words)) {
        return nullptr;
    }
    auto waiting = std::make_shared<waiter>(context_);
    waiting->ended.expires_after(command_timeout);
    expected_.push_back({waiting, nullptr});
    write();
    return waiting;
}

void redis_wire::write()
{
    if (!connected_ || !outgoing_.empty() || queued_.empty()) {
        return;
    }
    outgoing_.swap(queued_);
    asio::async_write(socket_, asio::buffer(outgoing_),
                      [self = shared_from_this()](const error_code& failed, std::size_t) {
                          OPENSSL_cleanse(self->outgoing_.data(), self->outgoing_.size());
                          self->outgoing_.clear();
                          if (failed) {
                              self->close("the connection to Redis was lost");
                          } else {
                              self->write();
                          }
                      });
}

void redis_wire::read()
{
    socket_.async_read_some(asio::buffer(input_), [self = shared_from_this()](
                                                      const error_code& failed, std::size_t size) {
        if (failed) {
            self->close("the connection to Redis was lost");
            return;
        }
        self->take({self->input_.data(), size});
        if (!self->ended_) {
            self->read();
        }
    });
}

void redis_wire::take(std::string_view bytes)
{
    if (ended_) {
        return;
    }
    if (!reader_.feed(bytes)) {
        close("Redis answers more than it may");
        return;
    }
    while (!ended_) {
        result<std::optional<redis_reply>> reply = reader_.next();
        if (!reply || (*reply && expected_.empty() && !pushed_)) {
            close("Redis answers what nobody asked, or not as Redis does");
            return;
        }
        if (!*reply) {
            return;
        }
        if (expected_.empty()) {
            pushed_(**reply);
            continue;
        }
        const expected next = std::move(expected_.front());
        expected_.pop_front();
        if (next.waiting) {
            next.waiting->outcome.emplace(std::move(**reply));
            next.waiting->ended.cancel();
        } else if ((*reply)->type == redis_reply::kind::error) {
            close(next.refusal);
            return;
        } else if (expected_.empty() || expected_.front().waiting) {
            greeting_.cancel();
        }
        answered_();
    }
}

void redis_wire::close(std::string why)
{
    if (ended_) {
        return;
    }
    ended_ = true;
    error_code ignored;  // It is of no use any more either way.
    socket_.close(ignored);
    resolver_.cancel();
    greeting_.cancel();
    for (const expected& one : expected_) {
        if (one.waiting) {
            one.waiting->outcome.emplace(errc::unavailable);
            one.waiting->ended.cancel();
        }
    }
    expected_.clear();
    OPENSSL_cleanse(queued_.data(), queued_.size());
    queued_.clear();
    const auto closed = std::move(closed_);
    closed(std::move(why));
}

}  // namespace sallyport::vault
