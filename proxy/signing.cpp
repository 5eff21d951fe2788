#include "proxy/signing.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "net/sigv4.hpp"

namespace sallyport::proxy {

namespace {

constexpr std::string_view hash_field = "x-amz-content-sha256";
// A body in pieces that are not signed, as SDKs send it over TLS: signed as that.
constexpr std::string_view unsigned_pieces = "STREAMING-UNSIGNED-PAYLOAD-TRAILER";

void add_once(std::vector<std::string>& list, const std::string& item)
{
    if (std::find(list.begin(), list.end(), item) == list.end()) {
        list.push_back(item);
    }
}

const field* find_field(const request_head& head, std::string_view name) noexcept
{
    const auto at = std::find_if(head.fields.begin(), head.fields.end(),
                                 [&](const field& f) { return equal_ignoring_case(f.name, name); });
    return at == head.fields.end() ? nullptr : &*at;
}

}  // namespace

void expect_signatures(provider_plan& plan)
{
    plan.places.push_back({token_place::kind::header, "Authorization", "Bearer "});
    plan.places.push_back(
        {token_place::kind::header, "Authorization", "AWS4-HMAC-SHA256 Credential=", "/"});
    for (const char* name : {"authorization", "x-amz-date", "x-amz-content-sha256",
                             "x-amz-security-token", "x-amz-s3session-token"}) {
        add_once(plan.removed_headers, name);
    }
    for (const char* name :
         {"X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires",
          "X-Amz-SignedHeaders", "X-Amz-Signature", "X-Amz-Security-Token", "X-Amz-S3session-Token",
          "AWSAccessKeyId", "Signature", "SecurityToken"}) {
        for (const std::string& spelt : {std::string(name), lower(name)}) {
            add_once(plan.removed_query, spelt);
        }
    }
}

bool plan_signature(const policy::request_signature& facts, const vault::connection& connection,
                    const policy::provider_facts& provider, signature_plan& out)
{
    out.service = facts.service;
    return facts.service.empty() ||
           (expand_variables(facts.region, connection.variables, provider, out.region) &&
            !out.region.empty() && std::all_of(out.region.begin(), out.region.end(), [](char c) {
                return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
            }));
}

std::string payload_hash(const connection_plan& plan, const upstream& to, const request_head& head,
                         std::string_view body)
{
    if (plan.signature.hashes_bodies(to.to.tls != nullptr)) {
        return net::sigv4_hash(body);
    }
    const field* const said = find_field(head, hash_field);
    const bool in_pieces = said != nullptr && said->value == unsigned_pieces;
    return std::string(in_pieces ? unsigned_pieces : "UNSIGNED-PAYLOAD");
}

bool is_signed_in_pieces(const connection_plan& plan, const upstream& to,
                         const request_head& head) noexcept
{
    const field* const said = find_field(head, hash_field);
    const bool in_pieces = said != nullptr && starts_with_ignoring_case(said->value, "STREAMING-");
    const bool unsigned_too = in_pieces && !plan.signature.hashes_bodies(to.to.tls != nullptr) &&
                              said->value == unsigned_pieces;
    return plan.signature.signs() && in_pieces && !unsigned_too;
}

}  // namespace sallyport::proxy
