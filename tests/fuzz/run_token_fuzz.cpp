// Run tokens from a foreign hand. Once as they are; once with the input as claims under a good
// signature, because no fuzzer finds one.
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "identity/run_token.hpp"
#include "identity/signature.hpp"

using namespace sallyport;

namespace {

constexpr unix_micros now = 1'763'640'000'000'000;

identity::settings trusted()
{
    identity::settings out;
    out.issuers.push_back({"i", identity::algorithm::hs256, std::string(32, 'k'), {}});
    return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size)
{
    static const auto verifier = identity::token_verifier::make(trusted());
    static const auto key =
        identity::signing_key::make(identity::algorithm::hs256, std::string(32, 'k'));
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    (void)verifier->verify(input, now);

    std::string token = to_base64url(R"({"alg":"HS256"})") + '.' + to_base64url(input);
    token += '.' + to_base64url(*key->sign(token));
    const auto claims = verifier->verify(token, now);
    if (claims && (claims->issuer != "i" || !is_name(claims->workspace) || !is_name(claims->run) ||
                   claims->expires_at <= now - 30'000'000)) {
        std::abort();
    }
    return 0;
}
