#include "vault/redis_scan.hpp"

#include "vault/error.hpp"

namespace sallyport::vault {

task<scanned> scan(redis_commands* redis, words command, std::string after, std::string pattern)
{
    command.push_back(after.empty() ? "0" : std::move(after));
    if (!pattern.empty()) {
        command.emplace_back("MATCH");
        command.push_back(std::move(pattern));
    }
    command.emplace_back("COUNT");
    command.emplace_back(scan_count);
    auto asking = redis->ask(std::move(command));
    result<redis_reply> reply = co_await std::move(asking);
    if (!reply) {
        co_return reply.error();
    }
    if (reply->type != redis_reply::kind::list || reply->elements.size() != 2) {
        co_return errc::corrupted;
    }
    scanned found;
    found.next = reply->elements[0].text == "0" ? "" : reply->elements[0].text;
    for (redis_reply& name : reply->elements[1].elements) {
        found.names.push_back(std::move(name.text));
    }
    co_return found;
}

}  // namespace sallyport::vault
