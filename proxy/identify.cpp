// The first stations of a call: which provider it is addressed to, who calls, and whether that run
// still lives.
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <algorithm>

#include "proxy/session.hpp"
#include "vault/error.hpp"

namespace sallyport::proxy {

namespace {

bool could_be_at(const listed_host& listed, std::string_view host, unsigned port,
                 const policy::request_path& path)
{
    return listed.could_be(host) &&
           (port == 0 || port == http_port || port == listed.facts->port) && listed.covers(path);
}

}  // namespace

refusal refuse_vault(const error_code& error)
{
    return {code::vault_unavailable,
            error == vault::errc::corrupted ? "The credential cannot be opened."
                                            : "The vault cannot be asked.",
            {},
            {}};
}

refusal session::address()
{
    const admitted& request = call_.request;
    if (request.way == way::reverse) {
        const provider_plan* const found = call_.catalogue->find(request.provider);
        if (found == nullptr) {
            return {code::unknown_provider, "No provider of the catalogue has this name.", {}, {}};
        }
        call_.providers.push_back(found);
    } else {
        std::string_view host;
        unsigned port = 0;
        if (!split_authority(request.authority, host, port)) {
            return {code::unknown_provider, "The target's authority names no provider.", {}, {}};
        }
        // Read as liberally as any provider allows, to see whose it is; then as they all do.
        const policy::path_fault unreadable = call_.path.parse(request.path, {true, true});
        if (unreadable != policy::path_fault::none) {
            return {code::bad_request, policy::describe(unreadable), {}, {}};
        }
        for (const provider_plan& plan : call_.catalogue->providers()) {
            const auto fits = [&](const listed_host& listed) {
                return could_be_at(listed, host, port, call_.path);
            };
            if (std::any_of(plan.hosts.begin(), plan.hosts.end(), fits)) {
                call_.providers.push_back(&plan);
            }
        }
        if (call_.providers.empty()) {
            return {code::unknown_provider, "No provider of the catalogue has this host.", {}, {}};
        }
    }
    policy::path_allowances allowances{true, true};
    for (const provider_plan* plan : call_.providers) {
        const policy::path_allowances& its = plan->provider->facts().paths;
        allowances.empty_segments = allowances.empty_segments && its.empty_segments;
        allowances.encoded_slash = allowances.encoded_slash && its.encoded_slash;
    }
    const policy::path_fault fault = call_.path.parse(request.path, allowances);
    if (fault != policy::path_fault::none) {
        return {code::bad_request, policy::describe(fault), {}, {}};
    }
    return {};
}

refusal session::identify()
{
    if (refusal refused = find_token(call_.head, call_.request, call_.providers, call_.token)) {
        return refused;
    }
    if (call_.token.text.empty()) {
        return {code::run_token_missing, "The request bears no run token.", {}, {}};
    }
    const unix_micros now = now_micros();
    // A kept connection bears the same token call after call: it is compared, not hashed again.
    const bool same = last_run_ != nullptr && call_.token.text == last_token_ &&
                      now < last_run_->claims.expires_at;
    if (same) {
        call_.run = last_run_;
    } else {
        auto run = worker_.runs.verify(call_.token.text, now);
        if (!run) {
            return refuse_token(run.error());
        }
        call_.run = std::move(*run);
        last_run_ = call_.run;
        last_token_.assign(call_.token.text);
    }
    // What stands at a second place is the caller's own credential and goes no further; but two run
    // tokens would leave open which run calls.
    if (!call_.token.second.empty() && worker_.runs.verify(call_.token.second, now)) {
        return {code::bad_request, "The request bears two different run tokens.", {}, {}};
    }
    const std::string& bound = call_.run->claims.certificate_sha256;
    if (!bound.empty() &&
        (client_->tls() == nullptr || client_->tls()->peer_certificate_sha256() != bound)) {
        return {code::run_token_invalid,
                "The run token is bound to a client certificate that was not presented.",
                {},
                {}};
    }
    return {};
}

bool session::run_known_live() const
{
    const identity::run_claims& claims = call_.run->claims;
    return worker_.vault.cached_run_live(claims.workspace, claims.run, vault::boot_millis()) == 1;
}

net::task<refusal> session::check_run()
{
    const identity::run_claims& claims = call_.run->claims;
    int live = worker_.vault.cached_run_live(claims.workspace, claims.run, vault::boot_millis());
    if (live < 0) {
        auto asking = net::asio::co_spawn(
            worker_.runtime.io(), worker_.vault.fetch_run_live(claims.workspace, claims.run),
            net::asio::as_tuple(net::asio::deferred));
        const auto [broken, answer] = co_await std::move(asking);
        if (broken || !answer) {
            co_return refuse_vault(broken ? error_code(vault::errc::unavailable) : answer.error());
        }
        live = *answer ? 1 : 0;
    }
    if (live == 0) {
        co_return refusal{code::run_ended, "The run has ended.", {}, {}};
    }
    co_return refusal{};
}

}  // namespace sallyport::proxy
