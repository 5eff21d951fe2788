#include "oauth/client.hpp"

#include <algorithm>
#include <utility>

#include "base/text.hpp"
#include "oauth/error.hpp"
#include "oauth/url.hpp"

namespace sallyport::oauth {

namespace {

bool can_prove(const client& one, client_auth way)
{
    return way == client_auth::private_key_jwt ? !one.private_key.empty() : !one.secret.empty();
}

std::vector<std::string_view> urls_of(const policy::oauth2_facts& facts)
{
    std::vector<std::string_view> urls = {
        facts.authorize_url, facts.token_url,  facts.device_authorization_url,
        facts.exchange.url,  facts.revoke.url, facts.refresh_request.url,
    };
    for (const policy::oauth2_facts::variant& one : facts.variants) {
        urls.insert(urls.end(), {one.authorize_url, one.token_url, one.revoke_url});
    }
    return urls;
}

// "https://{shop}.myshopify.com" of a longer URL.
std::string_view origin_of(std::string_view url)
{
    const std::size_t scheme = url.find("://");
    const std::size_t authority = scheme == url.npos ? 0 : scheme + 3;
    return url.substr(0, std::min(url.find_first_of("/?", authority), url.size()));
}

// Whatever the variable is, the file says whose domain it is in.
bool is_fixed(std::string_view origin)
{
    const std::size_t brace = origin.rfind('}');
    const std::string_view rest = brace == origin.npos ? "" : origin.substr(brace + 1);
    return brace == origin.npos ||
           (rest.starts_with('.') && rest.find('.', 1) != rest.npos && !rest.ends_with('.'));
}

bool is_listed(const std::vector<std::string>& hosts, std::string_view host)
{
    return std::any_of(hosts.begin(), hosts.end(), [&](const std::string& one) {
        return one.starts_with('.')
                   ? host.size() > one.size() &&
                         equal_ignoring_case(host.substr(host.size() - one.size()), one)
                   : equal_ignoring_case(host, one);
    });
}

bool is_at_home(const policy::provider_facts& provider, const vault::connection& record,
                const client& configured)
{
    const vault::connection usual;
    for (const std::string_view url : urls_of(*provider.oauth2)) {
        const std::string_view origin = origin_of(url);
        if (is_fixed(origin)) {
            continue;
        }
        const result<wiped_string> here = fill_url(origin, provider, record);
        const result<wiped_string> there = fill_url(origin, provider, usual);
        if (!here || (there && *here == *there)) {
            continue;  // Nothing is sent to what cannot be filled in.
        }
        std::string_view host = *here;
        const std::size_t scheme = host.find("://");
        host.remove_prefix(scheme == host.npos ? 0 : scheme + 3);
        if (!is_listed(provider.oauth2->client_hosts, host) && !is_listed(configured.hosts, host)) {
            return false;
        }
    }
    return true;
}

}  // namespace

void clients::add(std::string provider, client one)
{
    by_provider_.insert_or_assign(std::move(provider), std::move(one));
}

const client* clients::find(std::string_view provider) const noexcept
{
    const auto found = by_provider_.find(provider);
    return found != by_provider_.end() ? &found->second : nullptr;
}

result<client> choose_client(const policy::provider_facts& provider,
                             const vault::connection& record, const client* configured,
                             const vault::credential& fields)
{
    if (!provider.oauth2) {
        return error_code(errc::no_oauth2);
    }
    client chosen;
    if (const std::string_view own = find_field(fields, "client_id"); !own.empty()) {
        chosen.id = own;
        chosen.secret = vault::secret(find_field(fields, "client_secret"));
        chosen.private_key = vault::secret(find_field(fields, "private_key"));
    } else if (configured != nullptr) {
        if (!is_at_home(provider, record, *configured)) {
            return error_code(errc::client_elsewhere);
        }
        chosen.id = configured->id;
        chosen.secret = vault::secret(configured->secret.reveal());
        chosen.private_key = vault::secret(configured->private_key.reveal());
    } else {
        return error_code(errc::no_client);
    }
    const std::vector<client_auth>& ways = provider.oauth2->client_auths;
    const auto way = std::find_if(ways.begin(), ways.end(), [&](client_auth candidate) {
        return can_prove(chosen, candidate);
    });
    // A public client is named in the body (RFC 6749, 3.2.1).
    chosen.auth = way != ways.end() ? *way : client_auth::post;
    return chosen;
}

std::string_view find_field(const vault::credential& fields, std::string_view name) noexcept
{
    for (const vault::credential_field& field : fields) {
        if (field.name == name) {
            return field.value.reveal();
        }
    }
    return {};
}

}  // namespace sallyport::oauth
