#include "policy/path_template.hpp"

#include "base/text.hpp"
#include "policy/path.hpp"

#include <stdexcept>

namespace sallyport::policy {
namespace {

bool is_placeholder_name(std::string_view name) noexcept
{
    for (const char c : name) {
        const bool allowed = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
                             (c >= 'A' && c <= 'Z') || c == '_' || c == '-' || c == '.' ||
                             c == '$' || c == '@';
        if (!allowed) {
            return false;
        }
    }
    return !name.empty();
}

template_segment parse_segment(std::string_view text)
{
    template_segment segment;
    if (text == "**") {
        segment.kind = segment_kind::rest;
        return segment;
    }
    segment.texts.emplace_back();
    bool several = false;
    while (!text.empty()) {
        const char c = text.front();
        if (c == '}' || c == '*') {
            throw std::invalid_argument("a '}' or '*' stands alone in the template");
        }
        if (c != '{') {
            if (c == '?' || c == '#' || c == '\\' || c <= ' ' || c == 0x7f) {
                throw std::invalid_argument("the template holds a character that no path may hold");
            }
            segment.texts.back().push_back(c);
            text.remove_prefix(1);
            continue;
        }
        const std::size_t close = text.find('}');
        if (close == std::string_view::npos) {
            throw std::invalid_argument("a '{' of the template is not closed");
        }
        std::string_view name = text.substr(1, close - 1);
        several |= name.starts_with('+');
        if (!is_placeholder_name(name.substr(name.starts_with('+') ? 1 : 0))) {
            throw std::invalid_argument("a placeholder of the template has no proper name");
        }
        segment.texts.emplace_back();
        text.remove_prefix(close + 1);
    }
    const bool bare =
        segment.texts.size() == 2 && segment.texts[0].empty() && segment.texts[1].empty();
    if (several && (segment.texts.size() != 2 || !segment.texts[0].empty())) {
        throw std::invalid_argument("{+x} must begin its segment, and be its only placeholder");
    }
    if (several && !bare) {
        segment.kind = segment_kind::some_until;
        segment.texts.erase(segment.texts.begin());
    } else if (bare) {
        segment.kind = several ? segment_kind::some : segment_kind::one;
        segment.texts.clear();
    } else if (segment.texts.size() > 1) {
        segment.kind = segment_kind::partly_literal;
    }
    return segment;
}

// Where `needle`, in lower case if `fold`, first stands in `text` from `from` on.
std::size_t find_text(std::string_view text, std::string_view needle, std::size_t from,
                      bool fold) noexcept
{
    for (std::size_t at = from; at + needle.size() <= text.size(); ++at) {
        const std::string_view here = text.substr(at, needle.size());
        if (fold ? equal_ignoring_case(here, needle) : here == needle) {
            return at;
        }
    }
    return std::string_view::npos;
}

}  // namespace

path_template parse_template(std::string_view text)
{
    if (!text.starts_with('/')) {
        throw std::invalid_argument("the template does not start with a slash");
    }
    path_template result;
    text.remove_prefix(1);
    for (;;) {
        const std::size_t slash = text.find('/');
        result.push_back(parse_segment(text.substr(0, slash)));
        const template_segment& segment = result.back();
        const bool last = slash == std::string_view::npos;
        if (segment.kind == segment_kind::rest && !last) {
            throw std::invalid_argument("** must be the last segment");
        }
        if (segment.kind == segment_kind::literal &&
            (segment.texts[0] == "." || segment.texts[0] == "..")) {
            throw std::invalid_argument("the template holds a dot segment");
        }
        if (result.size() > path_segments_max) {
            throw std::invalid_argument("the template has too many segments");
        }
        if (last) {
            return result;
        }
        text.remove_prefix(slash + 1);
    }
}

bool fits(const std::vector<std::string>& texts, std::string_view segment, bool fold) noexcept
{
    const std::string& first = texts.front();
    const std::string& last = texts.back();
    if (segment.size() < first.size() + last.size() + 1 ||
        find_text(segment.substr(0, first.size()), first, 0, fold) != 0 ||
        find_text(segment.substr(segment.size() - last.size()), last, 0, fold) != 0) {
        return false;
    }
    // The leftmost place of each text leaves the most for those after it.
    const std::string_view middle =
        segment.substr(first.size(), segment.size() - first.size() - last.size());
    std::size_t taken = 0;
    for (std::size_t i = 1; i + 1 < texts.size(); ++i) {
        const std::size_t at = find_text(middle, texts[i], taken + 1, fold);
        if (at == std::string_view::npos) {
            return false;
        }
        taken = at + texts[i].size();
    }
    return middle.size() > taken;
}

bool fits_end(std::string_view text, std::string_view segment, bool fold) noexcept
{
    if (segment.size() <= text.size()) {
        return false;
    }
    const std::string_view end = segment.substr(segment.size() - text.size());
    return fold ? equal_ignoring_case(end, text) : end == text;
}

}  // namespace sallyport::policy
