#include "policy/path_prefix.hpp"

#include "base/text.hpp"

#include <stdexcept>

namespace sallyport::policy {

path_prefix::path_prefix(std::string_view text, bool fold)
    : segments_(parse_template(text)), fold_(fold)
{
    const template_segment& last = segments_.back();
    const bool slash = last.kind == segment_kind::literal && last.texts[0].empty();
    if (slash || last.kind == segment_kind::rest) {
        goes_on_ = slash;
        segments_.pop_back();
    }
    for (template_segment& segment : segments_) {
        if (segment.kind == segment_kind::some || segment.kind == segment_kind::some_until) {
            throw std::invalid_argument("{+x} is not accepted in a path prefix");
        }
        for (std::string& literal : segment.texts) {
            literal = fold ? lower(literal) : literal;
        }
    }
}

bool path_prefix::admits(std::span<const std::string_view> path) const noexcept
{
    if (path.size() < segments_.size() + (goes_on_ ? 1 : 0)) {
        return false;
    }
    for (std::size_t i = 0; i < segments_.size(); ++i) {
        if (!admits(segments_[i], path[i])) {
            return false;
        }
    }
    return true;
}

bool path_prefix::admits(const template_segment& segment, std::string_view text) const noexcept
{
    switch (segment.kind) {
        case segment_kind::literal:
            return fold_ ? equal_ignoring_case(segment.texts[0], text) : segment.texts[0] == text;
        case segment_kind::partly_literal: return fits(segment.texts, text, fold_);
        default: return !text.empty();
    }
}

}  // namespace sallyport::policy
