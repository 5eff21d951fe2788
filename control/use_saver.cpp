#include "control/use_saver.hpp"

#include <spdlog/spdlog.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

#include "control/guarded.hpp"

namespace sallyport::control {

namespace asio = boost::asio;

namespace {

void rethrow(std::exception_ptr bug)
{
    if (bug) {
        std::rethrow_exception(bug);
    }
}

}  // namespace

struct use_saver::state {
    state(asio::io_context& context, vault::keeper& vault_given)
        : io(context), vault(vault_given), timer(context)
    {
    }

    asio::io_context& io;
    vault::keeper& vault;
    asio::steady_timer timer;
    bool stopped = false;
};

use_saver::use_saver(asio::io_context& context, vault::keeper& vault)
    : state_(std::make_shared<state>(context, vault))
{
}

void use_saver::start()
{
    asio::co_spawn(state_->io, serve(state_), log_escaped("saving last uses"));
}

void use_saver::stop(std::function<void()> then)
{
    halt();
    asio::co_spawn(state_->io, finish(state_, std::move(then)), rethrow);
}

void use_saver::halt()
{
    state_->stopped = true;
    state_->timer.cancel();
}

asio::awaitable<void> use_saver::finish(std::shared_ptr<state> self, std::function<void()> then)
{
    auto saving = self->vault.save_uses();
    const result<void> saved = co_await std::move(saving);
    if (!saved) {
        spdlog::warn("when connections were last used could not be kept: {}",
                     saved.error().message());
    }
    then();
}

asio::awaitable<void> use_saver::serve(std::shared_ptr<state> self)
{
    while (!self->stopped) {
        self->timer.expires_after(uses_saved_every);
        auto pausing = self->timer.async_wait(asio::as_tuple(asio::use_awaitable));
        [[maybe_unused]] const auto [woken] = co_await std::move(pausing);
        if (self->stopped) {
            break;
        }
        // What the store did not take is offered again the next time.
        auto saving = self->vault.save_uses();
        [[maybe_unused]] const result<void> saved = co_await std::move(saving);
    }
}

}  // namespace sallyport::control
