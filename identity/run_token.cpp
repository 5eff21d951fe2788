#include "identity/run_token.hpp"

#include <boost/json/serialize.hpp>
#include <algorithm>
#include <array>
#include <limits>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "base/ulid.hpp"
#include "identity/claims.hpp"
#include "identity/signature.hpp"
#include "identity/strict_json.hpp"

namespace sallyport::identity {

namespace {

namespace json = boost::json;

constexpr unix_micros leeway_micros =
    std::chrono::duration_cast<std::chrono::microseconds>(leeway).count();

// Boost's categories have no virtual destructor because nobody deletes them.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wnon-virtual-dtor"
class category_type final : public boost::system::error_category {
public:
    const char* name() const noexcept override { return "sallyport.identity"; }
    std::string message(int value) const override
    {
        switch (static_cast<errc>(value)) {
            case errc::malformed: return "the run token is malformed";
            case errc::wrong_issuer: return "the run token's issuer may not speak here";
            case errc::wrong_algorithm: return "the run token's algorithm is not its issuer's";
            case errc::bad_signature: return "the run token's signature does not verify";
            case errc::wrong_audience: return "the run token is meant for someone else";
            case errc::expired: return "the run token has expired";
            case errc::not_yet_valid: return "the run token is not valid yet";
            case errc::lives_too_long: return "the run token lives longer than is allowed";
            case errc::bad_key: return "the issuer's key cannot be used";
        }
        return "unknown error";
    }
};
#pragma GCC diagnostic pop

// The three parts of a compact JWS (RFC 7515, 7.1), as they stand.
struct token_parts {
    std::string_view header, payload, signature;
    std::string_view signed_text;  // the header, the dot and the payload
};

std::optional<token_parts> split(std::string_view token)
{
    const std::size_t first = token.find('.');
    if (first == std::string_view::npos) {
        return std::nullopt;
    }
    const std::size_t second = token.find('.', first + 1);
    if (second == std::string_view::npos || token.find('.', second + 1) != std::string_view::npos) {
        return std::nullopt;
    }
    return token_parts{token.substr(0, first), token.substr(first + 1, second - first - 1),
                       token.substr(second + 1), token.substr(0, second)};
}

std::optional<json::object> decoded_object(std::string_view part)
{
    const std::optional<std::string> text = from_base64url(part);
    return text ? parse_object(*text) : std::nullopt;
}

// Anything in the header beyond alg, typ and kid asks the reader to do something: fetch a key, use
// the key enclosed, understand an extension. We do none of it (RFC 8725, 3.1 and 3.10).
std::optional<std::string> algorithm_named(const json::object& header)
{
    for (const json::key_value_pair& member : header) {
        if (member.key() != "alg" && member.key() != "typ" && member.key() != "kid") {
            return std::nullopt;
        }
        if (!member.value().is_string()) {
            return std::nullopt;
        }
    }
    const json::value* const typ = header.if_contains("typ");
    const json::value* const alg = header.if_contains("alg");
    if (alg == nullptr ||
        (typ != nullptr && !equal_ignoring_case(std::string_view(typ->get_string()), "JWT"))) {
        return std::nullopt;
    }
    return std::string(alg->get_string());
}

// A token that does not say when it was made is measured from now.
error_code check_times(const timed_claims& timed, unix_micros now, unix_micros lifetime_max)
{
    const run_claims& claims = timed.claims;
    if (claims.expires_at + leeway_micros <= now) {
        return errc::expired;
    }
    if (std::max(claims.issued_at, timed.not_before) > now + leeway_micros) {
        return errc::not_yet_valid;
    }
    const unix_micros from = claims.issued_at != 0 ? claims.issued_at : now;
    if (claims.expires_at - from > lifetime_max) {
        return errc::lives_too_long;
    }
    return {};
}

unix_micros micros_of(std::chrono::milliseconds duration)
{
    return std::chrono::duration_cast<std::chrono::microseconds>(duration).count();
}

}  // namespace

const boost::system::error_category& category() noexcept
{
    static const category_type instance;
    return instance;
}

struct token_verifier::impl {
    struct known_issuer {
        std::string name;
        signing_key key;
        std::vector<std::string> workspaces;
        bool speaks_for_all = false;

        bool speaks_for(const std::string& workspace) const
        {
            return speaks_for_all ||
                   std::find(workspaces.begin(), workspaces.end(), workspace) != workspaces.end();
        }
    };
    std::vector<known_issuer> issuers;
    unix_micros lifetime_max = 0;

    // Chooses by what the token claims; whether that is true is for the issuer's key to say.
    const known_issuer* find(const json::object& claims) const
    {
        const json::value* const iss = claims.if_contains("iss");
        if (iss == nullptr || !iss->is_string()) {
            return nullptr;
        }
        const std::string_view name(iss->get_string());
        const auto at = std::find_if(issuers.begin(), issuers.end(),
                                     [&](const known_issuer& one) { return one.name == name; });
        return at == issuers.end() ? nullptr : &*at;
    }
};

token_verifier::token_verifier(std::unique_ptr<impl> made) : impl_(std::move(made)) {}
token_verifier::~token_verifier() = default;
token_verifier::token_verifier(token_verifier&&) noexcept = default;
token_verifier& token_verifier::operator=(token_verifier&&) noexcept = default;

result<token_verifier> token_verifier::make(const settings& settings)
{
    auto made = std::make_unique<impl>();
    made->lifetime_max = micros_of(settings.max_ttl);
    for (const issuer& one : settings.issuers) {
        result<signing_key> key = signing_key::make(one.alg, one.key);
        if (!key) {
            return key.error();
        }
        const bool is_first = made->issuers.empty();
        made->issuers.push_back(
            {one.name, std::move(*key), one.workspaces, is_first && one.workspaces.empty()});
    }
    return token_verifier(std::move(made));
}

result<run_claims> token_verifier::verify(std::string_view token, unix_micros now) const
{
    if (token.size() > token_bytes_max) {
        return make_error_code(errc::malformed);
    }
    const std::optional<token_parts> parts = split(token);
    if (!parts) {
        return make_error_code(errc::malformed);
    }
    const std::optional<json::object> header = decoded_object(parts->header);
    const std::optional<json::object> payload = decoded_object(parts->payload);
    const std::optional<std::string> signature = from_base64url(parts->signature);
    if (!header || !payload || !signature) {
        return make_error_code(errc::malformed);
    }
    const std::optional<std::string> alg = algorithm_named(*header);
    if (!alg) {
        return make_error_code(errc::malformed);
    }
    const impl::known_issuer* const issuer = impl_->find(*payload);
    if (issuer == nullptr) {
        return make_error_code(errc::wrong_issuer);
    }
    if (*alg != to_string(issuer->key.alg())) {
        return make_error_code(errc::wrong_algorithm);
    }
    if (!issuer->key.verify(parts->signed_text, *signature)) {
        return make_error_code(errc::bad_signature);
    }
    result<timed_claims> timed = read_claims(*payload);
    if (!timed) {
        return timed.error();
    }
    if (!issuer->speaks_for(timed->claims.workspace)) {
        return make_error_code(errc::wrong_issuer);
    }
    if (const error_code error = check_times(*timed, now, impl_->lifetime_max)) {
        return error;
    }
    return std::move(timed->claims);
}

struct token_minter::impl {
    std::string issuer;
    signing_key key;
    std::vector<std::string> workspaces;
    unix_micros lifetime_max;
};

token_minter::token_minter(std::unique_ptr<impl> made) : impl_(std::move(made)) {}
token_minter::~token_minter() = default;
token_minter::token_minter(token_minter&&) noexcept = default;
token_minter& token_minter::operator=(token_minter&&) noexcept = default;

result<token_minter> token_minter::make(const settings& settings)
{
    if (settings.issuers.empty()) {
        return make_error_code(errc::bad_key);
    }
    const issuer& first = settings.issuers.front();
    result<signing_key> key = signing_key::make(first.alg, first.key);
    if (!key) {
        return key.error();
    }
    if (!key->can_sign()) {
        return make_error_code(errc::bad_key);
    }
    return token_minter(std::make_unique<impl>(
        impl{first.name, std::move(*key), first.workspaces, micros_of(settings.max_ttl)}));
}

// What is minted is read back as a verifier would, so that nothing is signed that would be refused.
result<std::string> token_minter::mint(run_claims claims) const
{
    claims.issuer = impl_->issuer;
    claims.id = make_ulid().text();
    const json::object payload = write_claims(claims);
    const std::string text = json::serialize(payload);
    const std::optional<json::object> read_back = parse_object(text);
    const result<timed_claims> timed =
        read_back ? read_claims(*read_back) : result<timed_claims>(errc::malformed);
    const auto& allowed = impl_->workspaces;
    const bool may_speak = allowed.empty() || std::find(allowed.begin(), allowed.end(),
                                                        claims.workspace) != allowed.end();
    if (!timed) {
        return timed.error();
    }
    // A provider named twice, or both forms of connections at once, do not survive the way back.
    const run_claims& kept = timed->claims;
    if (kept.connections != claims.connections || kept.scopes != claims.scopes ||
        kept.connections_by_provider != claims.connections_by_provider || kept.issued_at == 0 ||
        kept.expires_at <= kept.issued_at) {
        return make_error_code(errc::malformed);
    }
    if (!may_speak) {
        return make_error_code(errc::wrong_issuer);
    }
    if (kept.expires_at - kept.issued_at > impl_->lifetime_max) {
        return make_error_code(errc::lives_too_long);
    }
    std::string header = R"({"alg":")";
    header.append(to_string(impl_->key.alg())).append(R"(","typ":"JWT"})");
    std::string token = to_base64url(header) + '.' + to_base64url(text);
    const std::optional<std::string> signature = impl_->key.sign(token);
    if (!signature) {
        return make_error_code(errc::bad_key);
    }
    token.append(1, '.').append(to_base64url(*signature));
    if (token.size() > token_bytes_max) {
        return make_error_code(errc::malformed);
    }
    return token;
}

}  // namespace sallyport::identity
