// Providers whose credential signs calls instead of travelling with them: what of a caller's own
// signature is taken out, and what of a body is signed. The signature itself is sigv4.hpp's.
#pragma once

#include <string>
#include <string_view>

#include "proxy/http_head.hpp"
#include "proxy/plan.hpp"

namespace sallyport::proxy {

// The ways in which a caller could bring a signature of its own, in fields or in a URL signed
// before, are removed; and there are places for its run token: also where SDKs put the name of the
// key. Forms that bear a signature (S3's POST) are for the file's rules and `strip`.
void expect_signatures(provider_plan& plan);

// False: the region is not one, or its variable is not set.
bool plan_signature(const policy::request_signature& facts, const vault::connection& connection,
                    const policy::provider_facts& provider, signature_plan& out);

// What is signed for the body: its hash, or S3's word for one that is not hashed. `body` is the
// whole of it where the plan hashes bodies.
std::string payload_hash(const connection_plan& plan, const upstream& to, const request_head& head,
                         std::string_view body);

// True where the plan signs and the caller has cut the body into pieces and signed each: those
// cannot be signed anew. Pieces without a signature are S3's to take over TLS.
bool is_signed_in_pieces(const connection_plan& plan, const upstream& to,
                         const request_head& head) noexcept;

}  // namespace sallyport::proxy
