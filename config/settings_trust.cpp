// The sections that name keys: who manages the gate, what seals the vault, whose run tokens count.
#include <algorithm>

#include "config/settings_keys.hpp"
#include "config/settings_reader.hpp"
#include "config/settings_url.hpp"

namespace sallyport::config {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::milliseconds lease_min = 100ms;
constexpr std::chrono::milliseconds refresh_margin_min = 0ms;
constexpr std::chrono::milliseconds refresh_margin_max = 1h;
constexpr std::chrono::milliseconds refresh_timeout_min = 1s;
constexpr std::chrono::milliseconds refresh_timeout_max = 60s;
constexpr std::chrono::milliseconds authorization_ttl_min = 10s;
constexpr std::chrono::milliseconds authorization_ttl_max = 24h;
constexpr std::chrono::milliseconds expiry_warning_min = 1min;
constexpr std::chrono::milliseconds expiry_warning_max = 24h * 365;
constexpr std::chrono::milliseconds run_ttl_min = 1s;
constexpr std::chrono::milliseconds run_ttl_max = 8760h;

constexpr std::pair<std::string_view, control::role> role_choices[] = {
    {"admin", control::role::admin},
    {"platform", control::role::platform},
    {"auditor", control::role::auditor}};
constexpr std::pair<std::string_view, identity::algorithm> algorithm_choices[] = {
    {"ES256", identity::algorithm::es256},
    {"RS256", identity::algorithm::rs256},
    {"HS256", identity::algorithm::hs256}};

yaml_node with_key(yaml_node node, std::string_view key)
{
    node.key = key;
    return node;
}

}  // namespace

void settings_reader::read_control(const yaml_node& node)
{
    yaml_map map(file_, node);
    if (auto address = listeners_.read(value(map, node, "listen", "unix:control.sock"))) {
        into_.control.listen = std::move(*address);
    }
    yaml_node first = container_at(node, yaml_node::type::map);
    first.items.push_back(with_key(scalar_at(node, "admin"), "role"));
    first.items.push_back(with_key(scalar_at(node, "file:control.token"), "token"));
    const yaml_node& tokens = list(map, node, "tokens", std::move(first));
    if (file_.expect_list(tokens)) {
        for (const yaml_node& item : tokens.items) {
            read_token(item);
        }
    }
    read_page(map, "connect_page", into_.control.connect_page);
    read_return_urls(map);
    map.read("authorization_ttl", into_.control.authorization_lifetime, authorization_ttl_min,
             authorization_ttl_max);
    if (const yaml_node* const warning = map.find("expiry_warning"); warning != nullptr) {
        if (warning->is == yaml_node::type::scalar && warning->text.empty()) {
            into_.control.expiry_warning = 0ms;
        } else {
            map.read("expiry_warning", into_.control.expiry_warning, expiry_warning_min,
                     expiry_warning_max);
        }
    }
}

void settings_reader::read_return_urls(yaml_map& map)
{
    const yaml_node* urls = map.find("return_urls");
    if (urls == nullptr || !file_.expect_list(*urls)) {
        return;
    }
    for (const yaml_node& item : urls->items) {
        const auto text = file_.string(item);
        const std::string_view fault = text ? page_url_fault(*text) : "";
        if (!fault.empty()) {
            file_.report(item, std::string(fault));
        } else if (text) {
            into_.control.return_urls.push_back(*text);
        }
    }
}

void settings_reader::read_token(const yaml_node& node)
{
    yaml_map map(file_, node);
    control::token token;
    choose<control::role>(map.require("role"), role_choices, token.role);
    token.workspaces = read_workspaces(value(map, node, "workspaces", "*"), true);
    const yaml_node* where = map.require("token");
    auto found = where ? references_.read_secret(*where) : std::nullopt;
    if (!found) {
        return;
    }
    const std::string_view fault = control_token_fault(found->bytes());
    if (!fault.empty()) {
        file_.report(*where, std::string(fault));
        return;
    }
    token.value = found->take();
    for (const control::token& other : into_.control.tokens) {
        if (other.value == token.value) {
            file_.report(*where, "another entry has the same token: its role would be ambiguous");
            return;
        }
    }
    into_.control.tokens.push_back(std::move(token));
}

void settings_reader::read_vault(const yaml_node& node)
{
    yaml_map map(file_, node);
    const yaml_node& store = value(map, node, "store", into_.vault.store);
    const auto url = file_.string(store);
    constexpr std::string_view sqlite = "sqlite:";
    if (url && url->starts_with(sqlite) && url->size() > sqlite.size()) {
        into_.vault.store = std::string(sqlite) + references_.absolute(url->substr(sqlite.size()));
    } else if (url && !is_redis_url(*url)) {
        file_.report(store, "expected sqlite:PATH, redis://, rediss:// or redis+sentinel://");
    } else if (url) {
        const std::string_view fault = redis_url_fault(*url);
        if (!fault.empty()) {
            file_.report(store, std::string(fault));
        }
        into_.vault.store = *url;
    }

    const yaml_node& key = value(map, node, "master_key", into_.vault.master_key);
    if (const auto found = references_.read_secret(key)) {
        const std::string_view fault = master_key_fault(found->bytes());
        if (!fault.empty()) {
            file_.report(key, std::string(fault));
        }
        into_.vault.master_key = *references_.resolve(key);
    }
    if (const yaml_node* previous = map.find("previous_master_keys")) {
        read_previous_master_keys(*previous);
    }
    map.read("lease", into_.vault.lease, lease_min, lease_max);
    read_redis(section(map, node, "redis"));
}

void settings_reader::read_oauth(const yaml_node& node)
{
    yaml_map map(file_, node);
    vault::refresh_settings& refresh = into_.vault.refresh;
    map.read("refresh_margin", refresh.margin, refresh_margin_min, refresh_margin_max);
    map.read("refresh_timeout", refresh.timeout, refresh_timeout_min, refresh_timeout_max);
}

void settings_reader::read_previous_master_keys(const yaml_node& node)
{
    if (!file_.expect_list(node)) {
        return;
    }
    if (node.items.size() > vault::previous_master_keys_max) {
        file_.report(node, "names more than " + std::to_string(vault::previous_master_keys_max) +
                               " keys: drop those that wrap nothing any more");
    }
    for (const yaml_node& item : node.items) {
        const auto found = references_.read_secret(item);
        if (!found) {
            continue;
        }
        const std::string_view fault = master_key_fault(found->bytes());
        if (!fault.empty()) {
            file_.report(item, std::string(fault));
        }
        into_.vault.previous_master_keys.push_back(*references_.resolve(item));
    }
}

void settings_reader::read_run_tokens(const yaml_node& node)
{
    yaml_map map(file_, node);
    map.read("max_ttl", into_.run_tokens.max_ttl, run_ttl_min, run_ttl_max);
    yaml_node first = container_at(node, yaml_node::type::map);
    first.items.push_back(with_key(scalar_at(node, "sallyport"), "issuer"));
    first.items.push_back(with_key(scalar_at(node, "ES256"), "alg"));
    first.items.push_back(with_key(scalar_at(node, "file:run-token.key"), "key"));
    const yaml_node& issuers = list(map, node, "issuers", std::move(first));
    if (!file_.expect_list(issuers)) {
        return;
    }
    if (issuers.items.empty()) {
        file_.report(issuers, "names no issuer: no run token could be believed");
    }
    for (const yaml_node& item : issuers.items) {
        read_issuer(item);
        if (&item != &issuers.items.front() && item.is == yaml_node::type::map &&
            !item.find("workspaces")) {
            file_.report(item, "an issuer after the first must list its workspaces");
        }
    }
}

void settings_reader::read_issuer(const yaml_node& node)
{
    yaml_map map(file_, node);
    identity::issuer issuer;
    const yaml_node* name = map.require("issuer");
    if (name && map.read("issuer", issuer.name)) {
        const auto same = [&](const identity::issuer& other) { return other.name == issuer.name; };
        const auto& others = into_.run_tokens.issuers;
        if (issuer.name.empty()) {
            file_.report(*name, "an issuer needs a name");
        } else if (std::any_of(others.begin(), others.end(), same)) {
            file_.report(*name, "another issuer has this name already");
        }
    }
    const yaml_node* alg = map.require("alg");
    choose<identity::algorithm>(alg, algorithm_choices, issuer.alg);
    if (const yaml_node* workspaces = map.find("workspaces")) {
        issuer.workspaces = read_workspaces(*workspaces, false);
    }
    if (const yaml_node* key = map.require("key"); key && alg) {
        read_issuer_key(*key, issuer);
    }
    into_.run_tokens.issuers.push_back(std::move(issuer));
}

void settings_reader::read_issuer_key(const yaml_node& node, identity::issuer& issuer)
{
    auto found = references_.read(node);
    if (!found) {
        return;
    }
    const issuer_key_check check = check_issuer_key(issuer.alg, found->bytes());
    if (!check.fault.empty()) {
        file_.report(node, std::string(check.fault));
    }
    if (check.is_secret && found->exposed()) {
        references_.report_exposed(node);
    }
    issuer.key = found->take();
}

}  // namespace sallyport::config
