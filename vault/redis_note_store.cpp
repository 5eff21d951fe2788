#include "vault/redis_note_store.hpp"

#include <algorithm>

#include "vault/error.hpp"
#include "vault/places.hpp"
#include "vault/redis_note_scripts.hpp"
#include "vault/redis_records.hpp"

namespace sallyport::vault {
namespace {

using kind = redis_reply::kind;

constexpr std::size_t page_size = 64;  // notes in one answer: Redis serves others in between

// errc::corrupted
result<sealed_note> to_note(std::string kind_name, std::string id, const redis_reply& workspace,
                            const redis_reply& expires, const redis_reply& sealed)
{
    const auto end = to_number<unix_micros>(expires.text);
    if (!end) {
        return errc::corrupted;
    }
    return sealed_note{std::move(kind_name), std::move(id), workspace.text, sealed.text, *end};
}

class redis_note_store final : public note_store {
public:
    redis_note_store(redis_commands& redis, const change_witness& witness)
        : redis_(redis), witness_(witness)
    {
    }

    task<void> put(sealed_note what, note_write how) override;
    task<sealed_note> read(std::string kind_name, std::string id) override;
    task<sealed_note> take(std::string kind_name, std::string id) override;
    task<std::vector<sealed_note>> list(std::string kind_name, std::string after,
                                        std::size_t limit) override;
    task<std::optional<std::uint64_t>> claim(std::string name,
                                             std::chrono::milliseconds length) override;
    task<void> release(std::string name, std::uint64_t token) override;

private:
    redis_commands& redis_;
    const change_witness& witness_;
    const redis_script list_{redis_scripts::list_notes};
};

task<void> redis_note_store::put(sealed_note what, note_write how)
{
    words keys(1, note_key(what.kind, what.id));
    words arguments(1, std::move(what.kind));
    arguments.push_back(std::move(what.id));
    arguments.push_back(std::move(what.workspace));
    arguments.push_back(std::move(what.sealed));
    arguments.push_back(std::to_string(what.expires_at));
    arguments.push_back(std::to_string(now_micros()));
    arguments.push_back(how == note_write::over ? "1" : "");
    witness_.add_fence(arguments);
    return redis_.change(&change_scripts::put_note(), std::move(keys), std::move(arguments));
}

task<sealed_note> redis_note_store::read(std::string kind_name, std::string id)
{
    words command(1, "HMGET");
    command.push_back(note_key(kind_name, id));
    for (const char* field : {"workspace", "expires", "sealed"}) {
        command.emplace_back(field);
    }
    auto asking = redis_.ask(std::move(command));
    const result<redis_reply> reply = co_await std::move(asking);
    if (!reply) {
        co_return reply.error();
    }
    if (!all_texts(*reply, 3)) {
        co_return errc::not_found;
    }
    co_return to_note(std::move(kind_name), std::move(id), reply->elements[0], reply->elements[1],
                      reply->elements[2]);
}

task<sealed_note> redis_note_store::take(std::string kind_name, std::string id)
{
    words keys(1, note_key(kind_name, id));
    words arguments(1, kind_name);
    arguments.push_back(id);
    witness_.add_fence(arguments);
    auto calling = redis_.call(&change_scripts::take_note(), std::move(keys), std::move(arguments));
    const result<redis_reply> reply = co_await std::move(calling);
    if (!reply) {
        co_return reply.error();
    }
    if (!all_texts(*reply, 3)) {
        co_return reply->text == "missing" ? errc::not_found : errc::unavailable;
    }
    co_return to_note(std::move(kind_name), std::move(id), reply->elements[0], reply->elements[1],
                      reply->elements[2]);
}

task<std::vector<sealed_note>> redis_note_store::list(std::string kind_name, std::string after,
                                                      std::size_t limit)
{
    std::vector<sealed_note> found;
    while (found.size() < limit) {
        const std::size_t wanted = std::min(limit - found.size(), page_size);
        words keys(1, "sallyport:notes:" + kind_name);
        keys.push_back(note_key(kind_name, ""));
        words arguments(1, after);
        arguments.push_back(std::to_string(wanted));
        auto calling = redis_.call(&list_, std::move(keys), std::move(arguments));
        const result<redis_reply> reply = co_await std::move(calling);
        if (!reply) {
            co_return reply.error();
        }
        for (const redis_reply& one : reply->elements) {
            if (!all_texts(one, 1)) {
                co_return errc::corrupted;
            }
            after = one.elements[0].text;
            if (one.elements.size() < 4) {
                continue;  // It has expired.
            }
            result<sealed_note> read =
                to_note(kind_name, after, one.elements[1], one.elements[2], one.elements[3]);
            if (!read) {
                co_return read.error();
            }
            found.push_back(std::move(*read));
        }
        if (reply->elements.size() < wanted) {
            break;
        }
    }
    co_return found;
}

task<std::optional<std::uint64_t>> redis_note_store::claim(std::string name,
                                                           std::chrono::milliseconds length)
{
    words keys(1, "sallyport:claim:" + name);
    words arguments(1, std::to_string(length.count()));
    witness_.add_fence(arguments);
    auto calling = redis_.call(&change_scripts::claim(), std::move(keys), std::move(arguments));
    const result<redis_reply> reply = co_await std::move(calling);
    if (!reply) {
        co_return reply.error();
    }
    if (reply->type == kind::text) {
        if (reply->text == "taken") {
            co_return std::optional<std::uint64_t>();
        }
        co_return errc::unavailable;  // Not the store that this gate knows.
    }
    if (!all_texts(*reply, 1)) {
        co_return errc::corrupted;
    }
    co_return to_number<std::uint64_t>(reply->elements[0].text);
}

task<void> redis_note_store::release(std::string name, std::uint64_t token)
{
    words keys(1, "sallyport:claim:" + name);
    words arguments(1, std::to_string(token));
    witness_.add_fence(arguments);
    return redis_.change(&change_scripts::release(), std::move(keys), std::move(arguments));
}

}  // namespace

std::unique_ptr<note_store> make_redis_note_store(redis_commands& redis,
                                                  const change_witness& witness)
{
    return std::make_unique<redis_note_store>(redis, witness);
}

}  // namespace sallyport::vault
