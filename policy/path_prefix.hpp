// The path prefixes that limit what a host may be sent (CONTRACT.md 5, `hosts`).
//
// A prefix is a template of leading segments: "/api/", "/{owner}/{repo}.git/". With a slash or `**`
// at the end it goes on: after a slash something must follow, be it nothing but the slash.
#pragma once

#include "policy/path_template.hpp"

#include <span>
#include <string_view>

namespace sallyport::policy {

class path_prefix {
public:
    // `fold`: compare without case. Throws std::invalid_argument as parse_template does, and for a
    // {+x}, which would make the prefix end nowhere.
    path_prefix(std::string_view text, bool fold);

    bool admits(std::span<const std::string_view> path) const noexcept;

private:
    bool admits(const template_segment& segment, std::string_view text) const noexcept;

    path_template segments_;
    bool goes_on_ = false;
    bool fold_;
};

}  // namespace sallyport::policy
