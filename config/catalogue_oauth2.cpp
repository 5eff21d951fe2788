#include "config/catalogue_file.hpp"

#include <algorithm>
#include <array>
#include <span>

namespace sallyport::config {
namespace {

using policy::oauth2_facts;

constexpr std::int64_t access_ttl_max_s = 10LL * 366 * 24 * 3600;

template <class T>
using words = std::span<const std::pair<std::string_view, T>>;

constexpr std::pair<std::string_view, oauth2_facts::pkce_support> pkce_words[] = {
    {"supported", oauth2_facts::pkce_support::supported},
    {"required", oauth2_facts::pkce_support::required},
    {"conditional", oauth2_facts::pkce_support::conditional},
    {"unsupported", oauth2_facts::pkce_support::unsupported},
    {"unknown", oauth2_facts::pkce_support::unknown}};
constexpr std::pair<std::string_view, oauth2_facts::client_auth> auth_words[] = {
    {"post", oauth2_facts::client_auth::post},
    {"basic", oauth2_facts::client_auth::basic},
    {"private_key_jwt", oauth2_facts::client_auth::private_key_jwt}};
constexpr std::pair<std::string_view, oauth2_facts::body_format> body_words[] = {
    {"form", oauth2_facts::body_format::form}, {"json", oauth2_facts::body_format::json}};
constexpr std::pair<std::string_view, oauth2_facts::revoke_style> revoke_words[] = {
    {"rfc7009", oauth2_facts::revoke_style::rfc7009},
    {"rfc7009-like", oauth2_facts::revoke_style::rfc7009_like},
    {"proprietary", oauth2_facts::revoke_style::proprietary},
    {"none", oauth2_facts::revoke_style::none},
    {"unknown", oauth2_facts::revoke_style::unknown}};
constexpr std::pair<std::string_view, oauth2_facts::rotation> rotation_words[] = {
    {"rotates", oauth2_facts::rotation::rotates},
    {"stable", oauth2_facts::rotation::stable},
    {"optional", oauth2_facts::rotation::by_client},
    {"none", oauth2_facts::rotation::none},
    {"unknown", oauth2_facts::rotation::unknown}};

constexpr std::pair<std::string_view, std::string_view> grant_words[] = {
    {"authorization_code", "authorization_code"},
    {"refresh_token", "refresh_token"},
    {"client_credentials", "client_credentials"},
    {"jwt_bearer", "jwt_bearer"},
    {"device_code", "device_code"},
    {"installation", "installation"}};

// One oauth2 block. Each function reads a group of its keys.
class oauth2_reader {
public:
    oauth2_reader(yaml_file& file, const policy::provider_facts& provider, bool plain_http,
                  oauth2_facts& into)
        : file_(file), provider_(provider), plain_http_(plain_http), into_(into)
    {
    }

    void read(const yaml_node& node)
    {
        yaml_map map(file_, node);
        read_endpoints(map);
        read_parameters(map);
        read_notes(map);
        choose(map.find("pkce"), words<oauth2_facts::pkce_support>(pkce_words), into_.pkce);
        choose(map.find("token_body"), words<oauth2_facts::body_format>(body_words),
               into_.token_body);
        if (const yaml_node* list = map.find("client_auth"); list && file_.expect_list(*list)) {
            into_.client_auths.assign(list->items.size(), {});
            for (std::size_t i = 0; i < list->items.size(); ++i) {
                choose(&list->items[i], words<oauth2_facts::client_auth>(auth_words),
                       into_.client_auths[i]);
            }
        }
        if (const yaml_node* revoke = map.find("revoke")) {
            read_revoke(*revoke);
        }
        if (const yaml_node* refresh = map.find("refresh")) {
            read_refresh(*refresh);
        }
        if (const yaml_node* variants = map.find("variants");
            variants && file_.expect_map(*variants)) {
            for (const yaml_node& item : variants->items) {
                read_variant(item);
            }
        }
    }

private:
    void read_endpoints(yaml_map& map)
    {
        read_url(map, "authorize_url", into_.authorize_url);
        read_url(map, "token_url", into_.token_url);
        map.require("token_url");
        read_url(map, "issuer", into_.issuer);
        read_url(map, "token_url_legacy", into_.token_url_legacy);
        read_url(map, "device_authorization_url", into_.device_authorization_url);
        read_request(map.find("exchange_url"), into_.exchange);
        read_request(map.find("refresh_url"), into_.refresh_request);
        read_request(map.find("introspect"), into_.introspect);
        read_grants(map);
        map.read("app_scope", into_.app_scope);
        read_url(map, "installation_url", into_.installation_url);
    }

    void read_grants(yaml_map& map)
    {
        const yaml_node* const list = map.find("grants");
        if (!list || !file_.expect_list(*list)) {
            return;
        }
        for (const yaml_node& item : list->items) {
            std::string grant;
            choose(&item, words<std::string_view>(grant_words), grant);
            into_.grants.push_back(std::move(grant));
        }
    }

    void read_parameters(yaml_map& map)
    {
        map.read("scope_separator", into_.scope_separator);
        read_texts(map, "scope_params", into_.scope_params);
        read_texts(map, "authorize_params", into_.authorize_params);
        read_texts(map, "authorize_options", into_.authorize_options);
        read_texts(map, "token_headers", into_.token_headers);
        read_texts(map, "token_params", into_.token_params);
        read_texts(map, "token_options", into_.token_options);
        read_texts(map, "param_names", into_.param_names);
        read_texts(map, "token_paths", into_.token_paths);
        map.read("response_vars", into_.response_vars);
        map.read("client_hosts", into_.client_hosts);
    }

    void read_notes(yaml_map& map)
    {
        map.read("authorize_note", into_.authorize_note);
        map.read("scope_note", into_.scope_note);
        map.read("pkce_note", into_.pkce_note);
        map.read("client_auth_note", into_.client_auth_note);
        map.read("token_body_note", into_.token_body_note);
        map.read("note", into_.note);
    }

    void read_revoke(const yaml_node& node)
    {
        yaml_map map(file_, node);
        choose(map.find("style"), words<oauth2_facts::revoke_style>(revoke_words),
               into_.revocation);
        read_members(map, into_.revoke);
        const bool has_endpoint = into_.revocation == oauth2_facts::revoke_style::rfc7009 ||
                                  into_.revocation == oauth2_facts::revoke_style::rfc7009_like ||
                                  into_.revocation == oauth2_facts::revoke_style::proprietary;
        if (has_endpoint) {
            map.require("url");
        }
    }

    void read_refresh(const yaml_node& node)
    {
        yaml_map map(file_, node);
        oauth2_facts::refreshing& refresh = into_.refresh;
        map.read("issued", refresh.issued);
        choose(map.find("rotation"), words<oauth2_facts::rotation>(rotation_words),
               refresh.rotation);
        map.read("rotation_note", refresh.rotation_note);
        std::int64_t seconds = 0;
        map.read("access_ttl_s", seconds, 0, access_ttl_max_s);
        refresh.access_ttl = std::chrono::seconds(seconds);
        map.read("access_ttl_note", refresh.access_ttl_note);
        map.read("refresh_ttl", refresh.refresh_ttl);
        map.read("note", refresh.note);
    }

    void read_variant(const yaml_node& node)
    {
        yaml_map map(file_, node);
        oauth2_facts::variant& made = into_.variants.emplace_back();
        made.name = node.key;
        read_url(map, "authorize_url", made.authorize_url);
        read_url(map, "token_url", made.token_url);
        read_url(map, "revoke_url", made.revoke_url);
    }

    void read_members(yaml_map& map, policy::oauth2_request& into)
    {
        map.read("method", into.method);
        read_url(map, "url", into.url);
        map.read("auth", into.auth);
        map.read("body", into.body);
        map.read("note", into.note);
    }

    // "METHOD URL", or a map that says more.
    void read_request(const yaml_node* node, policy::oauth2_request& into)
    {
        if (node && node->is == yaml_node::type::map) {
            yaml_map map(file_, *node);
            map.require("url");
            read_members(map, into);
            return;
        }
        const auto text = node ? file_.string(*node) : std::nullopt;
        if (!text) {
            return;
        }
        const std::size_t space = text->find(' ');
        into.method = space == std::string::npos ? "POST" : text->substr(0, space);
        into.url = text->substr(space == std::string::npos ? 0 : space + 1);
        check_url(*node, into.url);
    }

    void read_url(yaml_map& map, std::string_view key, std::string& into)
    {
        if (map.read(key, into)) {
            check_url(*map.find(key), into);
        }
    }

    void check_url(const yaml_node& node, std::string_view url)
    {
        if (!url.starts_with("https://") && !(plain_http_ && url.starts_with("http://"))) {
            file_.report(node, "expected an https:// URL");
        } else if (url.find_first_of(" \t") != std::string_view::npos) {
            file_.report(node, "a URL holds no spaces; remarks go into a note");
        }
        const bool paired = for_each_placeholder(url, [&](std::string_view name) {
            const bool is_given = name == "client_id" || name == "token" ||
                                  name == "installation_id" || has_variable(provider_, name);
            if (!is_given) {
                file_.report(node, "{" + std::string(name) + "} is no variable of this provider");
            }
        });
        if (!paired) {
            file_.report(node, "the braces do not pair");
        }
    }

    void read_texts(yaml_map& map, std::string_view key, policy::named_texts& into)
    {
        const yaml_node* node = map.find(key);
        if (node && file_.expect_map(*node)) {
            for (const yaml_node& item : node->items) {
                if (const auto value = file_.string(item)) {
                    into.emplace_back(item.key, *value);
                }
            }
        }
    }

    template <class T, class Into>
    void choose(const yaml_node* node, words<T> among, Into& into)
    {
        const auto text = node ? file_.string(*node) : std::nullopt;
        if (!text) {
            return;
        }
        std::string expected;
        for (const auto& [word, value] : among) {
            if (word == *text) {
                into = value;
                return;
            }
            expected += (expected.empty() ? "" : ", ") + std::string(word);
        }
        file_.report(*node, "expected one of " + expected);
    }

    yaml_file& file_;
    const policy::provider_facts& provider_;
    const bool plain_http_;
    oauth2_facts& into_;
};

}  // namespace

void read_oauth2(yaml_file& file, yaml_map& top, policy::provider_facts& facts)
{
    const yaml_node* node = top.find("oauth2");
    if (!node) {
        return;
    }
    bool plain_http = false;
    if (const yaml_node* allow = top.find("allow")) {
        plain_http = std::any_of(allow->items.begin(), allow->items.end(),
                                 [](const auto& item) { return item.text == "plain_http"; });
    }
    oauth2_reader(file, facts, plain_http, facts.oauth2.emplace()).read(*node);
}

}  // namespace sallyport::config
