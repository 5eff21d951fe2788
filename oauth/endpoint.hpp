// The authorization servers of the catalogue, as the rest of the program asks them.
//
// Joins the pure halves of this folder with the HTTP client: looks up the provider, chooses the
// client, sends, reads. It remembers nothing between requests and retries nothing: whoever asks
// decides when to ask again. Every exchange has a limit (exchange_limit).
//
// Threading: the control thread. Lifetime: the HTTP client outlives it, and it outlives its
// coroutines. A flow that is under way keeps the clients and the catalogue it began with.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "net/http_client.hpp"
#include "oauth/authorization.hpp"
#include "oauth/client.hpp"
#include "oauth/device.hpp"
#include "oauth/revocation.hpp"
#include "oauth/token_answer.hpp"
#include "oauth/token_request.hpp"
#include "policy/provider.hpp"
#include "vault/token_source.hpp"

namespace sallyport::oauth {

constexpr std::chrono::milliseconds exchange_limit{20'000};

class endpoint final : public vault::token_source {
public:
    using catalogue_source = std::function<std::shared_ptr<const policy::catalogue>()>;

    endpoint(net::http_client& http, catalogue_source catalogue,
             std::shared_ptr<const clients> configured);

    // After a reload.
    void use_clients(std::shared_ptr<const clients> configured);

    // --- connecting ----------------------------------------------------------------------------
    bool has_client(const std::string& provider) const;
    // `request.client_id` is filled in here. As oauth::authorize_url, and errc::no_client.
    result<std::string> authorize_url(const vault::connection& record,
                                      authorization_request request) const;
    bool wants_pkce(const std::string& provider) const;
    // Is it the provider's? As check_issuer and check_proof, and errc::no_client.
    result<void> check_callback(const vault::connection& record, const callback& got) const;
    // `fresh`: tokens.fields is the whole credential. `rejected`: the code is wrong, used or too
    // old, or the verifier does not fit.
    boost::asio::awaitable<vault::refresh_answer> exchange_code(vault::connection record,
                                                                code_grant grant);

    // --- renewing ------------------------------------------------------------------------------
    bool can_refresh(const vault::connection& record) const override;
    // Whether this very credential has what it takes, too.
    bool can_refresh(const vault::connection& record, const vault::credential& current) const;
    boost::asio::awaitable<vault::refresh_answer> refresh(vault::connection record,
                                                          vault::credential current) override;

    // --- ending --------------------------------------------------------------------------------
    // Ends the grant at the provider: the refresh token where there is one, else the access token.
    boost::asio::awaitable<revocation_answer> revoke(vault::connection record,
                                                     vault::credential current);

    // --- devices -------------------------------------------------------------------------------
    // As device.hpp has it; also errc::no_client and the network's errors.
    boost::asio::awaitable<result<device_authorization>> begin_device(
        vault::connection record, std::vector<std::string> scopes);
    // One question. A network that fails asks for more patience.
    boost::asio::awaitable<device_poll> poll_device(vault::connection record,
                                                    wiped_string device_code);

private:
    // A long-lived token in the place of a short-lived one, where the provider has that.
    boost::asio::awaitable<void> lengthen(const policy::provider_facts& facts,
                                          const vault::connection& record, const client& as,
                                          vault::refresh_answer& answer);
    // What was granted, where the token answer does not say and the file has an `introspect` that
    // the token itself opens (auth: bearer). False: the provider did not say it either.
    boost::asio::awaitable<bool> ask_for_scopes(const policy::provider_facts& facts,
                                                const vault::connection& record,
                                                vault::refresh_answer& answer);
    boost::asio::awaitable<result<net::http_answer>> send(net::http_request request,
                                                          std::string tls_ca);

    net::http_client& http_;
    catalogue_source catalogue_;
    std::shared_ptr<const clients> clients_;
    std::map<std::string, net::ssl_context> trusted_;  // by CA file
};

}  // namespace sallyport::oauth
