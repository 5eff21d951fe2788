// Keeps control tokens from being tried out: who has sent too many wrong ones hears of a further
// one only that it must wait for the rest of the minute (429 with Retry-After). A right token is
// never kept waiting: whoever shares an address with the guesser, as all do behind a proxy or on a
// socket, must be able to revoke.
//
// Counted for each client (client_group.hpp), and over all of them, which bounds the memory. Not
// thread-safe.
#pragma once

#include <chrono>
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

    // How long this client must wait before it is told that a token is wrong; none: not at all.
    // `client` is an address with its port, or "unix".
    std::optional<std::chrono::seconds> wait_of(std::string_view client, clock::time_point now);
    void was_wrong(std::string_view client, clock::time_point now);

private:
    void turn_window(clock::time_point now);

    clock::time_point window_ends_{};
    unsigned wrong_ = 0;
    std::map<std::string, unsigned> wrong_of_;
};

}  // namespace sallyport::control
