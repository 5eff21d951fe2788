#include "policy/body_capture.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace sallyport::policy {

bool body_capture::wants(std::string_view content_type) const
{
    if (content_types.empty()) {
        return true;
    }
    const std::string type = lower(trim(content_type.substr(0, content_type.find(';'))));
    return std::any_of(content_types.begin(), content_types.end(), [&](std::string_view range) {
        if (range.ends_with("/*")) {
            range.remove_suffix(1);
            return type.starts_with(range);
        }
        return type == range;
    });
}

bool is_media_range(std::string_view text) noexcept
{
    const std::size_t slash = text.find('/');
    if (slash == std::string_view::npos) {
        return false;
    }
    const auto is_token = [](std::string_view part) {
        return !part.empty() && std::all_of(part.begin(), part.end(), [](char c) {
            return is_token_char(c) && c != '*' && c == to_lower(c);
        });
    };
    const std::string_view subtype = text.substr(slash + 1);
    return is_token(text.substr(0, slash)) && (subtype == "*" || is_token(subtype));
}

}  // namespace sallyport::policy
