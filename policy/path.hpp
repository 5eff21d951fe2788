// The one reading of a request's path, shared by policy and forwarding (CONTRACT.md "Paths", G7).
//
// The raw path is split at '/', each segment decoded once; rules match the decoded segments, and
// the raw bytes are what goes out. A path that could be read two ways is refused.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace sallyport::policy {

// What a provider's file may permit beyond the default.
struct path_allowances {
    bool empty_segments = false;  // `//` inside the path
    bool encoded_slash = false;   // `%2F` inside a segment
};

enum class path_fault : std::uint8_t {
    none,
    not_absolute,       // does not start with '/'
    bad_byte,           // a byte that no path may hold (control, space, '#', '?', beyond ASCII)
    bad_escape,         // '%' without two hexadecimal digits
    control_character,  // decodes to a control character
    backslash,          // '\' as such or decoded
    dot_segment,        // '.' or '..', also before ';'
    double_encoding,    // %25 followed by 2e, 2f or 5c
    empty_segment,
    encoded_slash,
    too_many_segments,
};

// A sentence for a problem's `detail`. Never holds caller bytes.
std::string_view describe(path_fault fault) noexcept;

constexpr std::size_t path_segments_max = 128;

// Reusable: keeps its memory between calls of parse, so a warm call does not allocate.
class request_path {
public:
    // `raw` is the path without query; it must outlive this object's use. On a fault the segments
    // are empty. "/a/b/" has the segments "a", "b" and "" (a trailing slash is told apart).
    path_fault parse(std::string_view raw, path_allowances allowances);

    std::string_view raw() const noexcept { return raw_; }
    std::span<const std::string_view> segments() const noexcept
    {
        return {segments_.data(), count_};
    }

private:
    std::string_view raw_;
    std::array<std::string_view, path_segments_max> segments_;
    std::size_t count_ = 0;
    std::string decoded_;  // Backs the segments that held escapes.
};

}  // namespace sallyport::policy
