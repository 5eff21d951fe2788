// The head that goes to the provider: what the caller sent, less everything that is not the
// provider's business, plus the credential. Written straight into the buffer that is sent.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "proxy/gate.hpp"
#include "proxy/plan.hpp"
#include "proxy/tokens.hpp"
#include "proxy/trace.hpp"
#include "vault/resolver.hpp"

namespace sallyport::proxy {

struct outgoing {
    const request_head* head = nullptr;
    const admitted* request = nullptr;
    const connection_plan* plan = nullptr;
    const proxy::upstream* upstream = nullptr;
    const vault::resolved* credential = nullptr;
    vault::secret* scratch = nullptr;    // Where the credential is opened.
    const token_place* token = nullptr;  // Where the run token stood: not the caller's own carrier.
    const trace_context* trace = nullptr;  // null: none
    std::string payload_hash = {};         // Where the plan signs: payload_hash().
    unix_micros now = 0;                   // The same.
};

enum class write_fault : std::uint8_t {
    none,
    credential,  // it cannot be opened, is not complete, or holds bytes that may not be sent
};

// Appends the head to `out` (RFC 9112, 3 and 5). The caller wipes `out` once it is sent. `stripped`
// receives the names of credential carriers that were in the caller's request, in views of the
// plan.
write_fault write_request_head(const outgoing& call, std::string& out,
                               std::vector<std::string_view>& stripped);

// True if a request's field never travels on, whatever the provider: hop-by-hop fields, those that
// Connection names, the gate's own, and look-alikes spelt with underscores.
bool stays_here(std::string_view name, std::string_view connection) noexcept;

}  // namespace sallyport::proxy
