#include "control/tokens.hpp"

#include <openssl/crypto.h>
#include <openssl/sha.h>

#include <algorithm>

#include "base/text.hpp"

namespace sallyport::control {

namespace {

std::string_view name_of(role value) noexcept
{
    switch (value) {
        case role::admin: return "admin";
        case role::platform: return "platform";
        case role::auditor: return "auditor";
    }
    return "auditor";
}

}  // namespace

bool caller::speaks_for(std::string_view workspace) const noexcept
{
    return everywhere ||
           std::find(workspaces.begin(), workspaces.end(), workspace) != workspaces.end();
}

token_table::digest token_table::digest_of(std::string_view text)
{
    digest hash;
    SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), hash.data());
    return hash;
}

token_table::token_table(const std::vector<token>& tokens)
{
    for (const token& one : tokens) {
        if (one.value.empty()) {
            continue;  // An empty token would let in whoever sends none.
        }
        entry fresh;
        fresh.hash = digest_of(one.value);
        fresh.who.role = one.role;
        fresh.who.workspaces = one.workspaces;
        fresh.who.everywhere =
            std::find(one.workspaces.begin(), one.workspaces.end(), "*") != one.workspaces.end();
        fresh.who.actor =
            "token:" + std::string(name_of(one.role)) + "#" + std::to_string(entries_.size());
        entries_.push_back(std::move(fresh));
    }
}

const caller* token_table::find(std::string_view bearer) const
{
    const digest hash = digest_of(bearer);
    const caller* found = nullptr;
    for (const entry& one : entries_) {
        if (CRYPTO_memcmp(hash.data(), one.hash.data(), hash.size()) == 0) {
            found = &one.who;
        }
    }
    return found;
}

std::string_view bearer_of(std::string_view authorization) noexcept
{
    constexpr std::string_view scheme = "Bearer ";
    if (!starts_with_ignoring_case(authorization, scheme)) {
        return {};
    }
    return trim(authorization.substr(scheme.size()));
}

}  // namespace sallyport::control
