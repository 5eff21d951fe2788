#include "control/request.hpp"

#include "base/text.hpp"

namespace sallyport::control {

std::optional<std::string> request::query(std::string_view name) const
{
    for (const auto& [key, value] : queries) {
        if (key == name) {
            return value;
        }
    }
    return std::nullopt;
}

std::optional<std::string> request::field(std::string_view name) const
{
    for (const auto& [key, value] : fields) {
        if (equal_ignoring_case(key, name)) {
            return value;
        }
    }
    return std::nullopt;
}

result<void> record(const request& call, audit::entry line)
{
    line.client = call.client;
    line.actor = call.who != nullptr ? std::string_view(call.who->actor) : "public";
    return record(call.gate, line);
}

result<void> record(const services& gate, audit::entry line)
{
    if (line.actor.empty()) {
        line.actor = "gate";
    }
    const result<std::uint64_t> appended = gate.trail.append(line);
    if (!appended) {
        return appended.error();
    }
    return gate.trail.flush();
}

answer failed(const request& call, audit::entry line, const error_code& why)
{
    line.code = code_of(why);
    line.detail = "not done";
    // If even this line cannot be written the one before it stands, and says more than was done.
    [[maybe_unused]] const result<void> recorded = record(call, line);
    return problem(why);
}

std::optional<answer> refuse_workspace(const request& call, std::string_view workspace)
{
    if (call.who->speaks_for(workspace)) {
        return std::nullopt;
    }
    return problem(403, "forbidden", "This token does not speak for that workspace.");
}

}  // namespace sallyport::control
