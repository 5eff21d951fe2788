#include "control/waiting.hpp"

namespace sallyport::control {

std::optional<answer> refuse_wait(const request& call)
{
    const std::string wait = call.query("wait").value_or("false");
    if (wait == "true" || wait == "false") {
        return std::nullopt;
    }
    return problem(400, "bad_request", "The query's `wait` is true or false.");
}

boost::asio::awaitable<std::optional<answer>> settle_if_asked(request& call)
{
    if (call.query("wait").value_or("false") != "true") {
        co_return std::nullopt;
    }
    auto settling = call.gate.vault.settle();
    const auto settled = co_await std::move(settling);
    if (settled) {
        co_return std::nullopt;
    }
    co_return problem(503, "not_settled",
                      "It is done and holds on this gate, but the fleet could not be asked whether "
                      "it holds everywhere. It will within vault.lease.");
}

}  // namespace sallyport::control
