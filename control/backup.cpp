// A vault's backup, page by page, and putting one back (vault/FORMAT.md).
#include <boost/json/serialize.hpp>
#include <utility>

#include "base/text.hpp"
#include "control/routes.hpp"
#include "vault/error.hpp"

namespace sallyport::control {

namespace json = boost::json;
namespace asio = boost::asio;

namespace {

constexpr std::size_t restored_items_max = 1024;  // in one request

answer only_everywhere()
{
    return problem(403, "forbidden", "Only a token for every workspace may do this.");
}

json::object line_of(const vault::backup_item& item)
{
    return std::visit([](const auto& one) { return vault::to_backup(one); }, item);
}

// Why an item of a backup was not put back; `name` is of our own making, from checked names.
answer not_restored(const error_code& error, const std::string& name)
{
    if (error == vault::errc::already_exists) {
        return problem(409, "conflict", "The vault holds another " + name + ", or its name.");
    }
    if (error == vault::errc::version_conflict) {
        return problem(409, "conflict", "The key of " + name + " is not its workspace's newest.");
    }
    if (error == vault::errc::wrong_master_key) {
        return problem(422, "unknown_master_key",
                       "The " + name + " is wrapped by a master key that this gate does not have.");
    }
    if (error == vault::errc::corrupted) {
        return problem(422, "invalid_backup", "The " + name + " does not open.");
    }
    return problem(error);
}

}  // namespace

asio::awaitable<answer> back_up_vault(request& call)
{
    if (!call.who->everywhere) {
        co_return only_everywhere();
    }
    audit::entry line;
    line.kind = audit::kind::vault_backed_up;
    if (!record(call, line)) {
        co_return audit_unavailable();
    }
    std::string part = call.query("part").value_or("");
    std::string after = call.query("after").value_or("");
    auto reading = call.gate.vault.keys().back_up(std::move(part), std::move(after));
    const auto found = co_await std::move(reading);
    if (!found && found.error() == vault::errc::invalid_id) {
        co_return problem(400, "bad_request",
                          "The query must name a `part`: keys, connections or runs; and `after` as "
                          "the page before said.");
    }
    if (!found) {
        co_return failed(call, line, found.error());
    }
    json::array items;
    for (const vault::backup_item& one : found->items) {
        items.push_back(line_of(one));
    }
    json::object out;
    out["items"] = std::move(items);
    out["next"] = found->next.empty() ? json::value() : json::value(found->next);
    co_return ok(std::move(out));
}

asio::awaitable<answer> restore_vault(request& call)
{
    if (!call.who->everywhere) {
        co_return only_everywhere();
    }
    complaints wrong;
    member_reader members(call.body, "", wrong);
    const json::array* lines = members.array("items");
    members.refuse_others();
    if (lines == nullptr || lines->size() > restored_items_max) {
        members.complain("items", "must be a list of at most 1024 items", complaint_code::shape);
    }
    if (!wrong.empty()) {
        co_return problem(wrong);
    }
    // All are read before the first is put back.
    std::vector<vault::backup_item> items;
    for (const json::value& one : *lines) {
        auto item = one.is_object() ? vault::from_backup(one.get_object()) : std::nullopt;
        if (!item) {
            co_return problem(422, "invalid_backup", "An item is not one of a backup.");
        }
        items.push_back(std::move(*item));
    }
    audit::entry line;
    line.kind = audit::kind::vault_restored;
    line.count = static_cast<std::int64_t>(items.size());
    if (!record(call, line)) {
        co_return audit_unavailable();
    }
    std::uint64_t added = 0;
    for (vault::backup_item& one : items) {
        const std::string name = vault::name_of(one);
        auto putting = call.gate.vault.keys().put_back(std::move(one));
        const result<bool> put = co_await std::move(putting);
        if (!put) {
            failed(call, line, put.error());
            co_return not_restored(put.error(), name);
        }
        added += *put ? 1 : 0;
    }
    json::object out;
    out["added"] = added;
    out["present"] = items.size() - added;
    co_return ok(std::move(out));
}

}  // namespace sallyport::control
