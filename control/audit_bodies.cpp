// The bodies that were kept of a call, for auditors alone. Each reading is in the trail before
// anything is read.
#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "audit/body_files.hpp"
#include "audit/query.hpp"
#include "audit/scan.hpp"
#include "base/encoding.hpp"
#include "base/text.hpp"
#include "control/audit_desk.hpp"
#include "control/connection_json.hpp"
#include "control/routes.hpp"
#include "vault/error.hpp"
#include "vault/sealed_body.hpp"

namespace sallyport::control {

namespace asio = boost::asio;
namespace json = boost::json;

namespace {

// What the desk's thread finds in the trail's directory.
struct kept_call {
    std::vector<audit::sealed_body> bodies;
    std::string outcome;  // the call's line; empty: it is not there (any more)
};

audit_desk::search search_for(std::shared_ptr<kept_call> into, std::string workspace,
                              std::string call_id)
{
    return [into = std::move(into), workspace = std::move(workspace), call_id = std::move(call_id)](
               const std::string& directory, const std::atomic<bool>& abandoned) {
        into->bodies = audit::find_bodies(directory, workspace, call_id, abandoned);
        if (into->bodies.empty()) {
            return;
        }
        audit::query what;
        what.all = {{"kind", {"call.outcome"}}, {"call_id", {call_id}}, {"workspace", {workspace}}};
        what.abandoned = &abandoned;
        for (std::string& line : audit::find_newest(directory, what, 1)) {
            into->outcome = std::move(line);
        }
    };
}

// What was found, opened: null where it is not as it was sealed.
json::value to_json(const audit::sealed_body& sealed, std::string_view text,
                    std::string_view outcome)
{
    const auto body = audit::read_body(text);
    if (!body) {
        return {};
    }
    const std::string side(audit::to_string(sealed.side));
    const std::string proof = audit::proof_of(text);
    const auto told = audit::find_member(outcome, side + "_proof");
    json::object out;
    out["side"] = side;
    out["captured_at"] = time_or_null(sealed.time);
    out["content_type"] = body->content_type;
    out["content_encoding"] = body->content_encoding;
    out["bytes"] = body->bytes.size();
    out["truncated"] = body->truncated;
    out["proof"] = proof;
    out["proved"] = told && *told == proof;
    out["data"] = to_base64(body->bytes);
    return out;
}

answer key_gone()
{
    return problem(410, "key_gone",
                   "The bodies are still there, but the key that they were sealed with is not: the "
                   "workspace was shredded.");
}

answer not_genuine()
{
    return problem(500, "corrupted", "A captured body is not as the gate sealed it.");
}

asio::awaitable<answer> open_bodies(request& call, std::string workspace,
                                    std::shared_ptr<const kept_call> found)
{
    vault::envelope box;
    json::array bodies;
    for (const audit::sealed_body& one : found->bodies) {
        const auto generation = vault::envelope::generation_of(one.sealed);
        if (!generation) {
            co_return not_genuine();
        }
        auto finding = call.gate.vault.keys().body_key(workspace, *generation);
        const result<vault::data_key> key = co_await std::move(finding);
        if (!key) {
            co_return key.error() == vault::errc::not_found ? key_gone() : problem(key.error());
        }
        const vault::body_place where{one.workspace, one.call_id, audit::to_string(one.side)};
        const result<vault::secret> text = vault::open_body(box, *key, where, one.sealed);
        json::value body = text ? to_json(one, text->reveal(), found->outcome) : json::value();
        if (body.is_null()) {
            co_return not_genuine();
        }
        bodies.push_back(std::move(body));
    }
    json::object out;
    out["call_id"] = found->bodies.front().call_id;
    out["workspace"] = workspace;
    out["bodies"] = std::move(bodies);
    co_return ok(std::move(out));
}

}  // namespace

asio::awaitable<answer> read_bodies(request& call)
{
    if (call.gate.audit == nullptr) {
        co_return not_found();
    }
    const std::string call_id = call.named.front();
    const std::string workspace = call.query("workspace").value_or("");
    if (!is_name(workspace) || call.queries.size() != 1) {
        co_return problem(400, "bad_request",
                          "The query must name a `workspace`, and nothing else.");
    }
    if (std::optional<answer> refusal = refuse_workspace(call, workspace)) {
        co_return std::move(*refusal);
    }
    if (!ulid::parse(call_id)) {
        co_return not_found();
    }
    audit::entry line;
    line.kind = audit::kind::body_read;
    line.workspace = workspace;
    line.call_id = call_id;
    if (!record(call, line)) {
        co_return audit_unavailable();
    }
    const auto found = std::make_shared<kept_call>();
    auto searching = call.gate.audit->run(call.who->actor, search_for(found, workspace, call_id));
    const audit_desk::outcome ended = co_await std::move(searching);
    if (ended != audit_desk::outcome::done) {
        co_return search_refused(ended);
    }
    answer reply = problem(404, "not_found",
                           "No bodies of such a call are kept. Its outcome in the trail tells "
                           "whether any were captured.");
    if (!found->bodies.empty()) {
        auto opening = open_bodies(call, workspace, found);
        reply = co_await std::move(opening);
    }
    if (reply.is_problem) {
        line.detail = "not done";
        line.code = reply.status == 404 ? "not_found" : "unreadable";
        // The line before stands whether or not this one can be written.
        [[maybe_unused]] const result<void> recorded = record(call, line);
    }
    co_return reply;
}

}  // namespace sallyport::control
