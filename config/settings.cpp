#include "config/settings.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>
#include <utility>

#include "base/text.hpp"
#include "config/settings_keys.hpp"
#include "config/settings_reader.hpp"
#include "config/settings_url.hpp"

namespace sallyport::config {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

constexpr unsigned workers_max = 256;
constexpr std::uint64_t header_bytes_min = std::uint64_t{1} << 10;
constexpr std::uint64_t header_bytes_max = std::uint64_t{1} << 20;
constexpr int connections_max = 1'000'000;
constexpr std::chrono::milliseconds wait_min = 10ms;
constexpr std::chrono::milliseconds header_timeout_max = 10min;
constexpr std::chrono::milliseconds wait_max = 24h;
constexpr std::chrono::milliseconds drain_timeout_max = 1h;

constexpr std::pair<std::string_view, proxy::on_revoke> revoke_choices[] = {
    {"finish", proxy::on_revoke::finish}, {"cut", proxy::on_revoke::cut}};
constexpr std::pair<std::string_view, audit::durability> durability_choices[] = {
    {"write", audit::durability::write}, {"fsync", audit::durability::fsync}};

}  // namespace

yaml_node scalar_at(const yaml_node& parent, std::string_view text)
{
    yaml_node node;
    node.is = yaml_node::type::scalar;
    node.quoted = true;
    node.line = parent.line;
    node.column = parent.column;
    node.text = text;
    return node;
}

yaml_node container_at(const yaml_node& parent, yaml_node::type type)
{
    yaml_node node;
    node.is = type;
    node.line = parent.line;
    node.column = parent.column;
    return node;
}

const yaml_node& settings_reader::keep(yaml_node made)
{
    made_.push_back(std::make_unique<yaml_node>(std::move(made)));
    return *made_.back();
}

const yaml_node& settings_reader::section(yaml_map& map, const yaml_node& parent,
                                          std::string_view key)
{
    const yaml_node* found = map.find(key);
    return found ? *found : keep(container_at(parent, yaml_node::type::map));
}

const yaml_node& settings_reader::value(yaml_map& map, const yaml_node& parent,
                                        std::string_view key, std::string_view default_text)
{
    const yaml_node* found = map.find(key);
    return found ? *found : keep(scalar_at(parent, default_text));
}

const yaml_node& settings_reader::list(yaml_map& map, const yaml_node& parent, std::string_view key,
                                       yaml_node only)
{
    if (const yaml_node* found = map.find(key)) {
        return *found;
    }
    yaml_node made = container_at(parent, yaml_node::type::list);
    made.items.push_back(std::move(only));
    return keep(std::move(made));
}

void settings_reader::read_page(yaml_map& map, std::string_view key, std::string& target)
{
    const yaml_node* node = map.find(key);
    const auto text = node ? file_.string(*node) : std::nullopt;
    if (!text || text->empty()) {
        return;
    }
    const std::string_view fault = page_url_fault(*text);
    if (!fault.empty()) {
        file_.report(*node, std::string(fault));
        return;
    }
    target = *text;
}

std::vector<std::string> settings_reader::read_workspaces(const yaml_node& node, bool wildcard)
{
    std::vector<std::string> names;
    const auto add = [&](const yaml_node& item) {
        auto name = file_.string(item);
        if (name && !is_name(*name) && !(wildcard && *name == "*")) {
            file_.report(item, wildcard ? "expected a workspace's name or \"*\""
                                        : "expected a workspace's name");
        } else if (name) {
            names.push_back(std::move(*name));
        }
    };
    if (node.is != yaml_node::type::list) {
        add(node);
        return names;
    }
    if (node.items.empty()) {
        file_.report(node, "names no workspace");
    }
    for (const yaml_node& item : node.items) {
        add(item);
    }
    return names;
}

void settings_reader::read(const yaml_node& root)
{
    yaml_map top(file_, root);
    read_node_name(top);
    read_proxy(section(top, root, "proxy"));
    read_control(section(top, root, "control"));
    read_public(section(top, root, "public"));
    read_webhooks(section(top, root, "webhooks"));
    read_vault(section(top, root, "vault"));
    read_run_tokens(section(top, root, "run_tokens"));
    read_audit(section(top, root, "audit"));
    read_oauth(section(top, root, "oauth"));
    read_oauth_clients(section(top, root, "oauth_clients"));
    read_catalogue(list(top, root, "catalogue", scalar_at(root, "catalogue")));
    into_.proxy.connect_page = into_.control.connect_page;
}

void settings_reader::read_node_name(yaml_map& top)
{
    const yaml_node* node = top.find("node");
    if (top.read("node", into_.node) && !into_.node.empty() && !is_name(into_.node)) {
        file_.report(*node, "a node's name has 1 to 128 characters of A-Z a-z 0-9 . _ @ : + -");
    }
    if (into_.node.empty()) {
        std::array<char, name_bytes_max + 1> name{};
        const bool known = ::gethostname(name.data(), name.size() - 1) == 0;
        into_.node = known && is_name(name.data()) ? name.data() : "sallyport";
    }
}

void settings_reader::read_proxy(const yaml_node& node)
{
    yaml_map map(file_, node);
    const yaml_node& listen = list(map, node, "listen", scalar_at(node, "127.0.0.1:8080"));
    into_.proxy.listen = listeners_.read_list(listen);
    if (listen.is == yaml_node::type::list && listen.items.empty()) {
        file_.report(listen, "names no listener: runs could not call");
    }
    read_workers(map);
    choose<proxy::on_revoke>(map.find("on_revoke"), revoke_choices, into_.proxy.on_revoke);
    map.read("drain_timeout", into_.proxy.drain_timeout, 0ms, drain_timeout_max);
    read_limits(section(map, node, "limits"));
}

void settings_reader::read_workers(yaml_map& map)
{
    const yaml_node* node = map.find("workers");
    if (!node || (node->is == yaml_node::type::scalar && node->text == "auto")) {
        return;
    }
    unsigned count = 0;
    const char* end = node->text.data() + node->text.size();
    const auto [stop, error] = std::from_chars(node->text.data(), end, count);
    if (node->quoted || error != std::errc() || stop != end || count < 1 || count > workers_max) {
        file_.report(*node,
                     "must be auto or a whole number from 1 to " + std::to_string(workers_max));
        return;
    }
    into_.proxy.workers = count;
}

void settings_reader::read_limits(const yaml_node& node)
{
    yaml_map map(file_, node);
    proxy::limits& limits = into_.proxy.limits;
    map.read_size("header_bytes", limits.header_bytes, header_bytes_min, header_bytes_max);
    map.read("header_timeout", limits.header_timeout, wait_min, header_timeout_max);
    map.read("idle_timeout", limits.idle_timeout, wait_min, wait_max);
    map.read("upstream_timeout", limits.upstream_timeout, wait_min, wait_max);
    map.read("connections", limits.connections, 1, connections_max);
}

void settings_reader::read_public(const yaml_node& node)
{
    yaml_map map(file_, node);
    if (const yaml_node* listen = map.find("listen")) {
        into_.control.public_listen = listeners_.read_list(*listen);
    }
    read_page(map, "url", into_.control.public_url);
    while (into_.control.public_url.ends_with('/')) {
        into_.control.public_url.pop_back();
    }
}

void settings_reader::read_audit(const yaml_node& node)
{
    yaml_map map(file_, node);
    const yaml_node& directory = value(map, node, "directory", into_.audit.directory);
    if (const auto path = file_.string(directory)) {
        into_.audit.directory = references_.absolute(*path);
        std::error_code ignored;
        const fs::file_status status = fs::status(into_.audit.directory, ignored);
        if (path->empty()) {
            file_.report(directory, "the trail needs a directory");
        } else if (fs::exists(status) && !fs::is_directory(status)) {
            file_.report(directory, into_.audit.directory + " is not a directory");
        }
    }
    choose<audit::durability>(map.find("durability"), durability_choices, into_.audit.durability);
    if (map.read("stream", into_.audit.stream) && !into_.audit.stream.empty()) {
        const std::string_view fault = redis_url_fault(into_.audit.stream);
        if (!fault.empty()) {
            file_.report(*map.find("stream"), std::string(fault));
        }
    }
    read_keeping(map, node);
}

void settings_reader::read_oauth_clients(const yaml_node& node)
{
    if (!file_.expect_map(node)) {
        return;
    }
    for (const yaml_node& item : node.items) {
        yaml_map map(file_, item);
        oauth_client client;
        const yaml_node* id = map.require("client_id");
        if (id && map.read("client_id", client.client_id) && client.client_id.empty()) {
            file_.report(*id, "a client id is not empty");
        }
        // A public client, which has PKCE alone, has no secret.
        const yaml_node* secret = map.find("client_secret");
        if (auto found = secret ? references_.read_secret(*secret) : std::nullopt) {
            client.client_secret = found->take();
        }
        const yaml_node* key = map.find("private_key");
        if (auto found = key ? references_.read_secret(*key) : std::nullopt) {
            const std::string_view fault = private_key_fault(found->bytes());
            if (!fault.empty()) {
                file_.report(*key, std::string(fault));
            }
            client.private_key = found->take();
        }
        map.read("hosts", client.hosts);
        into_.oauth_clients.emplace(item.key, std::move(client));
    }
}

void settings_reader::read_catalogue(const yaml_node& node)
{
    const auto add = [&](const yaml_node& item) {
        const auto path = file_.string(item);
        if (!path) {
            return;
        }
        const std::string directory = references_.absolute(*path);
        std::error_code ignored;
        if (!fs::is_directory(directory, ignored)) {
            file_.report(item, directory + " is not a directory");
            return;
        }
        into_.catalogue.push_back(directory);
    };
    if (node.is != yaml_node::type::list) {
        add(node);
        return;
    }
    for (const yaml_node& item : node.items) {
        add(item);
    }
}

loaded_settings load_settings(const std::string& file)
{
    loaded_settings loaded;
    yaml_file reading(file, loaded.problems);
    if (reading.load()) {
        yaml_node root = reading.root();
        if (root.is == yaml_node::type::null) {
            // A file of comments alone: every key has its default.
            root.is = yaml_node::type::map;
        }
        root.line = std::max(root.line, 1);
        root.column = std::max(root.column, 1);
        std::error_code ignored;
        const fs::path base = fs::absolute(file, ignored).parent_path();
        settings_reader(reading, loaded.settings, base).read(root);
    }
    std::stable_sort(loaded.problems.begin(), loaded.problems.end(),
                     [](const problem& a, const problem& b) {
                         return std::pair(a.line, a.column) < std::pair(b.line, b.column);
                     });
    return loaded;
}

}  // namespace sallyport::config
