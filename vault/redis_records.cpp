#include "vault/redis_records.hpp"

#include <algorithm>

#include "vault/error.hpp"
#include "vault/places.hpp"
#include "vault/record_json.hpp"
#include "vault/redis_announce.hpp"
#include "vault/redis_key_scripts.hpp"
#include "vault/redis_list_scripts.hpp"
#include "vault/redis_note_scripts.hpp"
#include "vault/redis_scripts.hpp"

namespace sallyport::vault {
namespace {

// One text for one (owner, provider, name). Empty: nothing to be kept unique.
std::string unique_name(const connection& record)
{
    if (record.name.empty() || record.status == status::revoked) {
        return "";
    }
    return std::to_string(record.user.size()) + ":" + record.user +
           std::to_string(record.provider.size()) + ":" + record.provider + record.name;
}

redis_script changing(const char* script)
{
    const std::string all = announcing(redis_scripts::fence) + redis_scripts::is_stale +
                            redis_scripts::forget_note + redis_scripts::indexing + script;
    return redis_script(all.c_str());
}

}  // namespace

result<stored_connection> to_connection(const redis_reply& reply)
{
    if (reply.type != redis_reply::kind::list || reply.elements.size() < record_fields) {
        return errc::corrupted;
    }
    const std::vector<redis_reply>& fields = reply.elements;
    if (fields[0].type == redis_reply::kind::nothing) {
        return errc::not_found;
    }
    std::optional<connection> record = connection_from_json(fields[0].text);
    const auto version = to_number<std::uint64_t>(fields[2].text);
    const std::optional<status> state = parse_status(fields[3].text);
    const auto updated = to_number<unix_micros>(fields[5].text);
    if (!record || !version || !state || !updated) {
        return errc::corrupted;
    }
    record->version = *version;
    record->status = *state;
    record->status_reason = fields[4].text;
    record->updated_at = *updated;
    const unix_micros used = to_number<unix_micros>(fields[6].text).value_or(0);
    record->last_used_at = std::max(record->last_used_at, used);
    return stored_connection{std::move(*record), fields[1].text};
}

std::string run_key(const std::string& workspace, const std::string& run)
{
    return "sallyport:run:" + workspace + "/" + run;
}

std::string runs_key(const std::string& workspace) { return "sallyport:runs:" + workspace; }

std::string ordered_runs_key(const std::string& workspace)
{
    return "sallyport:listed-runs:" + workspace;
}

std::string notes_of_key(const std::string& workspace) { return "sallyport:notes-of:" + workspace; }

words shred_keys(const std::string& workspace)
{
    words out(1, keys_key(workspace));
    out.push_back("sallyport:connections:" + workspace);
    out.push_back(notes_of_key(workspace));
    return out;
}

words insert_arguments(const stored_connection& what)
{
    const connection& record = what.record;
    words out;
    out.push_back(record.id);
    out.push_back(record.workspace);
    out.push_back(unique_name(record));
    out.push_back(to_json(record));
    out.push_back(what.sealed);
    out.push_back(std::to_string(record.version));
    out.emplace_back(to_string(record.status));
    out.push_back(record.status_reason);
    out.push_back(std::to_string(record.updated_at));
    return out;
}

words end_run_arguments(const std::string& run, unix_micros keep_until)
{
    words out(1, run);
    out.push_back(std::to_string(keep_until));
    out.push_back(std::to_string(now_micros()));
    out.push_back(std::to_string(ended_run_margin));
    return out;
}

namespace change_scripts {

const redis_script& insert()
{
    static const redis_script script = changing(redis_scripts::insert);
    return script;
}

const redis_script& replace()
{
    static const redis_script script = changing(redis_scripts::replace);
    return script;
}

const redis_script& revoke()
{
    static const redis_script script = changing(redis_scripts::revoke);
    return script;
}

const redis_script& remove()
{
    static const redis_script script = changing(redis_scripts::remove);
    return script;
}

const redis_script& save_uses()
{
    static const redis_script script = changing(redis_scripts::save_uses);
    return script;
}

const redis_script& end_run()
{
    static const redis_script script = changing(redis_scripts::end_run);
    return script;
}

const redis_script& shred()
{
    static const redis_script script = changing(redis_scripts::shred);
    return script;
}

const redis_script& put_note()
{
    static const redis_script script = changing(redis_scripts::put_note);
    return script;
}

const redis_script& take_note()
{
    static const redis_script script = changing(redis_scripts::take_note);
    return script;
}

const redis_script& claim()
{
    static const redis_script script = changing(redis_scripts::claim);
    return script;
}

const redis_script& release()
{
    static const redis_script script = changing(redis_scripts::release);
    return script;
}

}  // namespace change_scripts

}  // namespace sallyport::vault
