// Who calls: finding the run token in a request, and remembering the ones already verified.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "identity/run_token.hpp"
#include "policy/provider.hpp"
#include "proxy/gate.hpp"
#include "proxy/plan.hpp"

namespace sallyport::proxy {

// A verified token. Shared by the calls of one worker that bear it.
struct run {
    identity::run_claims claims;
    policy::operation_class access = policy::operation_class::write;

    // The run's narrowing for a provider, closed under scope_implies; null: not narrowed.
    const policy::scope_set* scopes_for(const std::shared_ptr<const snapshot>& from,
                                        const policy::provider& provider) const;

private:
    struct narrowed {
        const policy::provider* provider = nullptr;
        bool any = false;
        policy::scope_set scopes;
    };
    mutable std::shared_ptr<const snapshot> made_from_;
    // Pointers to its members are handed out for the length of a call that cannot add one.
    mutable std::vector<std::unique_ptr<narrowed>> narrowed_;
};

// Verified tokens by the SHA-256 of their text: a signature costs 20 to 60 us, a look-up half a
// one.
class run_cache {
public:
    static constexpr std::size_t runs_max = 65'536;

    explicit run_cache(const identity::token_verifier& verifier) : verifier_(verifier) {}

    // identity::errc; expiry is checked on every call.
    result<std::shared_ptr<const run>> verify(std::string_view token, unix_micros now);

private:
    using digest = std::array<unsigned char, 32>;
    struct digest_hash {
        std::size_t operator()(const digest& value) const noexcept;
    };

    const identity::token_verifier& verifier_;
    std::unordered_map<digest, std::shared_ptr<const run>, digest_hash> runs_;
};

// The token a request bears, and where it stood.
struct presented_token {
    std::string_view text;  // Into the head, or into `decoded`.
    bool in_proxy_authorization = false;
    const token_place* place = nullptr;  // Where it stood, if not there.
    std::string decoded;                 // Backs a token that came base 64 encoded, for Basic.
    std::string_view second;             // Another candidate at another place, or empty.
    std::string second_decoded;
};

// Looks into Proxy-Authorization, then into the places of `providers` in their order. Refuses what
// is ambiguous; an absent token leaves `out.text` empty.
refusal find_token(const request_head& head, const admitted& request,
                   const std::vector<const provider_plan*>& providers, presented_token& out);

// The refusal for an identity::errc.
refusal refuse_token(const error_code& error);

}  // namespace sallyport::proxy
