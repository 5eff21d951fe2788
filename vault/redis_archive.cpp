#include "vault/redis_archive.hpp"

#include <charconv>
#include <optional>

#include "vault/error.hpp"
#include "vault/places.hpp"
#include "vault/redis_scan.hpp"
#include "vault/store.hpp"

namespace sallyport::vault {
namespace {

constexpr const char* runs_script = R"(
local found = {}
for i, key in ipairs(KEYS) do found[i] = redis.call('HMGET', key, 'expires_at', 'ended_at') end
return found
)";

std::optional<unix_micros> to_micros(const std::string& text)
{
    unix_micros value = 0;
    const char* const end = text.data() + text.size();
    const auto read = std::from_chars(text.data(), end, value);
    return text.empty() || read.ec != std::errc() || read.ptr != end ? std::nullopt
                                                                     : std::optional(value);
}

// Nullopt: it is live, or has expired since it was named.
result<std::optional<run_record>> to_ended_run(std::string_view name, const redis_reply& fields)
{
    if (fields.elements.size() != 2) {
        return errc::corrupted;
    }
    if (fields.elements[0].type == redis_reply::kind::nothing || fields.elements[1].text == "0") {
        return std::optional<run_record>();
    }
    const auto expires = to_micros(fields.elements[0].text);
    const auto ended = to_micros(fields.elements[1].text);
    const std::size_t slash = name.find('/');
    if (!expires || !ended || slash == std::string_view::npos) {
        return errc::corrupted;
    }
    run_record run;
    run.workspace = name.substr(0, slash);
    run.run = name.substr(slash + 1);
    run.expires_at = *expires;
    run.ended_at = *ended;
    return std::optional<run_record>(std::move(run));
}

class redis_archive final : public archive {
public:
    redis_archive(redis_commands& redis, store& records) : redis_(redis), records_(records) {}

    task<page<stored_connection>> list_connections(std::string after) override
    {
        page<stored_connection> found;
        const std::string prefix = connection_key("");
        words command(1, "SCAN");
        auto scanning = scan(&redis_, std::move(command), std::move(after), prefix + "*");
        result<scanned> keys = co_await std::move(scanning);
        if (!keys) {
            co_return keys.error();
        }
        found.next = std::move(keys->next);
        for (const std::string& key : keys->names) {
            auto loading = records_.load(key.substr(prefix.size()));
            result<stored_connection> entry = co_await std::move(loading);
            if (entry) {
                found.items.push_back(std::move(*entry));
            } else if (entry.error() != errc::not_found) {  // It was removed meanwhile.
                co_return entry.error();
            }
        }
        co_return found;
    }

    task<page<run_record>> list_ended_runs(std::string after) override
    {
        page<run_record> found;
        const std::string prefix = "sallyport:run:";
        words command(1, "SCAN");
        auto scanning = scan(&redis_, std::move(command), std::move(after), prefix + "*");
        result<scanned> keys = co_await std::move(scanning);
        if (!keys) {
            co_return keys.error();
        }
        found.next = std::move(keys->next);
        if (keys->names.empty()) {
            co_return found;
        }
        auto calling = redis_.call(&runs_, keys->names, words());
        const result<redis_reply> reply = co_await std::move(calling);
        if (!reply) {
            co_return reply.error();
        }
        if (reply->elements.size() != keys->names.size()) {
            co_return errc::corrupted;
        }
        for (std::size_t i = 0; i < reply->elements.size(); ++i) {
            const std::string name = keys->names[i].substr(prefix.size());
            result<std::optional<run_record>> run = to_ended_run(name, reply->elements[i]);
            if (!run) {
                co_return run.error();
            }
            if (*run) {
                found.items.push_back(std::move(**run));
            }
        }
        co_return found;
    }

private:
    redis_commands& redis_;
    store& records_;
    const redis_script runs_{runs_script};
};

}  // namespace

std::unique_ptr<archive> make_redis_archive(redis_commands& redis, store& records)
{
    return std::make_unique<redis_archive>(redis, records);
}

}  // namespace sallyport::vault
