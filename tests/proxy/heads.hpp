// Reading heads in one word, for the tests of this folder.
#pragma once

#include <string>
#include <string_view>

#include "proxy/gate.hpp"
#include "proxy/http_head.hpp"
#include "proxy/trace.hpp"

namespace sallyport::proxy {

inline head_state read_into(std::string_view bytes, const head_limits& limits, std::size_t& scanned,
                            request_head& out)
{
    return read_request_head(bytes, limits, scanned, out);
}

inline head_state read_into(std::string_view bytes, const head_limits& limits, std::size_t& scanned,
                            response_head& out)
{
    return read_response_head(bytes, limits, scanned, out);
}

template <class Head>
head_state read(const std::string& bytes, Head& out, const head_limits& limits = {})
{
    std::size_t scanned = 0;
    return read_into(bytes, limits, scanned, out);
}

// As from a peer that sends one byte at a time: the first verdict that is not "incomplete".
template <class Head>
head_state drip(const std::string& bytes, Head& out, const head_limits& limits = {})
{
    std::size_t scanned = 0;
    for (std::size_t size = 0; size <= bytes.size(); ++size) {
        const auto state = read_into(std::string_view(bytes).substr(0, size), limits, scanned, out);
        if (state != head_state::incomplete) {
            return state;
        }
    }
    return head_state::incomplete;
}

inline const std::string example_parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

inline trace_context trace_of(const request_head& head)
{
    trace_context trace;
    trace.read(head, "01JD3X5C7ZABCDEFGHJKMNPQRS");
    return trace;
}

}  // namespace sallyport::proxy
