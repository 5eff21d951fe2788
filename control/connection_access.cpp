#include "control/connection_access.hpp"

#include <utility>

#include "vault/error.hpp"

namespace sallyport::control {

boost::asio::awaitable<found_connection> find_connection(request& call, access wanted)
{
    found_connection found;
    auto showing = call.gate.vault.show(call.named.front());
    auto shown = co_await std::move(showing);
    if (!shown) {
        found.refusal = problem(shown.error());
    } else if (!call.who->speaks_for(shown->workspace)) {
        found.refusal = not_found();
    } else if (wanted == access::change && shown->shared && call.who->role != role::admin) {
        found.refusal = shared_needs_admin();
    } else {
        found.record = std::move(*shown);
    }
    co_return found;
}

answer shared_needs_admin()
{
    return problem(403, "forbidden", "A shared connection is an admin's to add or change.");
}

answer revoked_already() { return problem(error_code(vault::errc::revoked)); }

audit::entry line_about(audit::kind kind, const vault::connection& record)
{
    audit::entry line;
    line.kind = kind;
    line.workspace = record.workspace;
    line.user = record.user;
    line.connection_id = record.id;
    line.provider = record.provider;
    return line;
}

}  // namespace sallyport::control
