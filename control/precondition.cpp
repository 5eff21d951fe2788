#include "control/precondition.hpp"

#include <string_view>
#include <utility>

#include "base/text.hpp"
#include "control/connection_json.hpp"
#include "vault/error.hpp"

namespace sallyport::control {

namespace {

std::string tag_of(const vault::connection& record)
{
    return '"' + std::to_string(record.version) + '"';
}

// Whether the field's list of tags has this one; `*` stands for any.
bool names(std::string_view list, std::string_view tag, bool weak_too)
{
    while (!list.empty()) {
        const std::size_t comma = std::min(list.find(','), list.size());
        std::string_view one = trim(list.substr(0, comma));
        if (weak_too && one.starts_with("W/")) {
            one.remove_prefix(2);
        }
        if (one == tag || one == "*") {
            return true;
        }
        list.remove_prefix(std::min(comma + 1, list.size()));
    }
    return false;
}

}  // namespace

answer shown(const vault::connection& record)
{
    answer reply = ok(to_json(record));
    reply.fields.emplace_back("ETag", tag_of(record));
    return reply;
}

binding bound_to(const request& call, const vault::connection& record)
{
    binding found;
    const std::optional<std::string> wanted = call.field("If-Match");
    if (!wanted || trim(*wanted) == "*") {
        return found;
    }
    found.version = record.version;
    if (!names(*wanted, tag_of(record), false)) {
        found.refusal = precondition_failed();
    }
    return found;
}

bool is_known(const request& call, const vault::connection& record)
{
    const std::optional<std::string> known = call.field("If-None-Match");
    return known && names(*known, tag_of(record), true);
}

answer precondition_failed()
{
    return problem(412, "precondition_failed",
                   "The connection is not the version that If-Match names. Read it again.");
}

answer not_done(const request& call, const audit::entry& line, const error_code& why)
{
    answer refusal = failed(call, line, why);
    return why == vault::errc::version_conflict ? precondition_failed() : refusal;
}

answer changed(const request& call, const audit::entry& line,
               const result<vault::connection>& updated, bool overtaken, const binding& bound)
{
    if (updated && !overtaken) {
        call.gate.tell("connection.updated", *updated);
        return shown(*updated);
    }
    answer refusal =
        failed(call, line, updated ? error_code(vault::errc::version_conflict) : updated.error());
    return overtaken && bound.version ? precondition_failed() : refusal;
}

}  // namespace sallyport::control
