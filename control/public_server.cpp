#include "control/public_server.hpp"

#include <algorithm>
#include <chrono>
#include <deque>
#include <utility>

#include "control/listener.hpp"
#include "control/page.hpp"

namespace sallyport::control {

namespace {

// So many in each second, from its first one on.
class rate_limit {
public:
    explicit rate_limit(unsigned most) : most_(most) {}

    bool take()
    {
        const auto now = std::chrono::steady_clock::now();
        if (now - began_ >= std::chrono::seconds(1)) {
            began_ = now;
            taken_ = 0;
        }
        return taken_ < most_ && ++taken_ != 0;
    }

private:
    unsigned most_;
    unsigned taken_ = 0;
    std::chrono::steady_clock::time_point began_{};
};

// What the sessions of all listeners share for as long as they last.
struct counter {
    services gate;
    rate_limit callbacks{callbacks_per_second_max};
};

std::variant<answer, admitted> admit_visitor(counter& at, const head& head)
{
    std::variant<answer, admitted> decided = admit_outside(at.gate, head);
    const admitted* inside = std::get_if<admitted>(&decided);
    if (inside != nullptr && !inside->found->raw_body && !at.callbacks.take()) {
        answer refusal = page(429, "Too busy", "Please load this page again in a moment.");
        refusal.fields.emplace_back("Retry-After", "1");
        return refusal;
    }
    return decided;
}

}  // namespace

struct public_server::parts {
    std::deque<listener> doors;
};

public_server::public_server(boost::asio::io_context& context, const settings& settings,
                             services services)
    : parts_(std::make_unique<parts>())
{
    const auto shared = std::make_shared<counter>(counter{std::move(services)});
    for (const net::listen_address& address : settings.public_listen) {
        parts_->doors.emplace_back(
            context, address, "public.listen",
            listener_limits{public_sessions_max, public_body_bytes_max},
            [shared](const head& head) { return admit_visitor(*shared, head); });
    }
}

public_server::~public_server() = default;

std::vector<std::string> public_server::open()
{
    std::vector<std::string> where;
    for (listener& door : parts_->doors) {
        where.push_back(door.open());
    }
    return where;
}

void public_server::stop()
{
    for (listener& door : parts_->doors) {
        door.stop();
    }
}

bool public_server::is_busy() const
{
    return std::any_of(parts_->doors.begin(), parts_->doors.end(),
                       [](const listener& door) { return door.is_busy(); });
}

}  // namespace sallyport::control
