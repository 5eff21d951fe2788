// Who we are to an authorization server: the client registered with a provider.
//
// A credential may bring a client of its own (its refresh token was issued to that one); it wins
// over the configured one. Immutable once built; shared by the flows under way, which outlive a
// reload. Source: RFC 6749, 2.
//
// The configured one is the gate's own secret, and where a provider's OAuth URLs take their host
// from a variable (self-managed GitLab), whoever adds a connection names the host. So it is used
// only where it is at home: at the host that the file has by default or fixes
// (`{shop}.myshopify.com`), and at those that the file or the operator list.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "policy/provider.hpp"
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
    // Where else it is at home: "gitlab.example.com", or ".example.com" for all below.
    std::vector<std::string> hosts;
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
// with `auth` chosen from what the provider takes. errc::no_oauth2, no_client, client_elsewhere.
result<client> choose_client(const policy::provider_facts& provider,
                             const vault::connection& record, const client* configured,
                             const vault::credential& fields);

// The field's value, or empty.
std::string_view find_field(const vault::credential& fields, std::string_view name) noexcept;

}  // namespace sallyport::oauth
