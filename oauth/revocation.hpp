// Ending a grant at the provider: what to send, by the file's style and words, and what the answer
// means. Pure. Source: RFC 7009; the providers' own ways, as their files have them (words.hpp).
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "net/http_client.hpp"
#include "oauth/client.hpp"
#include "policy/provider.hpp"
#include "vault/connection.hpp"

namespace sallyport::oauth {

struct revocation_answer {
    enum class verdict : std::uint8_t {
        done,           // the provider says so, or does not know the token any more
        not_supported,  // there is no way, or none that this program understands
        retry           // it may still live: try again later
    };
    verdict outcome = verdict::retry;
    std::chrono::seconds retry_after{0};
    std::string reason;  // for people; holds no secret
};

// One request, or two: where the standard is followed the refresh token is revoked first and the
// access token after it, since a server need not end the one with the other. errc::not_offered,
// no_oauth2, missing_value, unsendable, bad_key.
result<std::vector<net::http_request>> revocation_requests(const policy::provider_facts& provider,
                                                           const vault::connection& record,
                                                           const client& as,
                                                           const vault::credential& current,
                                                           unix_micros now);

// Whether the answer proves that the token is dead. A server that does not know it (any more) says
// so with 400 or 401, and where it does not follow the standard with 404 or 422, each in its own
// way.
revocation_answer read_revocation(const policy::provider_facts& provider,
                                  const net::http_answer& answer, unix_micros now);

}  // namespace sallyport::oauth
