// Keeps control tokens from being tried out: who has sent too many wrong ones is not looked at for
// the rest of the minute, whatever is sent (429 with Retry-After).
//
// Counted for each client address, and over all of them; an address that has shown a right token
// lately is not shut out by the others' wrong ones. Bounded in memory. Not thread-safe.
#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace sallyport::control {

class login_guard {
public:
    using clock = std::chrono::steady_clock;

    static constexpr std::chrono::seconds window{60};
    static constexpr unsigned wrong_of_client_max = 100;  // in a window
    static constexpr unsigned wrong_of_all_max = 1000;
    static constexpr std::size_t clients_max = 4096;  // known at once
    static constexpr std::chrono::hours trust_time{1};

    // How long this client must wait before a token of its is looked at; none: not at all. `client`
    // is an address with its port, or "unix".
    std::optional<std::chrono::seconds> wait_of(std::string_view client, clock::time_point now);
    void was_wrong(std::string_view client, clock::time_point now);
    void was_right(std::string_view client, clock::time_point now);

private:
    struct history {
        unsigned wrong = 0;
        clock::time_point trusted_until{};
    };

    void turn_window(clock::time_point now);
    history* find(std::string_view client, bool add);

    clock::time_point window_ends_{};
    unsigned wrong_ = 0;
    std::map<std::string, history, std::less<>> clients_;
};

}  // namespace sallyport::control
