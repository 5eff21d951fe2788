// The one reading of a request's path, shared by policy and forwarding (CONTRACT.md "Paths", G7).
//
// The raw path is split at '/', each segment decoded once; rules match the decoded segments, and
// the raw bytes are what goes out. A path that could be read two ways is refused.
//
// Some servers cut `;parameters` off a segment before they look at it (RFC 3986, 3.3). Such paths
// are accepted where both readings come to the same: `..;x` is a dot segment, `;x` an empty one,
// and provider::decide() wants one rule for the path with and without its parameters.
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
    bad_escape,         // '%' without two hexadecimal digits, or an overlong form of UTF-8
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

// Reusable: keeps its memory between calls of parse, so a warm call does not allocate. Does not
// move, because the segments may point into the object itself. Not thread-safe.
class request_path {
public:
    request_path() = default;
    request_path(const request_path&) = delete;
    request_path& operator=(const request_path&) = delete;

    // `raw` is the path without query; it must outlive this object's use. On a fault the segments
    // are empty. "/a/b/" has the segments "a", "b" and "" (a trailing slash is told apart), "/" has
    // the one segment "".
    path_fault parse(std::string_view raw, path_allowances allowances);

    std::string_view raw() const noexcept { return raw_; }
    std::span<const std::string_view> segments() const noexcept
    {
        return {segments_.data(), count_};
    }

    // Whether some segment holds a ';'.
    bool has_parameters() const noexcept { return has_parameters_; }

private:
    path_fault add(std::string_view raw_segment, bool last, path_allowances allowances);

    std::string_view raw_;
    std::array<std::string_view, path_segments_max> segments_;
    std::size_t count_ = 0;
    bool has_parameters_ = false;
    std::string decoded_;  // Backs the segments that held escapes. Never grows within a parse.
};

}  // namespace sallyport::policy
