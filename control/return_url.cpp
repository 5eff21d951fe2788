#include "control/return_url.hpp"

#include <boost/url/params_ref.hpp>
#include <boost/url/parse.hpp>
#include <boost/url/url.hpp>
#include <boost/url/url_view.hpp>
#include <algorithm>
#include <array>

#include "base/text.hpp"

namespace sallyport::control {

namespace urls = boost::urls;

namespace {

constexpr std::array added_names = {std::string_view("ticket"), std::string_view("connection_id"),
                                    std::string_view("error")};

std::string_view port_of(const urls::url_view& url)
{
    if (url.has_port() && !url.port().empty()) {
        return url.port();
    }
    return url.scheme_id() == urls::scheme::https ? "443" : "80";
}

bool is_same_origin(const urls::url_view& a, const urls::url_view& b)
{
    return a.scheme_id() == b.scheme_id() && port_of(a) == port_of(b) &&
           equal_ignoring_case(a.encoded_host(), b.encoded_host());
}

// The path that both spellings of an empty one have.
std::string_view path_of(const urls::url_view& url)
{
    const std::string_view path = url.encoded_path();
    return path.empty() ? "/" : path;
}

bool is_below(std::string_view path, std::string_view parent)
{
    return path.starts_with(parent) &&
           (path.size() == parent.size() || parent.ends_with('/') || path[parent.size()] == '/');
}

// Another reader might take such a path for one that stands elsewhere.
bool has_second_reading(std::string_view path)
{
    const std::string small = lower(path);
    for (const std::string_view sign : {"%2f", "%5c", "%2e", "//", "/./", "/../"}) {
        if (small.find(sign) != std::string::npos) {
            return true;
        }
    }
    return small.ends_with("/.") || small.ends_with("/..");
}

bool names_our_parameters(const urls::url_view& url)
{
    const auto parameters = url.params();
    return std::any_of(added_names.begin(), added_names.end(),
                       [&](std::string_view name) { return parameters.contains(name); });
}

}  // namespace

std::string_view return_url_fault(std::string_view entry)
{
    const auto url = urls::parse_uri(entry);
    const bool is_web =
        url && (url->scheme_id() == urls::scheme::https || url->scheme_id() == urls::scheme::http);
    if (!is_web || entry.size() > return_url_bytes_max || url->encoded_host().empty()) {
        return "must be an http(s) URL";
    }
    if (url->has_userinfo() || url->has_fragment()) {
        return "must have neither a user nor a fragment";
    }
    return has_second_reading(url->encoded_path()) ? "has a path that can be read in two ways" : "";
}

bool is_return_url_allowed(const std::vector<std::string>& entries, std::string_view url)
{
    if (!return_url_fault(url).empty()) {
        return false;
    }
    const urls::url_view asked = *urls::parse_uri(url);
    if (names_our_parameters(asked)) {
        return false;
    }
    return std::any_of(entries.begin(), entries.end(), [&](const std::string& entry) {
        const auto allowed = urls::parse_uri(entry);
        if (!allowed || !is_same_origin(*allowed, asked)) {
            return false;
        }
        if (allowed->has_query()) {
            return path_of(*allowed) == path_of(asked) && asked.has_query() &&
                   std::string_view(allowed->encoded_query()) == asked.encoded_query();
        }
        return is_below(path_of(asked), path_of(*allowed));
    });
}

std::string with_parameters(std::string_view url,
                            const std::vector<std::pair<std::string, std::string>>& added)
{
    urls::url whole(url);
    auto parameters = whole.params();
    for (const auto& [name, value] : added) {
        parameters.append({name, value});
    }
    return std::string(whole.buffer());
}

}  // namespace sallyport::control
