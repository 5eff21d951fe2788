#include "oauth/authorization.hpp"

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <stdexcept>

#include "base/encoding.hpp"
#include "oauth/error.hpp"
#include "oauth/scopes.hpp"
#include "oauth/url.hpp"

namespace sallyport::oauth {

namespace {

constexpr std::size_t verifier_entropy_bytes = 32;  // RFC 7636, 4.1
constexpr std::size_t parameter_bytes_max = 4 * 1024;

bool is_sendable(std::string_view value)
{
    return !value.empty() && value.size() <= parameter_bytes_max &&
           std::none_of(value.begin(), value.end(), [](char c) {
               const auto byte = static_cast<unsigned char>(c);
               return byte < 0x20 || byte == 0x7f;
           });
}

// The provider's name for a standard parameter.
std::string name_of(const policy::oauth2_facts& facts, std::string_view standard)
{
    for (const auto& [name, own] : facts.param_names) {
        if (name == standard) {
            return own;
        }
    }
    return std::string(standard);
}

const std::string& page_of(const policy::oauth2_facts& facts, std::string_view variant)
{
    for (const policy::oauth2_facts::variant& one : facts.variants) {
        if (one.name == variant && !one.authorize_url.empty()) {
            return one.authorize_url;
        }
    }
    return facts.authorize_url;
}

std::string take(parameters& from, std::string_view name)
{
    for (const auto& [given, value] : from) {
        if (given == name) {
            return std::string(value);
        }
    }
    return {};
}

}  // namespace

std::string s256_challenge(std::string_view verifier)
{
    std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
    SHA256(reinterpret_cast<const unsigned char*>(verifier.data()), verifier.size(), digest.data());
    return to_base64url({reinterpret_cast<const char*>(digest.data()), digest.size()});
}

pkce make_pkce()
{
    std::array<char, verifier_entropy_bytes> bytes{};
    if (RAND_bytes(reinterpret_cast<unsigned char*>(bytes.data()), bytes.size()) != 1) {
        throw std::runtime_error("no randomness");
    }
    std::string text = to_base64url({bytes.data(), bytes.size()});
    pkce made{wiped_string(text), s256_challenge(text)};
    OPENSSL_cleanse(bytes.data(), bytes.size());
    OPENSSL_cleanse(text.data(), text.size());
    return made;
}

bool wants_pkce(const policy::oauth2_facts& facts) noexcept
{
    return facts.pkce != policy::oauth2_facts::pkce_support::unsupported;
}

result<std::string> authorize_url(const policy::provider_facts& provider,
                                  const vault::connection& record,
                                  const authorization_request& request)
{
    if (!provider.oauth2) {
        return error_code(errc::no_oauth2);
    }
    const policy::oauth2_facts& facts = *provider.oauth2;
    const std::string& page = page_of(facts, record.variant);
    if (page.empty()) {
        return error_code(errc::not_offered);
    }
    result<wiped_string> url = fill_url(page, provider, record);
    if (!url) {
        return url.error();
    }
    parameters asked;
    asked.emplace_back(name_of(facts, "response_type"), "code");
    for (const auto& [name, value] :
         {std::pair<std::string_view, const std::string*>("client_id", &request.client_id),
          {"redirect_uri", &request.redirect_uri},
          {"state", &request.state}}) {
        if (!is_sendable(*value)) {
            return error_code(errc::unsendable);
        }
        asked.emplace_back(name_of(facts, name), wiped_string(*value));
    }
    const result<wiped_string> scopes = join_scopes(facts, request.scopes);
    if (!scopes) {
        return scopes.error();
    }
    if (!scopes->empty()) {
        asked.emplace_back(name_of(facts, scope_parameter(facts, record.variant)), *scopes);
    }
    if (!request.code_challenge.empty() && wants_pkce(facts)) {
        asked.emplace_back("code_challenge", wiped_string(request.code_challenge));
        asked.emplace_back("code_challenge_method", "S256");
    }
    for (const auto& [name, value] : facts.authorize_params) {
        asked.emplace_back(name, wiped_string(value));
    }
    append_query(*url, asked);
    return std::string(*url);
}

result<callback> read_callback(std::string_view query)
{
    if (query.size() > callback_bytes_max) {
        return error_code(errc::bad_callback);
    }
    result<parameters> given = read_form(query);
    if (!given) {
        return given.error();
    }
    callback got;
    got.code = take(*given, "code");
    got.state = take(*given, "state");
    got.issuer = take(*given, "iss");
    got.error = take(*given, "error");
    got.error_description = take(*given, "error_description");
    if (got.state.empty() || got.code.empty() == got.error.empty()) {
        return error_code(errc::bad_callback);
    }
    return got;
}

result<void> check_issuer(const policy::provider_facts& provider, const vault::connection& record,
                          const callback& got)
{
    if (!provider.oauth2) {
        return error_code(errc::no_oauth2);
    }
    // An error that names nobody ends the attempt, which costs nothing.
    const bool names_nobody = got.issuer.empty() && !got.error.empty();
    if (provider.oauth2->issuer.empty() || names_nobody) {
        return {};
    }
    const result<wiped_string> expected = fill_url(provider.oauth2->issuer, provider, record);
    if (!expected) {
        return expected.error();
    }
    if (std::string_view(*expected) != got.issuer) {
        return error_code(errc::wrong_issuer);
    }
    return {};
}

}  // namespace sallyport::oauth
