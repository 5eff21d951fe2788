// Has the vault keep when connections were last used, every few seconds.
//
// Threading: the control thread. Lifetime: the vault outlives it, and it outlives its coroutine,
// which ends soon after stop().
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <functional>
#include <memory>

#include "vault/keeper.hpp"

namespace sallyport::control {

constexpr std::chrono::seconds uses_saved_every{5};

class use_saver {
public:
    use_saver(boost::asio::io_context& context, vault::keeper& vault);
    ~use_saver() { halt(); }
    use_saver(const use_saver&) = delete;
    use_saver& operator=(const use_saver&) = delete;

    void start();
    // Once more, and then `then`, whether or not the store has taken it in its own time.
    void stop(std::function<void()> then);

private:
    struct state;
    static boost::asio::awaitable<void> serve(std::shared_ptr<state> self);
    static boost::asio::awaitable<void> finish(std::shared_ptr<state> self,
                                               std::function<void()> then);
    void halt();

    std::shared_ptr<state> state_;  // shared with its coroutine
};

}  // namespace sallyport::control
