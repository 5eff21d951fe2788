#include "oauth/scopes.hpp"

#include <algorithm>

#include "oauth/error.hpp"

namespace sallyport::oauth {

namespace {

// RFC 6749, 3.3, and no comma, which half of the providers separate by.
bool is_scope(std::string_view text)
{
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        return c > ' ' && c <= '~' && c != '"' && c != '\\' && c != ',';
    });
}

}  // namespace

result<wiped_string> join_scopes(const policy::oauth2_facts& facts,
                                 const std::vector<std::string>& scopes)
{
    wiped_string out;
    if (facts.scope_separator.empty()) {
        return out;
    }
    for (const std::string& scope : scopes) {
        if (scope == "*") {
            continue;
        }
        if (!is_scope(scope) || scopes.size() > scopes_max) {
            return error_code(errc::unsendable);
        }
        if (!out.empty()) {
            out += facts.scope_separator;
        }
        out += scope;
    }
    if (out.size() > scopes_bytes_max) {
        return error_code(errc::unsendable);
    }
    return out;
}

std::string scope_parameter(const policy::oauth2_facts& facts, std::string_view variant)
{
    for (const auto& [name, holds] : facts.scope_params) {
        if (!variant.empty() && holds.starts_with(variant) &&
            std::string_view(holds).substr(variant.size()).starts_with(' ')) {
            return name;
        }
    }
    return "scope";
}

std::vector<std::string> split_scopes(std::string_view text)
{
    std::vector<std::string> out;
    while (!text.empty() && out.size() < scopes_max) {
        const std::size_t end = std::min(text.find_first_of(" ,"), text.size());
        const std::string_view one = text.substr(0, end);
        if (is_scope(one)) {
            out.emplace_back(one);
        }
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    std::sort(out.begin(), out.end());
    out.erase(std::unique(out.begin(), out.end()), out.end());
    return out;
}

}  // namespace sallyport::oauth
