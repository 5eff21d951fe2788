#include "vault/redis_commands.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <stdexcept>

#include "base/encoding.hpp"
#include "vault/error.hpp"
#include "vault/redis_durability.hpp"
#include "vault/redis_refusal.hpp"

namespace sallyport::vault {
namespace {

using kind = redis_reply::kind;

bool is_missing_script(const redis_reply& reply)
{
    return reply.type == kind::error && reply.text.starts_with("NOSCRIPT");
}

}  // namespace

redis_script::redis_script(const char* source) : text(source)
{
    std::string digest(20, '\0');
    if (EVP_Digest(text.data(), text.size(), reinterpret_cast<unsigned char*>(digest.data()),
                   nullptr, EVP_sha1(), nullptr) != 1) {
        throw std::runtime_error("OpenSSL has no SHA-1, by which Redis names its scripts");
    }
    name = to_hex(digest);
}

bool all_texts(const redis_reply& reply, std::size_t count)
{
    return reply.type == kind::list && reply.elements.size() >= count &&
           std::all_of(reply.elements.begin(), reply.elements.end(),
                       [](const redis_reply& one) { return one.type == kind::text; });
}

std::string redis_commands::trouble() const
{
    const std::string lost = link_.trouble();
    return lost.empty() ? refusal_ : lost;
}

task<redis_reply> redis_commands::ask(words command)
{
    const std::string name = command.front();
    auto asking = link_.ask(std::move(command));
    result<redis_reply> reply = co_await std::move(asking);
    if (!reply) {
        co_return reply.error();
    }
    if (reply->type == kind::error && !is_missing_script(*reply)) {
        refusal_ = "Redis" + why_refused(*reply, name);
        co_return errc::unavailable;
    }
    refusal_.clear();
    co_return reply;
}

task<redis_reply> redis_commands::call(const redis_script* what, words keys, words arguments)
{
    words command = {"EVALSHA", what->name, std::to_string(keys.size())};
    command.insert(command.end(), keys.begin(), keys.end());
    command.insert(command.end(), arguments.begin(), arguments.end());
    words again = command;
    auto asking = ask(std::move(command));
    result<redis_reply> reply = co_await std::move(asking);
    if (!reply || !is_missing_script(*reply)) {
        co_return reply;
    }
    again[0] = "EVAL";
    again[1] = what->text;
    auto asking_again = ask(std::move(again));
    result<redis_reply> second = co_await std::move(asking_again);
    co_return second;
}

task<void> redis_commands::change(const redis_script* what, words keys, words arguments)
{
    auto calling = call(what, std::move(keys), std::move(arguments));
    const result<redis_reply> reply = co_await std::move(calling);
    if (!reply) {
        co_return reply.error();
    }
    co_return outcome_of(*reply);
}

result<void> outcome_of(const redis_reply& reply)
{
    if (reply.text == "done") {
        return {};
    }
    if (reply.text == "missing") {
        return errc::not_found;
    }
    if (reply.text == "taken") {
        return errc::already_exists;
    }
    if (reply.text == "conflict") {
        return errc::version_conflict;
    }
    return reply.text == "foreign" ? errc::unavailable : errc::corrupted;
}

// "" where Redis does not tell.
task<std::string> redis_commands::setting(std::string name)
{
    words command = {"CONFIG", "GET"};
    command.push_back(std::move(name));
    auto asking = link_.ask(std::move(command));
    const result<redis_reply> reply = co_await std::move(asking);
    if (!reply) {
        co_return reply.error();
    }
    co_return all_texts(*reply, 2) ? reply->elements[1].text : std::string();
}

task<std::string> redis_commands::info()
{
    words command(1, "INFO");
    auto asking = link_.ask(std::move(command));
    result<redis_reply> reply = co_await std::move(asking);
    if (!reply) {
        co_return reply.error();
    }
    co_return reply->type == kind::text ? std::move(reply->text) : std::string();
}

task<std::vector<std::string>> redis_commands::warnings()
{
    redis_durability found;
    auto asking_info = info();
    const result<std::string> told = co_await std::move(asking_info);
    if (!told) {
        co_return told.error();
    }
    found.info = *told;
    auto asking_sync = setting("appendfsync");
    const result<std::string> sync = co_await std::move(asking_sync);
    if (!sync) {
        co_return sync.error();
    }
    found.appendfsync = *sync;
    auto asking_replicas = setting("min-replicas-to-write");
    const result<std::string> replicas = co_await std::move(asking_replicas);
    if (!replicas) {
        co_return replicas.error();
    }
    found.min_replicas = *replicas;

    redis_judgement judged = judge(found);
    if (!judged.refusals.empty() && !site_->settings.accept_data_loss) {
        refusal_ =
            judged.refusals.front() + ": change that, or say vault.redis.accept_data_loss: true";
        co_return errc::misconfigured;
    }
    std::vector<std::string> all = std::move(judged.refusals);
    all.insert(all.end(), judged.warnings.begin(), judged.warnings.end());
    co_return all;
}

}  // namespace sallyport::vault
