#include "vault/redis_durability.hpp"

#include <string_view>

namespace sallyport::vault {
namespace {

// The value of a line `name:value` of INFO; "" if there is none.
std::string_view field(std::string_view info, std::string_view name)
{
    while (!info.empty()) {
        const std::size_t end = info.find("\r\n");
        const std::string_view line = info.substr(0, end);
        info = end == std::string_view::npos ? "" : info.substr(end + 2);
        if (line.size() > name.size() && line.starts_with(name) && line[name.size()] == ':') {
            return line.substr(name.size() + 1);
        }
    }
    return "";
}

}  // namespace

redis_judgement judge(const redis_durability& told)
{
    redis_judgement found;
    const std::string_view file = field(told.info, "aof_enabled");
    const std::string_view eviction = field(told.info, "maxmemory_policy");
    const std::string_view replicas = field(told.info, "connected_slaves");
    if (file == "0") {
        found.refusals.emplace_back(
            "Redis writes no append-only file (appendonly no): it forgets revocations when it is "
            "killed");
    } else if (told.appendfsync == "no") {
        found.refusals.emplace_back(
            "Redis leaves it to the system when to write its file (appendfsync no): it forgets "
            "half a minute of revocations when its machine dies");
    } else if (told.appendfsync == "everysec") {
        found.warnings.emplace_back(
            "Redis writes its file once a second (appendfsync everysec): if its machine dies, "
            "what was revoked in the last two seconds is usable again; appendfsync always "
            "prevents that");
    }
    if (!eviction.empty() && eviction != "noeviction") {
        found.refusals.emplace_back(
            "Redis throws keys away when its memory is full (maxmemory-policy " +
            std::string(eviction) + "): revocations may be among them; it must be noeviction");
    }
    if (!replicas.empty() && replicas != "0" && told.min_replicas == "0") {
        found.warnings.emplace_back(
            "Redis has replicas, but acknowledges changes that none of them has "
            "(min-replicas-to-write 0): a master cut off from them loses its revocations in a "
            "failover");
    }
    if (file.empty() || eviction.empty()) {
        found.warnings.emplace_back(
            "Redis does not tell how it keeps its data (INFO is not permitted): the vault needs "
            "appendonly yes, appendfsync always and maxmemory-policy noeviction");
    } else if (told.appendfsync.empty() && file != "0") {
        found.warnings.emplace_back(
            "Redis does not tell when it writes its file (CONFIG GET is not permitted): the vault "
            "needs appendfsync always");
    }
    return found;
}

}  // namespace sallyport::vault
