// Which bodies of a provider's calls are kept for an auditor, and how much of each. Off unless the
// provider's file says so.
//
// Plain data and one pure question. What is kept is the beginning of a body: no call holds more
// than two of captured_bytes_max for it.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace sallyport::policy {

constexpr std::size_t captured_bytes_max = 64 * 1024;  // of one body

struct body_capture {
    std::size_t request_bytes = 0;  // 0: requests' bodies are not kept
    std::size_t response_bytes = 0;
    // Media types in lower case, "application/json" or "text/*"; empty: every one, also none.
    std::vector<std::string> content_types;

    bool is_on() const noexcept { return request_bytes != 0 || response_bytes != 0; }
    // By the value of a Content-Type field, parameters and all; "" where there was none.
    bool wants(std::string_view content_type) const;
};

// "type/subtype" or "type/*", in lower case.
bool is_media_range(std::string_view text) noexcept;

}  // namespace sallyport::policy
