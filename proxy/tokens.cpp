#include "proxy/tokens.hpp"

#include <openssl/evp.h>

#include <cstring>

#include "base/encoding.hpp"
#include "base/text.hpp"

namespace sallyport::proxy {

namespace {

constexpr std::int64_t leeway_micros = std::chrono::microseconds(identity::leeway).count();

// The digest is fetched once per thread: EVP_Digest with EVP_sha256() looks it up on every call.
bool sha256(std::string_view text, unsigned char* out)
{
    struct kept {
        EVP_MD* md = EVP_MD_fetch(nullptr, "SHA256", nullptr);
        EVP_MD_CTX* context = EVP_MD_CTX_new();
        ~kept()
        {
            EVP_MD_CTX_free(context);
            EVP_MD_free(md);
        }
    };
    thread_local const kept digest;
    return EVP_DigestInit_ex2(digest.context, digest.md, nullptr) == 1 &&
           EVP_DigestUpdate(digest.context, text.data(), text.size()) == 1 &&
           EVP_DigestFinal_ex(digest.context, out, nullptr) == 1;
}

// The password of "Basic ..." (RFC 7617); its text goes to `decoded`.
std::string_view basic_password(std::string_view value, std::string& decoded)
{
    constexpr std::string_view scheme = "basic ";
    if (!starts_with_ignoring_case(value, scheme)) {
        return {};
    }
    auto pair = from_base64(trim(value.substr(scheme.size())));
    if (!pair) {
        return {};
    }
    decoded = std::move(*pair);
    const std::size_t colon = decoded.find(':');
    return colon == std::string::npos ? std::string_view{}
                                      : std::string_view(decoded).substr(colon + 1);
}

std::string_view bearer(std::string_view value)
{
    constexpr std::string_view scheme = "bearer ";
    return starts_with_ignoring_case(value, scheme) ? trim(value.substr(scheme.size()))
                                                    : std::string_view{};
}

// The one field of that name; `repeated` is set when there are several.
const field* find_field(const request_head& head, std::string_view name, bool& repeated)
{
    const field* found = nullptr;
    for (const field& candidate : head.fields) {
        if (equal_ignoring_case(candidate.name, name)) {
            repeated = repeated || found != nullptr;
            found = &candidate;
        }
    }
    return found;
}

std::string_view query_value(std::string_view query, std::string_view name, bool& repeated)
{
    std::string_view found;
    while (!query.empty()) {
        const std::size_t end = query.find('&');
        const std::string_view pair = query.substr(0, end);
        if (pair.size() > name.size() && pair.starts_with(name) && pair[name.size()] == '=') {
            repeated = repeated || !found.empty();
            found = pair.substr(name.size() + 1);
        }
        if (end == std::string_view::npos) {
            break;
        }
        query.remove_prefix(end + 1);
    }
    return found;
}

std::string_view token_at(const token_place& place, const request_head& head,
                          const admitted& request, std::string& decoded, bool& repeated)
{
    if (place.in == token_place::kind::query) {
        return query_value(request.query, place.name, repeated);
    }
    const field* const found = find_field(head, place.name, repeated);
    if (found == nullptr) {
        return {};
    }
    if (place.in == token_place::kind::basic) {
        return basic_password(found->value, decoded);
    }
    if (!starts_with_ignoring_case(found->value, place.prefix)) {
        return {};
    }
    const std::string_view rest = found->value.substr(place.prefix.size());
    return trim(place.until.empty() ? rest : rest.substr(0, rest.find(place.until)));
}

}  // namespace

const policy::scope_set* run::scopes_for(const std::shared_ptr<const snapshot>& from,
                                         const policy::provider& provider) const
{
    if (claims.scopes.empty()) {
        return nullptr;
    }
    if (made_from_ != from) {
        made_from_ = from;
        narrowed_.clear();
    }
    for (const auto& known : narrowed_) {
        if (known->provider == &provider) {
            return known->any ? &known->scopes : nullptr;
        }
    }
    auto fresh = std::make_unique<narrowed>();
    fresh->provider = &provider;
    for (const auto& [id, scopes] : claims.scopes) {
        if (id == provider.facts().id) {
            fresh->any = true;
            fresh->scopes = provider.closure(scopes);
        }
    }
    narrowed_.push_back(std::move(fresh));
    return narrowed_.back()->any ? &narrowed_.back()->scopes : nullptr;
}

std::size_t run_cache::digest_hash::operator()(const digest& value) const noexcept
{
    std::size_t out = 0;
    std::memcpy(&out, value.data(), sizeof out);
    return out;
}

result<std::shared_ptr<const run>> run_cache::verify(std::string_view token, unix_micros now)
{
    if (token.size() > identity::token_bytes_max) {
        return error_code(identity::errc::malformed);
    }
    digest key{};
    if (!sha256(token, key.data())) {
        return error_code(identity::errc::malformed);
    }
    const auto known = runs_.find(key);
    if (known != runs_.end()) {
        if (now > known->second->claims.expires_at + leeway_micros) {
            runs_.erase(known);
            return error_code(identity::errc::expired);
        }
        return known->second;
    }
    auto claims = verifier_.verify(token, now);
    if (!claims) {
        return claims.error();
    }
    const auto fresh = std::make_shared<run>();
    fresh->claims = std::move(*claims);
    const auto access = policy::parse_operation_class(
        fresh->claims.access.empty() ? "write" : std::string_view(fresh->claims.access));
    if (!access) {
        return error_code(identity::errc::malformed);
    }
    fresh->access = *access;
    if (runs_.size() >= runs_max) {
        runs_.clear();  // Every live run is verified once more; a flood of tokens cannot grow it.
    }
    runs_.emplace(key, fresh);
    return std::shared_ptr<const run>(fresh);
}

refusal find_token(const request_head& head, const admitted& request,
                   const std::vector<const provider_plan*>& providers, presented_token& out)
{
    out.text = out.second = {};
    out.in_proxy_authorization = false;
    out.place = nullptr;
    bool repeated = false;
    const field* const proxy = find_field(head, "proxy-authorization", repeated);
    if (proxy != nullptr) {
        out.text = bearer(proxy->value);
        if (out.text.empty()) {
            out.text = basic_password(proxy->value, out.decoded);
        }
        out.in_proxy_authorization = !out.text.empty();
    }
    for (const provider_plan* provider : providers) {
        for (const token_place& place : provider->places) {
            if (!out.second.empty()) {
                break;  // What backs it must stay as it is.
            }
            std::string& decoded = out.text.empty() ? out.decoded : out.second_decoded;
            bool twice = false;
            const std::string_view found = token_at(place, head, request, decoded, twice);
            if (found.empty() || found == out.text) {
                continue;
            }
            if (out.text.empty()) {
                out.text = found;
                out.place = &place;
                repeated = repeated || twice;  // Elsewhere what comes twice is only taken away.
            } else {
                out.second = found;
            }
        }
    }
    if (repeated) {
        return {code::bad_request, "A place that can carry the run token is there twice.", {}, {}};
    }
    return {};
}

refusal refuse_token(const error_code& error)
{
    if (error == identity::errc::expired) {
        return {code::run_token_expired, "The run token's time is over.", {}, {}};
    }
    if (error == identity::errc::lives_too_long) {
        return {
            code::run_token_invalid, "The run token lives longer than this gate allows.", {}, {}};
    }
    return {code::run_token_invalid, "The run token could not be verified.", {}, {}};
}

}  // namespace sallyport::proxy
