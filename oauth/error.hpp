// Why nothing can be asked of an authorization server. What a server answers is not an error of
// this kind: see vault::refresh_answer.
#pragma once

#include "base/result.hpp"

namespace sallyport::oauth {

enum class errc {
    no_oauth2 = 1,     // the provider is unknown, or its file has no oauth2 block
    not_offered,       // the provider does not offer this flow
    no_client,         // no client is configured for the provider
    missing_value,     // a URL names a variable that the connection does not set properly
    unsendable,        // a parameter is empty, too long or holds control characters
    bad_key,           // the private key cannot be used
    bad_callback,      // the callback's parameters cannot be read one way
    wrong_issuer,      // the callback comes from another authorization server (RFC 9207)
    forged_callback,   // the callback lacks the provider's own proof
    client_elsewhere,  // the configured client is not for the host that the connection names
};

const boost::system::error_category& category() noexcept;
inline error_code make_error_code(errc e) noexcept { return {static_cast<int>(e), category()}; }

}  // namespace sallyport::oauth

template <>
struct boost::system::is_error_code_enum<sallyport::oauth::errc> : std::true_type {
};
