#include "vault/redis_refusal.hpp"

#include <algorithm>

namespace sallyport::vault {
namespace {

struct meaning {
    std::string_view begins;
    const char* sentence;
};

constexpr meaning meanings[] = {
    {"NOAUTH", " asks for a password, and vault.store holds none"},
    {"WRONGPASS", " does not accept the user or the password in vault.store"},
    {"ERR AUTH <password> called without any password",
     " has no password set, but vault.store holds one"},
    {"ERR Client sent AUTH, but no password is set",
     " has no password set, but vault.store holds one"},
    {"ERR DB index is out of range", " has no database with the number in vault.store"},
    {"ERR invalid DB index", " has no database with the number in vault.store"},
    {"ERR SELECT is not allowed in cluster", " has no database with the number in vault.store"},
    {"ERR max number of clients", " has no room for another client (maxclients)"},
    {"LOADING", " is still loading its data"},
    {"READONLY", " is a replica and takes no changes"},
    {"MASTERDOWN", " is a replica that has lost its master"},
    {"OOM", " is out of memory (maxmemory) and takes no changes"},
    {"MISCONF", " cannot write its data to disk and takes no changes"},
    {"NOREPLICAS", " has fewer replicas than its min-replicas-to-write and takes no changes"},
    {"BUSY", " is busy with a script that does not end"},
    {"DENIED", " is in protected mode: without a password it serves its own machine alone"},
    {"MOVED", " is a Redis Cluster, which the vault cannot use"},
    {"ASK", " is a Redis Cluster, which the vault cannot use"},
    {"CROSSSLOT", " is a Redis Cluster, which the vault cannot use"},
    {"CLUSTERDOWN", " is a Redis Cluster, which the vault cannot use"},
};

bool holds(std::string_view text, std::string_view part) noexcept
{
    return text.find(part) != std::string_view::npos;
}

std::string why_not_permitted(std::string_view text, std::string_view command)
{
    std::string found = " does not let the vault's user ";
    if (holds(text, "the channel")) {
        found += "use the channels sallyport:*";
    } else if (holds(text, "of the keys")) {
        found += "use the keys sallyport:*";
    } else if (holds(text, "script")) {
        found += "run a command inside the vault's scripts";
    } else {
        found += "run " + std::string(command);
    }
    return found + ": the README names what its ACL must permit";
}

}  // namespace

bool is_from_replica(const redis_reply& error) noexcept
{
    // Redis 6 wraps what a script ran into.
    return error.text.starts_with("READONLY") || error.text.starts_with("MASTERDOWN") ||
           holds(error.text, ": -READONLY ");
}

std::string why_refused(const redis_reply& error, std::string_view command)
{
    const std::string_view text = error.text;
    if (is_from_replica(error)) {
        return " is a replica and takes no changes";
    }
    if (text.starts_with("NOPERM") || holds(text, "The user executing the script can't")) {
        return why_not_permitted(text, command);
    }
    if (text.starts_with("ERR unknown command")) {
        return " does not know the command " + std::string(command) +
               ": the vault needs Redis 6 or later";
    }
    const auto* const known =
        std::find_if(std::begin(meanings), std::end(meanings),
                     [&](const meaning& one) { return text.starts_with(one.begins); });
    return known != std::end(meanings) ? known->sentence
                                       : " refuses the command " + std::string(command);
}

}  // namespace sallyport::vault
