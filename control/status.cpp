// Does a user have what an App needs? POST for a list of requirements, GET for one provider.
#include <utility>

#include "base/text.hpp"
#include "control/requirements.hpp"
#include "control/routes.hpp"

namespace sallyport::control {

namespace json = boost::json;
namespace asio = boost::asio;

namespace {

asio::awaitable<answer> report(request& call, std::string workspace, std::string user,
                               std::vector<requirement> wanted)
{
    if (std::optional<answer> refusal = refuse_workspace(call, workspace)) {
        co_return std::move(*refusal);
    }
    auto listing = call.gate.vault.list(workspace, "");
    const auto connections = co_await std::move(listing);
    if (!connections) {
        co_return problem(connections.error());
    }
    const std::shared_ptr<const policy::catalogue> catalogue = call.gate.catalogue();
    requirement_report found = report_on(wanted, *catalogue, *connections, user);
    json::object out;
    out["is_satisfied"] = found.is_satisfied;
    out["requirements"] = std::move(found.records);
    co_return ok(std::move(out));
}

}  // namespace

asio::awaitable<answer> report_requirements(request& call)
{
    complaints wrong;
    member_reader members(call.body, "", wrong);
    std::string workspace = members.required_text("workspace");
    std::string user = members.required_text("user");
    std::vector<requirement> wanted = read_requirements(members, "connects", wrong);
    members.refuse_others();
    for (const auto& [name, text] :
         {std::pair("workspace", &workspace), std::pair("user", &user)}) {
        if (!text->empty() && !is_name(*text)) {
            members.complain(name, "must be 1 to 128 letters, digits or ._@:+-");
        }
    }
    if (!wrong.empty()) {
        co_return problem(wrong);
    }
    auto reporting = report(call, std::move(workspace), std::move(user), std::move(wanted));
    co_return co_await std::move(reporting);
}

asio::awaitable<answer> report_one_requirement(request& call)
{
    std::string workspace = call.query("workspace").value_or("");
    std::string user = call.query("user").value_or("");
    requirement one;
    one.id = call.query("provider").value_or("");
    if (!is_name(workspace) || !is_name(user) || !is_name(one.id)) {
        co_return problem(400, "bad_request",
                          "The query must name a `workspace`, a `user` and a `provider`.");
    }
    std::vector<requirement> wanted{one};
    auto reporting = report(call, std::move(workspace), std::move(user), std::move(wanted));
    co_return co_await std::move(reporting);
}

}  // namespace sallyport::control
