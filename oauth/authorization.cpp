#include "oauth/authorization.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
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

// What would make two readings of a list of parameters.
void append_escaped(wiped_string& out, std::string_view text, std::string_view special)
{
    constexpr std::string_view digits = "0123456789ABCDEF";
    for (const char c : text) {
        if (special.find(c) == special.npos) {
            out += c;
        } else {
            const auto byte = static_cast<unsigned char>(c);
            out += '%';
            out += digits[byte >> 4U];
            out += digits[byte & 0xfU];
        }
    }
}

// Shopify's way: all parameters but the signature, sorted by name, as a=b&c=d.
std::string signature_of(const parameters& all, std::string_view left_out,
                         std::string_view client_secret)
{
    parameters sorted;
    for (const auto& one : all) {
        if (one.first != left_out) {
            sorted.push_back(one);
        }
    }
    std::sort(sorted.begin(), sorted.end(),
              [](const auto& a, const auto& b) { return a.first < b.first; });
    wiped_string text;
    for (const auto& [name, value] : sorted) {
        text += text.empty() ? "" : "&";
        append_escaped(text, name, "%&=");
        text += '=';
        append_escaped(text, value, "%&");
    }
    std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
    HMAC(EVP_sha256(), client_secret.data(), static_cast<int>(client_secret.size()),
         reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data(), nullptr);
    return to_hex({reinterpret_cast<const char*>(digest.data()), digest.size()});
}

bool equal_in_constant_time(std::string_view a, std::string_view b) noexcept
{
    return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

// "acme.myshopify.com" of "https://acme.myshopify.com/admin".
std::string_view host_of(std::string_view url)
{
    const std::size_t scheme = url.find("://");
    url.remove_prefix(scheme == url.npos ? 0 : scheme + 3);
    return url.substr(0, std::min(url.find_first_of("/?:"), url.size()));
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
    got.all = std::move(*given);
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

result<void> check_proof(const policy::provider_facts& provider, const vault::connection& record,
                         const vault::secret& client_secret, const callback& got)
{
    if (!provider.oauth2) {
        return error_code(errc::no_oauth2);
    }
    const std::string name = name_of(*provider.oauth2, callback_signature);
    if (name == callback_signature || !got.error.empty()) {
        return {};
    }
    parameters all = got.all;
    const std::string given = take(all, name);
    const std::string made = signature_of(all, name, client_secret.reveal());
    if (client_secret.empty() || !equal_in_constant_time(given, made)) {
        return error_code(errc::forged_callback);
    }
    const std::string& page = page_of(*provider.oauth2, record.variant);
    const result<wiped_string> expected = fill_url(page, provider, record);
    if (!expected) {
        return expected.error();
    }
    for (const auto& [parameter, value] : all) {
        const bool is_place = host_of(page).find("{" + parameter + "}") != std::string_view::npos;
        if (is_place && std::string_view(value) != host_of(*expected)) {
            return error_code(errc::forged_callback);
        }
    }
    return {};
}

}  // namespace sallyport::oauth
