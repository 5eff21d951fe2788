// The cheap request by which a provider's file lets a connection be tried out (`test`): put
// together, and its answer judged. Pure.
//
// It goes where the file says, which the catalogue's reader has checked to be one of the provider's
// hosts, with the variables of the connection checked once more. What an answer says is read for
// the verdict alone: none of it is passed on but names of scopes.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "net/http_client.hpp"
#include "policy/provider.hpp"
#include "vault/connection.hpp"

namespace sallyport::control {

constexpr std::chrono::milliseconds test_call_limit{20'000};

// Puts the credential where the kind has it, the body included, or signs with it at the time `now`.
// vault::errc::not_found: the file names no test, or none for this kind of credential;
// invalid_credential: variables or parts of the credential are missing, or cannot be sent.
result<net::http_request> test_request(const policy::provider& provider,
                                       const vault::connection& record,
                                       const vault::credential& fields, unix_micros now);

struct test_verdict {
    bool is_ok = false;
    bool is_rejected = false;         // The credential, beyond doubt: 401.
    std::vector<std::string> scopes;  // told by the file's scope_header; empty: not told
};
test_verdict judge_test(const policy::test_call& test, const net::http_answer& got);

}  // namespace sallyport::control
