#include "control/login_guard.hpp"

#include <algorithm>

namespace sallyport::control {

namespace {

// "10.0.0.1:4711" -> "10.0.0.1"; each of a client's connections has another port.
std::string_view host_of(std::string_view client) noexcept
{
    const std::size_t colon = client.rfind(':');
    return colon == std::string_view::npos ? client : client.substr(0, colon);
}

}  // namespace

// Trust outlasts windows; what holds nothing any more is forgotten.
void login_guard::turn_window(clock::time_point now)
{
    if (now < window_ends_) {
        return;
    }
    window_ends_ = now + window;
    wrong_ = 0;
    for (auto at = clients_.begin(); at != clients_.end();) {
        at->second.wrong = 0;
        at = at->second.trusted_until <= now ? clients_.erase(at) : std::next(at);
    }
}

login_guard::history* login_guard::find(std::string_view client, bool add)
{
    const std::string_view host = host_of(client);
    const auto known = clients_.find(host);
    if (known != clients_.end()) {
        return &known->second;
    }
    // One that there is no room for is bounded by the sum over all.
    return add && clients_.size() < clients_max ? &clients_[std::string(host)] : nullptr;
}

std::optional<std::chrono::seconds> login_guard::wait_of(std::string_view client,
                                                         clock::time_point now)
{
    turn_window(now);
    const history* const known = find(client, false);
    const bool trusted = known != nullptr && known->trusted_until > now;
    const bool too_many = known != nullptr && known->wrong >= wrong_of_client_max;
    if (!too_many && (trusted || wrong_ < wrong_of_all_max)) {
        return std::nullopt;
    }
    return std::max(std::chrono::ceil<std::chrono::seconds>(window_ends_ - now),
                    std::chrono::seconds(1));
}

void login_guard::was_wrong(std::string_view client, clock::time_point now)
{
    turn_window(now);
    ++wrong_;
    if (history* const known = find(client, true)) {
        ++known->wrong;
    }
}

void login_guard::was_right(std::string_view client, clock::time_point now)
{
    turn_window(now);
    if (history* const known = find(client, true)) {
        known->trusted_until = now + trust_time;
    }
}

}  // namespace sallyport::control
