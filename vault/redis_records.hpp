// How connections and runs stand in Redis, and the scripts that change them: the parts of the Redis
// store that hold nothing and ask nothing. redis_scripts.hpp names the keys and arguments.
#pragma once

#include <charconv>
#include <optional>
#include <string>

#include "vault/redis_commands.hpp"
#include "vault/store.hpp"

namespace sallyport::vault {

constexpr std::size_t record_fields = 7;
// What the revoke script answers, before the message of a change.
constexpr std::size_t revoked_fields = 9;
// To revoke and remove: whatever version the record has.
constexpr const char* any_version = "";

template <class Number>
std::optional<Number> to_number(const std::string& text)
{
    Number value = 0;
    const char* const end = text.data() + text.size();
    const auto read = std::from_chars(text.data(), end, value);
    if (text.empty() || read.ec != std::errc() || read.ptr != end) {
        return std::nullopt;
    }
    return value;
}

// What HMGET record, sealed, version, status, reason, updated, used answered. What follows `sealed`
// stands beside the record because scripts change it. errc::not_found, corrupted.
result<stored_connection> to_connection(const redis_reply& reply);

std::string run_key(const std::string& workspace, const std::string& run);
std::string runs_key(const std::string& workspace);
std::string ordered_runs_key(const std::string& workspace);
std::string notes_of_key(const std::string& workspace);
words shred_keys(const std::string& workspace);

words insert_arguments(const stored_connection& what);
words end_run_arguments(const std::string& run, unix_micros keep_until);

// The scripts that change what gates may use; they end with a fence.
namespace change_scripts {
const redis_script& insert();
const redis_script& replace();
const redis_script& revoke();
const redis_script& remove();
const redis_script& save_uses();
const redis_script& end_run();
const redis_script& shred();
// redis_note_scripts.hpp
const redis_script& put_note();
const redis_script& take_note();
const redis_script& claim();
const redis_script& release();
}  // namespace change_scripts

}  // namespace sallyport::vault
