#include "control/server.hpp"

#include <stdexcept>
#include <utility>

#include "control/listener.hpp"
#include "control/login_guard.hpp"

namespace sallyport::control {

namespace {

// What the sessions need for as long as they last.
struct office {
    services gate;
    token_table tokens;
    login_guard logins = {};

    std::variant<answer, admitted> admit_caller(const head& head);
};

// Wrong ones are told to wait in the end, right ones never.
std::variant<answer, admitted> office::admit_caller(const head& head)
{
    std::variant<answer, admitted> decided = admit(gate, tokens, head);
    const answer* const refusal = std::get_if<answer>(&decided);
    if (refusal == nullptr) {
        return decided;
    }
    control::tally none;
    control::tally& counts = gate.tally != nullptr ? *gate.tally : none;
    ++counts.answers[4];  // The others are counted as handled.
    if (refusal->status != 401 || bearer_of(head.authorization).empty()) {
        return decided;
    }
    const auto now = login_guard::clock::now();
    const auto wait = logins.wait_of(head.client, now);
    if (!wait) {
        logins.was_wrong(head.client, now);
        ++counts.logins_refused;
        return decided;
    }
    ++counts.logins_limited;
    answer limited = problem(429, "rate_limited", "Too many wrong control tokens. Wait.");
    limited.fields.emplace_back("Retry-After", std::to_string(wait->count()));
    return limited;
}

listener make_listener(boost::asio::io_context& context, const settings& settings,
                       services services)
{
    const auto shared =
        std::make_shared<office>(office{std::move(services), token_table(settings.tokens)});
    return {context,
            settings.listen,
            "control.listen",
            {.sessions_max = sessions_max, .body_bytes_max = body_bytes_max},
            [shared](const head& head) { return shared->admit_caller(head); }};
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

bool server::is_busy() const { return parts_->door.is_busy(); }

}  // namespace sallyport::control
