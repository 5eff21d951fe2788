#include "proxy/reference.hpp"

#include <boost/url.hpp>
#include <algorithm>

#include "base/text.hpp"
#include "proxy/injection.hpp"

namespace sallyport::proxy {

namespace {

namespace urls = boost::urls;

// A reference without its authority, escapes as they came.
struct resource {
    std::string path;
    bool has_query = false;
    std::string_view query;
};

const upstream* upstream_of(const urls::url_view& url, const answer_context& context)
{
    const bool https = url.has_scheme() ? url.scheme_id() == urls::scheme::https
                                        : context.upstream->to.tls != nullptr;
    if (url.has_scheme() && !https && url.scheme_id() != urls::scheme::http) {
        return nullptr;
    }
    const unsigned port = url.has_port() ? url.port_number() : (https ? 443u : 80u);
    std::string host = lower(std::string_view(url.host()));
    if (host.starts_with('[')) {
        host = host.substr(1, host.size() - 2);
    }
    for (const upstream& candidate : context.plan->upstreams) {
        if (candidate.to.host == host && candidate.to.port == port &&
            (candidate.to.tls != nullptr) == https) {
            return &candidate;
        }
    }
    return nullptr;
}

void drop_last_segment(std::string& path)
{
    const std::size_t slash = path.rfind('/');
    path.resize(slash == std::string::npos ? 0 : slash);
}

// RFC 3986, 5.2.4, for a path that begins with '/'.
std::string without_dots(std::string_view path)
{
    std::string out;
    while (!path.empty()) {
        const std::size_t end = std::min(path.find('/', 1), path.size());
        const std::string_view segment = path.substr(0, end);
        path.remove_prefix(end);
        const bool up = segment == "/..";
        if (up) {
            drop_last_segment(out);
        }
        if (!up && segment != "/.") {
            out += segment;
        } else if (path.empty()) {
            out += '/';
        }
    }
    return out.empty() ? "/" : out;
}

resource resolve(const urls::url_view& reference, const admitted& base)
{
    const std::string_view path(reference.encoded_path().data(), reference.encoded_path().size());
    resource out;
    out.has_query = reference.has_query();
    out.query = {reference.encoded_query().data(), reference.encoded_query().size()};
    if (reference.has_authority() || path.starts_with('/')) {
        out.path = without_dots(path);
    } else if (path.empty()) {
        out.path = base.path;
        if (!out.has_query) {
            out.has_query = base.has_query;
            out.query = base.query;
        }
    } else {
        const std::string_view before = base.path.substr(0, base.path.rfind('/') + 1);
        out.path = without_dots(std::string(before).append(path));
    }
    return out;
}

std::string gate_url(const resource& to, const upstream& target, const answer_context& context)
{
    const provider_plan& provider = *context.plan->provider;
    std::string out;
    if (!context.request->authority.empty()) {  // HTTP/1.0 need not name a host.
        out += context.gate_scheme;
        out += "://";
        out += context.request->authority;
    }
    out += '/';
    out += provider.provider->facts().id;
    if (&target != &context.plan->upstreams.front()) {
        out += '@';
        out += target.authority;
    }
    out += to.path;
    if (to.has_query) {
        std::string query;
        std::vector<std::string_view> removed;
        append_query(query, to.query, provider.removed_query, removed);
        if (!query.empty() || to.query.empty()) {
            out += '?';
            out += query;
        }
    }
    return out;
}

// The reference without what was injected into the path. In the forward way it stays a URL of the
// provider's and loses credential parameters as well.
std::string masked(std::string_view reference, bool is_provider, const answer_context& context)
{
    const std::size_t slashes = reference.find("//");
    const std::size_t scheme_end = reference.find_first_of("/?#");
    const bool has_authority = slashes != std::string_view::npos && slashes == scheme_end;
    const std::size_t begin =
        has_authority ? std::min(reference.find_first_of("/?#", slashes + 2), reference.size()) : 0;
    const std::size_t end = std::min(reference.find_first_of("?#", begin), reference.size());
    std::string out(reference.substr(0, begin));
    if (end > begin) {
        out += without_injected(reference.substr(begin, end - begin), *context.plan->injections);
    }
    std::string_view rest = reference.substr(end);
    if (is_provider && rest.starts_with('?')) {
        const std::size_t hash = std::min(rest.find('#'), rest.size());
        std::string query;
        std::vector<std::string_view> removed;
        append_query(query, rest.substr(1, hash - 1), context.plan->provider->removed_query,
                     removed);
        out += query.empty() ? "" : "?" + query;
        rest.remove_prefix(hash);
    }
    out += rest;
    return out;
}

}  // namespace

std::string rewrite_reference(std::string_view reference, const answer_context& context)
{
    const auto parsed = urls::parse_uri_reference(reference);
    if (!parsed || (parsed->has_scheme() && !parsed->has_authority())) {
        return masked(reference, false, context);
    }
    const upstream* const target =
        parsed->has_authority() ? upstream_of(*parsed, context) : context.upstream;
    if (target == nullptr || context.request->way != way::reverse) {
        return masked(reference, target != nullptr, context);
    }
    resource to = resolve(*parsed, *context.request);
    to.path = without_injected(to.path, *context.plan->injections);
    std::string out = gate_url(to, *target, context);
    if (parsed->has_fragment()) {
        out += '#';
        out.append(parsed->encoded_fragment().data(), parsed->encoded_fragment().size());
    }
    return out;
}

std::string rewrite_link(std::string_view value, const answer_context& context)
{
    std::string out;
    bool quoted = false;
    for (std::size_t i = 0; i < value.size(); ++i) {
        const char c = value[i];
        out += c;
        if (quoted && c == '\\' && i + 1 < value.size()) {
            out += value[++i];
        } else if (c == '"') {
            quoted = !quoted;
        } else if (!quoted && c == '<') {
            const std::size_t close = std::min(value.find('>', i), value.size());
            const std::string_view reference = value.substr(i + 1, close - i - 1);
            out += close == value.size() ? std::string(reference)
                                         : rewrite_reference(reference, context);
            i = close - 1;
        }
    }
    return out;
}

}  // namespace sallyport::proxy
