// A caller's trace, carried on (W3C Trace Context, level 2): the gate is a span of its own between
// the caller's and the provider's, named in the trail.
//
// A caller without a trace, or with one that cannot be read, gets none: its fields are dropped.
#pragma once

#include <array>
#include <string_view>

#include "proxy/http_head.hpp"

namespace sallyport::proxy {

class trace_context {
public:
    // Reads the caller's fields; `call_id`, a ULID, gives the span its number.
    void read(const request_head& head, std::string_view call_id) noexcept;

    bool known() const noexcept { return known_; }
    // Empty where nothing is known. Views of this object.
    std::string_view parent() const noexcept { return view(0, text_.size()); }  // the field's value
    std::string_view trace_id() const noexcept { return view(3, 32); }
    std::string_view span_id() const noexcept { return view(36, 16); }

private:
    std::string_view view(std::size_t from, std::size_t size) const noexcept
    {
        return known_ ? std::string_view(text_.data() + from, size) : std::string_view();
    }

    std::array<char, 55> text_{};  // 00-TRACE-SPAN-FLAGS
    bool known_ = false;
};

// True for the fields that the context is made of.
bool belongs_to_trace(std::string_view field_name) noexcept;

}  // namespace sallyport::proxy
