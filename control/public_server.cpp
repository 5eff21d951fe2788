#include "control/public_server.hpp"

#include <algorithm>
#include <chrono>
#include <deque>
#include <map>
#include <string>
#include <utility>

#include "control/client_group.hpp"
#include "control/listener.hpp"
#include "control/page.hpp"
#include "control/webhook_inbox.hpp"

namespace sallyport::control {

namespace {

// So many in each second, from its first one on, and so many of one client.
class rate_limit {
public:
    bool take(std::string_view client)
    {
        const auto now = std::chrono::steady_clock::now();
        if (now - began_ >= std::chrono::seconds(1)) {
            began_ = now;
            taken_ = 0;
            taken_by_.clear();
        }
        if (taken_ >= callbacks_per_second_max) {
            return false;
        }
        unsigned& own = taken_by_[group_of(client)];
        if (own >= callbacks_of_client_per_second_max) {
            return false;
        }
        ++own;
        ++taken_;
        return true;
    }

private:
    unsigned taken_ = 0;
    std::map<std::string, unsigned> taken_by_;
    std::chrono::steady_clock::time_point began_{};
};

// What the sessions of all listeners share for as long as they last.
struct counter {
    services gate;
    rate_limit callbacks = {};
};

std::variant<answer, admitted> admit_visitor(counter& at, const head& head)
{
    std::variant<answer, admitted> decided = admit_outside(at.gate, head);
    const admitted* inside = std::get_if<admitted>(&decided);
    if (inside != nullptr && !inside->found->raw_body && !at.callbacks.take(head.client)) {
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
            listener_limits{.sessions_max = public_sessions_max,
                            .sessions_of_client_max = public_sessions_of_client_max,
                            .body_bytes_max = public_body_bytes_max,
                            .raw_body_bytes_max = webhook_body_bytes_max,
                            .idle = public_idle_timeout},
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
