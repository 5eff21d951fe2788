#include "vault/redis_wire.hpp"

#include <boost/asio/write.hpp>

#include "vault/error.hpp"
#include "vault/redis_refusal.hpp"

namespace sallyport::vault {

namespace asio = boost::asio;

redis_wire::redis_wire(asio::io_context& context, std::unique_ptr<redis_stream> stream,
                       std::function<void()> answered, std::function<void(std::string)> closed)
    : context_(context),
      stream_(std::move(stream)),
      answered_(std::move(answered)),
      closed_(std::move(closed))
{
}

void redis_wire::subscribe(const std::vector<std::string>& channels,
                           std::function<void(const redis_reply&)> pushed)
{
    std::vector<std::string_view> words = {"SUBSCRIBE"};
    words.insert(words.end(), channels.begin(), channels.end());
    append_command(queued_, words);  // Each channel is answered by a push.
    pushed_ = std::move(pushed);
}

void redis_wire::start()
{
    write();
    read();
}

std::shared_ptr<redis_wire::waiter> redis_wire::send(const std::vector<std::string_view>& words)
{
    if (ended_ || waiting_.size() >= pipeline_max || queued_.size() > queued_bytes_max ||
        !append_command(queued_, words)) {
        return nullptr;
    }
    auto waiting = std::make_shared<waiter>(context_);
    waiting->ended.expires_after(command_timeout);
    waiting_.push_back(waiting);
    write();
    return waiting;
}

void redis_wire::write()
{
    if (!outgoing_.empty() || queued_.empty()) {
        return;
    }
    outgoing_.swap(queued_);
    asio::async_write(*stream_, asio::buffer(outgoing_),
                      [self = shared_from_this()](const error_code& failed, std::size_t) {
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
    stream_->async_read_some(asio::buffer(input_), [self = shared_from_this()](
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
        if (!reply || (*reply && waiting_.empty() && !pushed_)) {
            close("Redis answers what nobody asked, or not as Redis does");
            return;
        }
        if (!*reply) {
            return;
        }
        give(std::move(**reply));
    }
}

void redis_wire::give(redis_reply reply)
{
    const bool failed = reply.type == redis_reply::kind::error;
    const bool replica = failed && is_from_replica(reply);
    if (!waiting_.empty()) {
        const std::shared_ptr<waiter> next = std::move(waiting_.front());
        waiting_.pop_front();
        next->outcome.emplace(std::move(reply));
        next->ended.cancel();
    } else if (failed) {
        close("Redis" + why_refused(reply, "SUBSCRIBE"));
        return;
    } else {
        pushed_(reply);
    }
    if (replica) {
        close("Redis has become a replica");
    } else {
        answered_();
    }
}

void redis_wire::close(std::string why)
{
    if (ended_) {
        return;
    }
    ended_ = true;
    stream_->close();
    for (const std::shared_ptr<waiter>& one : waiting_) {
        one->outcome.emplace(errc::unavailable);
        one->ended.cancel();
    }
    waiting_.clear();
    queued_.clear();
    const auto closed = std::move(closed_);
    closed(std::move(why));
}

}  // namespace sallyport::vault
