#include "control/server.hpp"

#include <stdexcept>
#include <utility>

#include "control/listener.hpp"

namespace sallyport::control {

namespace {

// What the sessions need for as long as they last.
struct office {
    services gate;
    token_table tokens;
};

listener make_listener(boost::asio::io_context& context, const settings& settings,
                       services services)
{
    const auto shared =
        std::make_shared<const office>(office{std::move(services), token_table(settings.tokens)});
    return {context,
            settings.listen,
            "control.listen",
            {sessions_max, body_bytes_max},
            [shared](const head& head) { return admit(shared->gate, shared->tokens, head); }};
}

}  // namespace

struct server::parts {
    listener door;
    bool asks_for_tls = false;
};

server::server(boost::asio::io_context& context, const settings& settings, services services)
    : parts_(new parts{make_listener(context, settings, std::move(services)),
                       settings.listen.is_tls()})
{
}

server::~server() = default;

std::string server::open()
{
    if (parts_->asks_for_tls) {
        // What talks to it, client.hpp, has none.
        throw std::runtime_error(
            "control.listen: TLS is not built into the control listener; use a unix socket or a "
            "loopback address");
    }
    return parts_->door.open();
}

void server::stop() { parts_->door.stop(); }

}  // namespace sallyport::control
