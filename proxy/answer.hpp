// The head that goes back to the caller: what the provider sent, less what is between the provider
// and us, with references to the provider pointing at the gate again.
#pragma once

#include <string>
#include <string_view>

#include "proxy/gate.hpp"
#include "proxy/plan.hpp"

namespace sallyport::proxy {

struct answer_context {
    const connection_plan* plan = nullptr;
    const proxy::upstream* upstream = nullptr;
    const admitted* request = nullptr;
    std::string_view gate_scheme;  // of the listener: http or https
    std::string_view call_id;
    std::string_view date;  // for an answer that came without (RFC 9110, 6.6.1)
    framing body;
    bool chunk = false;  // the body is sent chunked
    bool close = false;  // the connection ends after this answer
};

// Appends the head to `out`. An interim answer (1xx) gets neither framing nor Date.
void write_answer_head(const response_head& head, const answer_context& context, std::string& out);

// True if the Proxy-Status field has a member that claims to be us (RFC 9209).
bool impersonates_us(std::string_view proxy_status) noexcept;

}  // namespace sallyport::proxy
