#include "control/webhook_inbox.hpp"

#include <boost/json/object.hpp>
#include <utility>

namespace sallyport::control {

namespace json = boost::json;
namespace asio = boost::asio;

webhook_inbox::webhook_inbox(std::function<std::shared_ptr<const policy::catalogue>()> catalogue)
    : catalogue_(std::move(catalogue))
{
}

void webhook_inbox::use(secrets accept, std::shared_ptr<webhook_publisher> to)
{
    secrets_ = std::move(accept);
    to_ = std::move(to);
}

asio::awaitable<answer> webhook_inbox::take(std::string provider, header_lookup headers,
                                            std::string body)
{
    const auto secret = secrets_.find(provider);
    const std::shared_ptr<const policy::catalogue> catalogue = catalogue_();
    const policy::provider* const found = catalogue->find(provider);
    if (to_ == nullptr || secret == secrets_.end() || found == nullptr ||
        !found->facts().webhooks) {
        co_return not_found();
    }
    const unix_micros now = now_micros();
    webhook_event event =
        read_webhook(*found->facts().webhooks, secret->second, headers, body, now);
    if (event.verdict == webhook_verdict::malformed) {
        ++totals_.refused;
        co_return problem(422, "invalid_event", "The event does not have the id it should have.");
    }
    if (event.verdict != webhook_verdict::genuine) {
        ++totals_.refused;
        co_return problem(401, "invalid_signature", "The event's signature does not hold.");
    }
    if (!event.challenge.empty()) {
        json::object reply;
        reply["challenge"] = event.challenge;
        co_return ok(std::move(reply));
    }
    published_event out{std::move(provider), std::move(event.id), std::move(event.kind),
                        std::move(body), now};
    const std::shared_ptr<webhook_publisher> to = to_;
    auto publishing = to->publish(std::move(out));
    const publication outcome = co_await std::move(publishing);
    if (outcome == publication::failed) {
        ++totals_.failed;
        co_return problem(503, "stream_unavailable", "The event cannot be published now.");
    }
    ++(outcome == publication::done ? totals_.accepted : totals_.repeated);
    co_return no_content();
}

}  // namespace sallyport::control
