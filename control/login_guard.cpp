#include "control/login_guard.hpp"

#include <algorithm>

#include "control/client_group.hpp"

namespace sallyport::control {

void login_guard::turn_window(clock::time_point now)
{
    if (now >= window_ends_) {
        window_ends_ = now + window;
        wrong_ = 0;
        wrong_of_.clear();
    }
}

std::optional<std::chrono::seconds> login_guard::wait_of(std::string_view client,
                                                         clock::time_point now)
{
    turn_window(now);
    const auto known = wrong_of_.find(group_of(client));
    const bool too_many = known != wrong_of_.end() && known->second >= wrong_of_client_max;
    if (!too_many && wrong_ < wrong_of_all_max) {
        return std::nullopt;
    }
    return std::max(std::chrono::ceil<std::chrono::seconds>(window_ends_ - now),
                    std::chrono::seconds(1));
}

void login_guard::was_wrong(std::string_view client, clock::time_point now)
{
    turn_window(now);
    if (wrong_ < wrong_of_all_max) {
        ++wrong_;
        ++wrong_of_[group_of(client)];
    }
}

}  // namespace sallyport::control
