// Where the vault gets a fresh token when one is about to expire. The vault knows when, keeps
// others from asking at the same time and stores what comes; who is asked, and how, is the
// implementation's (oauth/endpoint.hpp), because it depends on what the provider's file says.
//
// Threading: the control thread.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "vault/connection.hpp"

namespace sallyport::vault {

struct fresh_tokens {
    // The whole credential to store: what came, and what of the old one still holds (a refresh
    // token that was not replaced, a client's id and secret, a private key).
    credential fields;
    unix_micros expires_at = 0;                      // 0: not known
    std::optional<std::vector<std::string>> scopes;  // nullopt: the provider did not say
    std::map<std::string, std::string> variables;    // those that the answer sets
    std::string account;                             // empty: not said
};

enum class refresh_verdict : std::uint8_t {
    fresh,
    rejected,     // the grant is gone: the user has to authorise anew
    unavailable,  // to be tried later: the network, 429, 5xx, what is no token answer
    impossible    // it cannot ever be refreshed: no refresh token, no client, no such provider
};

struct refresh_answer {
    refresh_verdict verdict = refresh_verdict::unavailable;
    fresh_tokens tokens;                  // with `fresh`
    std::chrono::seconds retry_after{0};  // with `unavailable`; 0: not said
    std::string reason;                   // for people; holds no secret
};

class token_source {
public:
    virtual ~token_source() = default;
    // Decided from the record and the catalogue alone: a credential of this kind at this provider
    // may be renewable. Whether this one is, refresh() says.
    virtual bool can_refresh(const connection& record) const = 0;
    // Within a limit of its own. Never throws for what the network or the provider does.
    virtual boost::asio::awaitable<refresh_answer> refresh(connection record,
                                                           credential current) = 0;
};

}  // namespace sallyport::vault
