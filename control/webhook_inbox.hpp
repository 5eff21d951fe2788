// Takes the events that providers send: proves each by its signature and publishes it, once.
//
// A provider hears 2xx only when the event is published; otherwise it sends it again. Nothing of an
// event is believed, kept or logged before its signature holds. All refusals look alike to a caller
// who has no secret: 404 for a provider whose events are not taken, 401 for everything about the
// signature.
//
// Threading: the control thread. Lifetime: the inbox outlives its coroutines.
// Limits: bodies of at most webhook_body_bytes_max.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "control/answer.hpp"
#include "control/webhook_signature.hpp"
#include "policy/provider.hpp"

namespace sallyport::control {

constexpr std::size_t webhook_body_bytes_max = std::size_t{1} << 20;
// How long an event is remembered, so that one that is sent again is published once.
constexpr std::chrono::hours webhook_memory{7 * 24};

struct published_event {
    std::string provider, id, kind, body;
    unix_micros received_at = 0;
};

enum class publication : std::uint8_t {
    done,
    repeated,  // an event of that provider and id is there already
    failed     // it may or may not be there
};

// Where accepted events go; the program supplies one.
class webhook_publisher {
public:
    virtual ~webhook_publisher() = default;
    virtual boost::asio::awaitable<publication> publish(published_event event) = 0;
};

class webhook_inbox {
public:
    struct counts {
        std::uint64_t accepted = 0, repeated = 0, refused = 0, failed = 0;
    };

    using secrets = std::map<std::string, std::string>;  // by provider

    explicit webhook_inbox(std::function<std::shared_ptr<const policy::catalogue>()> catalogue);

    // Whose events are taken from now on, and where they go: null, nobody's.
    void use(secrets accept, std::shared_ptr<webhook_publisher> to);

    // `headers` is used only until the first suspension.
    boost::asio::awaitable<answer> take(std::string provider, header_lookup headers,
                                        std::string body);

    const counts& totals() const noexcept { return totals_; }

private:
    std::function<std::shared_ptr<const policy::catalogue>()> catalogue_;
    secrets secrets_;
    std::shared_ptr<webhook_publisher> to_;  // shared with the events on their way
    counts totals_;
};

}  // namespace sallyport::control
