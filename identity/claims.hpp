// The claims of a run token (CONTRACT.md 4) as JSON and back. Whether a time has come or a key may
// speak is not decided here, only whether the claims have their shape.
#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <string_view>

#include "base/result.hpp"
#include "identity/run_token.hpp"

namespace sallyport::identity {

constexpr std::string_view audience = "sallyport";
constexpr std::size_t claim_connections_max = 256;
constexpr std::size_t claim_scope_providers_max = 256;
constexpr std::size_t claim_scopes_max = 1024;  // of one provider
constexpr std::size_t claim_text_bytes_max = 1024;

struct timed_claims {
    run_claims claims;
    unix_micros not_before = 0;  // 0: not said
};

// Fails with malformed and wrong_audience.
result<timed_claims> read_claims(const boost::json::object& from);

boost::json::object write_claims(const run_claims& claims);

}  // namespace sallyport::identity
