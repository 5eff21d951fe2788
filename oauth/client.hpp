// Who we are to an authorization server: the client registered with a provider.
//
// A credential may bring a client of its own (its refresh token was issued to that one); it wins
// over the configured one. Immutable once built; shared by the flows under way, which outlive a
// reload. Source: RFC 6749, 2.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "policy/oauth2_facts.hpp"
#include "vault/connection.hpp"
#include "vault/secret.hpp"

namespace sallyport::oauth {

using client_auth = policy::oauth2_facts::client_auth;

struct client {
    std::string id;
    vault::secret secret;       // empty: none
    vault::secret private_key;  // PEM, for private_key_jwt; empty: none
    // How it proves itself: the first of the provider's ways for which it has what is needed.
    // Without a secret and a key it is a public client, which only names itself.
    client_auth auth = client_auth::post;
};

// The clients of the configuration, by provider id.
class clients {
public:
    // Replaces what stood there.
    void add(std::string provider, client one);
    // Null: none is configured.
    const client* find(std::string_view provider) const noexcept;

private:
    std::map<std::string, client, std::less<>> by_provider_;
};

// The credential's own client if it names one, else a copy of the configured one (null: none),
// with `auth` chosen from what the provider takes. errc::no_client.
result<client> choose_client(const policy::oauth2_facts& facts, const client* configured,
                             const vault::credential& fields);

// The field's value, or empty.
std::string_view find_field(const vault::credential& fields, std::string_view name) noexcept;

}  // namespace sallyport::oauth
