// One call as it passes through the gate: everything that serve() learns and the trail records.
// Reused by a session for call after call; views point into the session's copy of the head, into
// the catalogue or into what the shared pointers here keep alive.
#pragma once

#include <array>
#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/ulid.hpp"
#include "policy/provider.hpp"
#include "proxy/body_rewrite.hpp"
#include "proxy/capture.hpp"
#include "proxy/gate.hpp"
#include "proxy/plan.hpp"
#include "proxy/tokens.hpp"
#include "proxy/trace.hpp"
#include "vault/resolver.hpp"

namespace sallyport::proxy {

struct exchange {
    using clock = std::chrono::steady_clock;

    std::array<char, ulid::text_size> id{};
    clock::time_point started, sent, answered;

    request_head head;
    trace_context trace;
    admitted request;
    presented_token token;
    std::vector<const provider_plan*> providers;  // candidates; one in the reverse way
    std::shared_ptr<const snapshot> catalogue;
    std::shared_ptr<const proxy::run> run;
    std::shared_ptr<const vault::resolved> credential;
    // What became of it while the call was under way: lets the call go on, but not begin again.
    std::shared_ptr<const vault::resolved> rechecked;
    std::shared_ptr<const connection_plan> plan;
    std::unique_ptr<call_capture> capture;  // null: nothing is kept of its bodies
    const proxy::upstream* upstream = nullptr;
    policy::request_path path;
    policy::decision decision;
    std::vector<std::string_view> stripped;
    std::size_t stripped_of_body = 0;  // the first of them
    bool intent_recorded = false;

    response_head answer;
    framing answer_body;
    bool upstream_keep_alive = false;
    unsigned attempts = 0;
    bool renewed = false;  // the provider refused the credential, and a fresher one was asked for
    bool keeping = false;  // what is sent of the body is kept, to be sent again if that happens
    unsigned status = 0;   // that the caller was given
    std::uint64_t request_bytes = 0;
    std::uint64_t response_bytes = 0;
    bool client_lost = false;
    bool revoked = false;                                  // while it was under way, and cut for it
    proxy::body_type body_type = proxy::body_type::other;  // other: it streams; else collected
    code body_fault = code::none;  // found while the request's body passed through
    bool body_complete = false;

    std::string_view call_id() const noexcept { return {id.data(), id.size()}; }
    void reset();
};

}  // namespace sallyport::proxy
