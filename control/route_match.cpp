#include "control/route_match.hpp"

#include <boost/url/decode_view.hpp>
#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

namespace sallyport::control {

namespace urls = boost::urls;

namespace {

// '+' stays '+': it is a letter of names (CONTRACT.md 1), and no name holds a space.
std::string decoded(urls::pct_string_view text)
{
    urls::encoding_opts options;
    options.space_as_plus = false;
    std::string plain;
    const urls::decode_view view(text, options);
    plain.assign(view.begin(), view.end());
    return plain;
}

// True if the segments fit the route's path; `named` then holds what its {x} stood for.
bool fits(std::string_view path, const std::vector<std::string>& segments,
          std::vector<std::string>& named)
{
    named.clear();
    for (const std::string& segment : segments) {
        if (path.empty()) {
            return false;
        }
        path.remove_prefix(1);  // the slash
        const std::string_view expected = path.substr(0, path.find('/'));
        path.remove_prefix(expected.size());
        if (expected.starts_with('{')) {
            if (segment.empty()) {
                return false;
            }
            named.push_back(segment);
        } else if (segment != expected) {
            return false;
        }
    }
    return path.empty();
}

}  // namespace

std::optional<target_parts> parse_target(std::string_view target)
{
    const auto url = urls::parse_origin_form(target);
    if (!url) {
        return std::nullopt;
    }
    target_parts parts;
    for (const auto segment : url->encoded_segments()) {
        parts.segments.push_back(decoded(segment));
    }
    for (const auto& parameter : url->encoded_params()) {
        std::string name = decoded(parameter.key);
        for (const auto& [known, value] : parts.queries) {
            if (known == name) {
                return std::nullopt;
            }
        }
        parts.queries.emplace_back(std::move(name), decoded(parameter.value));
    }
    return parts;
}

route_match find_route(std::span<const route> table, std::string_view method,
                       const std::vector<std::string>& segments, bool from_outside)
{
    route_match result;
    std::vector<std::string> named;
    std::size_t fewest = segments.size() + 1;  // {x} of a route that fits
    for (const route& one : table) {
        const bool is_outside = (one.roles & may_call::outside) != 0;
        if (is_outside != from_outside || !fits(one.path, segments, named)) {
            continue;
        }
        if (named.size() > fewest) {
            continue;
        }
        if (named.size() < fewest) {  // What a route says in so many words goes before any {x}.
            fewest = named.size();
            result = {};
        }
        result.allow += (result.allow.empty() ? "" : ", ") + std::string(one.method);
        if (one.method == method) {
            result.found = &one;
            result.named = named;
        }
    }
    return result;
}

answer wrong_method(std::string allow)
{
    answer refusal = problem(405, "method_not_allowed", "This path does not have that method.");
    refusal.fields.emplace_back("Allow", std::move(allow));
    return refusal;
}

}  // namespace sallyport::control
