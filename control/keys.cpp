// The vault's keys: what there is, rotating it, and shredding a workspace. Rotations go in steps
// that take no longer than a moment: who asks for one asks again until the answer says `done`.
#include <utility>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "control/connection_json.hpp"
#include "control/paging.hpp"
#include "control/routes.hpp"
#include "vault/error.hpp"

namespace sallyport::control {

namespace json = boost::json;
namespace asio = boost::asio;

namespace {

answer wrong_master_key()
{
    return problem(503, "vault_unavailable",
                   "A key is wrapped by a master key that this gate does not have. Give it to the "
                   "gate in vault.previous_master_keys and reload.");
}

answer vault_problem(const error_code& error)
{
    return error == vault::errc::wrong_master_key ? wrong_master_key() : problem(error);
}

answer only_everywhere()
{
    return problem(403, "forbidden", "Only a token for every workspace may do this.");
}

json::object to_json(const vault::key_facts& key)
{
    json::object out;
    out["workspace"] = key.workspace;
    out["generation"] = key.generation;
    out["shredded"] = key.shredded;
    out["master_key"] = key.shredded ? json::value() : json::value(vault::to_text(key.master));
    out["created_at"] = time_or_null(key.created_at);
    return out;
}

json::object to_json(const vault::master_progress& made)
{
    json::object out;
    out["done"] = made.done;
    out["rewrapped"] = made.rewrapped;
    out["already"] = made.total > made.rewrapped ? made.total - made.rewrapped : 0;
    out["total"] = made.total;
    out["unknown"] = made.unknown;
    out["damaged"] = made.damaged;
    return out;
}

json::object to_json(const vault::data_progress& made)
{
    json::object out;
    out["done"] = made.done;
    out["generation"] = made.generation;
    out["resumed"] = made.resumed;
    out["resealed"] = made.resealed;
    out["total"] = made.total;
    out["damaged"] = made.damaged;
    return out;
}

json::array master_ids(const vault::custodian& keys)
{
    json::array ids;
    for (const vault::key_id& one : keys.masters()) {
        ids.emplace_back(vault::to_text(one));
    }
    return ids;
}

audit::entry rotation_line(std::string_view workspace, std::string_view detail)
{
    audit::entry line;
    line.kind = audit::kind::key_rotated;
    line.workspace = workspace;
    line.detail = detail;
    return line;
}

void note_progress(const request& call, bool done, std::uint64_t rotated)
{
    if (call.gate.tally != nullptr) {
        call.gate.tally->rotated = rotated;
        call.gate.tally->rotation_under_way = !done;
    }
}

asio::awaitable<answer> rotate_master(request& call)
{
    if (!call.who->everywhere) {
        co_return only_everywhere();
    }
    audit::entry line = rotation_line("", "wrapping data keys under the active master key");
    if (!record(call, line)) {
        co_return audit_unavailable();
    }
    auto stepping = call.gate.vault.keys().rotating().rotate_master();
    const auto made = co_await std::move(stepping);
    if (!made) {
        failed(call, line, made.error());
        co_return vault_problem(made.error());
    }
    if (made->done) {
        line.detail = "every data key has been looked at";
        line.count = static_cast<std::int64_t>(made->rewrapped);
        // What was done has its line already.
        [[maybe_unused]] const result<void> recorded = record(call, line);
    }
    note_progress(call, made->done, made->rewrapped);
    json::object out = to_json(*made);
    out["master_key"] = master_ids(call.gate.vault.keys()).front();
    co_return ok(std::move(out));
}

asio::awaitable<answer> rotate_workspace(request& call, std::string workspace,
                                         std::uint32_t generation)
{
    if (std::optional<answer> refusal = refuse_workspace(call, workspace)) {
        co_return std::move(*refusal);
    }
    audit::entry line = rotation_line(workspace, "sealing credentials under a new data key");
    if (!record(call, line)) {
        co_return audit_unavailable();
    }
    auto stepping = call.gate.vault.keys().rotating().rotate(workspace, generation);
    const auto made = co_await std::move(stepping);
    if (!made) {
        failed(call, line, made.error());
        co_return made.error() == vault::errc::version_conflict
            ? problem(409, "conflict", "The workspace has no such generation.")
            : vault_problem(made.error());
    }
    if (made->done && made->generation != 0) {
        auto renewing = call.gate.vault.keys().renew_body_key(workspace);
        const result<void> renewed = co_await std::move(renewing);
        if (!renewed) {
            failed(call, line, renewed.error());
            co_return vault_problem(renewed.error());
        }
    }
    if (made->done) {
        line.detail = made->damaged == 0
                          ? "no credential is sealed under an older data key"
                          : "the older data key is kept for records that do not open";
        line.count = static_cast<std::int64_t>(made->resealed);
        [[maybe_unused]] const result<void> recorded = record(call, line);
    }
    note_progress(call, made->done, made->resealed);
    json::object out = to_json(*made);
    out["workspace"] = workspace;
    co_return ok(std::move(out));
}

// What a step before has answered; 0 where it is left out.
std::uint32_t read_generation(member_reader& members)
{
    const json::value* found = members.value("generation");
    if (found == nullptr) {
        return 0;
    }
    error_code error;
    const auto number = found->is_number() ? found->to_number<std::uint32_t>(error) : 0;
    if (!found->is_int64() || error || number == 0) {
        members.complain("generation", "must be a whole number from 1", complaint_code::shape);
    }
    return error ? 0 : number;
}

}  // namespace

asio::awaitable<answer> rotate_keys(request& call)
{
    complaints wrong;
    member_reader members(call.body, "", wrong);
    const bool master = members.flag("master").value_or(false);
    std::string workspace = members.text("workspace").value_or("");
    const std::uint32_t generation = read_generation(members);
    members.refuse_others();
    if (wrong.empty() && (master ? !workspace.empty() : !is_name(workspace))) {
        members.complain("workspace", "name a workspace, or say \"master\": true",
                         complaint_code::shape);
    }
    if (!wrong.empty()) {
        co_return problem(wrong);
    }
    if (master) {
        auto rotating = rotate_master(call);
        co_return co_await std::move(rotating);
    }
    auto rotating = rotate_workspace(call, std::move(workspace), generation);
    co_return co_await std::move(rotating);
}

namespace {

// One workspace's keys with the number of records under each.
asio::awaitable<answer> show_keys(request& call, std::string workspace)
{
    if (!is_name(workspace)) {
        co_return problem(400, "bad_request", "The query must name a `workspace`.");
    }
    if (std::optional<answer> refusal = refuse_workspace(call, workspace)) {
        co_return std::move(*refusal);
    }
    vault::custodian& keys = call.gate.vault.keys();
    auto showing = keys.show(workspace);
    const auto found = co_await std::move(showing);
    if (!found) {
        co_return vault_problem(found.error());
    }
    json::array items;
    for (std::size_t i = 0; i < found->generations.size(); ++i) {
        json::object item = to_json(found->generations[i]);
        item["records"] = found->records[i];
        items.push_back(std::move(item));
    }
    answer reply = list_of(std::move(items));
    reply.body.as_object()["unknown_generation"] = found->unknown_generation;
    reply.body.as_object()["master_keys"] = master_ids(keys);
    co_return reply;
}

}  // namespace

// One page of every key; or, with `workspace`, that workspace's.
asio::awaitable<answer> list_keys(request& call)
{
    if (std::optional<std::string> workspace = call.query("workspace")) {
        auto showing = show_keys(call, std::move(*workspace));
        co_return co_await std::move(showing);
    }
    if (!call.who->everywhere) {
        co_return only_everywhere();
    }
    page_wish page;
    if (std::optional<answer> refusal = read_page(call, page)) {
        co_return std::move(*refusal);
    }
    vault::custodian& keys = call.gate.vault.keys();
    auto listing = keys.list(page.after, page.limit);
    const auto found = co_await std::move(listing);
    if (!found) {
        co_return found.error() == vault::errc::invalid_id
            ? problem(400, "bad_request", "The query's `after` is the `next` of no page.")
            : vault_problem(found.error());
    }
    json::array items;
    for (const vault::key_facts& one : found->items) {
        items.push_back(to_json(one));
    }
    answer reply = page_of(std::move(items), found->next);
    reply.body.as_object()["master_keys"] = master_ids(keys);
    co_return reply;
}

asio::awaitable<answer> shred_workspace(request& call)
{
    complaints wrong;
    member_reader members(call.body, "", wrong);
    const std::string workspace = members.required_text("workspace");
    const std::string confirm = members.required_text("confirm");
    members.refuse_others();
    if (wrong.empty() && (!is_name(workspace) || confirm != workspace)) {
        members.complain("confirm", "must repeat the workspace's name", complaint_code::value);
    }
    if (!wrong.empty()) {
        co_return problem(wrong);
    }
    if (std::optional<answer> refusal = refuse_workspace(call, workspace)) {
        co_return std::move(*refusal);
    }
    audit::entry line;
    line.kind = audit::kind::key_shredded;
    line.workspace = workspace;
    if (!record(call, line)) {
        co_return audit_unavailable();
    }
    auto shredding = call.gate.vault.keys().shred(workspace, "its workspace's keys were shredded");
    const auto revoked = co_await std::move(shredding);
    if (!revoked) {
        failed(call, line, revoked.error());
        co_return vault_problem(revoked.error());
    }
    line.detail = "its keys are deleted, its connections revoked";
    line.count = static_cast<std::int64_t>(*revoked);
    [[maybe_unused]] const result<void> recorded = record(call, line);
    json::object out;
    out["workspace"] = workspace;
    out["revoked"] = *revoked;
    co_return ok(std::move(out));
}

}  // namespace sallyport::control
