// Events that are sent to others, and those that providers send to us.
#include <algorithm>
#include <array>
#include <filesystem>

#include "base/encoding.hpp"
#include "config/settings_reader.hpp"
#include "config/settings_url.hpp"

namespace sallyport::config {
namespace {

constexpr std::size_t targets_max = 16;
constexpr std::size_t secret_bytes_min = 16;
constexpr std::string_view encoded_prefix = "whsec_";  // Standard Webhooks

constexpr std::array<std::string_view, 9> event_names = {
    "connection.added",           "connection.updated",  "connection.authorized",
    "connection.refreshed",       "connection.revoked",  "connection.removed",
    "connection.reauth_required", "connection.expiring", "connection.tested"};

}  // namespace

void settings_reader::read_webhooks(const yaml_node& node)
{
    yaml_map map(file_, node);
    control::webhook_settings& into = into_.control.webhooks;
    if (const yaml_node* targets = map.find("deliver"); targets && file_.expect_list(*targets)) {
        if (targets->items.size() > targets_max) {
            file_.report(*targets, "at most " + std::to_string(targets_max) + " receivers");
        }
        for (const yaml_node& item : targets->items) {
            read_webhook_target(item);
        }
    }
    if (const yaml_node* secrets = map.find("accept")) {
        read_webhook_secrets(*secrets);
    }
    if (map.read("stream", into.stream) && !into.stream.empty()) {
        const std::string_view fault = redis_url_fault(into.stream);
        if (!fault.empty()) {
            file_.report(*map.find("stream"), std::string(fault));
        }
    }
    if (!into.accept.empty() && into.stream.empty()) {
        file_.report(*map.find("accept"),
                     "events need somewhere to go: set webhooks.stream to a redis:// URL");
    }
}

void settings_reader::read_webhook_target(const yaml_node& node)
{
    yaml_map map(file_, node);
    control::webhook_target made;
    std::vector<std::string> allowed;
    if (map.read("allow", allowed)) {
        for (const std::string& word : allowed) {
            made.plain_http = made.plain_http || word == "plain_http";
            made.private_addresses = made.private_addresses || word == "private_addresses";
            if (word != "plain_http" && word != "private_addresses") {
                file_.report(*map.find("allow"), "expected plain_http or private_addresses");
            }
        }
    }
    const yaml_node* url = map.require("url");
    if (map.read("url", made.url) && !made.url.starts_with("https://") &&
        !(made.plain_http && made.url.starts_with("http://"))) {
        file_.report(*url, "expected an https:// URL");
    }
    made.workspaces = read_workspaces(value(map, node, "workspaces", "*"), true);
    if (map.read("events", made.events)) {
        for (const std::string& name : made.events) {
            if (std::find(event_names.begin(), event_names.end(), name) == event_names.end()) {
                file_.report(*map.find("events"), "there is no event " + name);
            }
        }
    }
    if (map.read("tls_ca", made.tls_ca) && !made.tls_ca.empty()) {
        made.tls_ca = references_.absolute(made.tls_ca);
        [[maybe_unused]] const auto readable =
            references_.read_file(*map.find("tls_ca"), made.tls_ca);
    }
    const yaml_node* secret = map.require("secret");
    auto found = secret ? references_.read_secret(*secret) : std::nullopt;
    if (found) {
        made.secret = found->take();
        if (made.secret.starts_with(encoded_prefix)) {
            const std::string_view text =
                std::string_view(made.secret).substr(encoded_prefix.size());
            made.secret = from_base64(text).value_or("");
        }
        if (made.secret.size() < secret_bytes_min) {
            file_.report(*secret, "expected at least " + std::to_string(secret_bytes_min) +
                                      " bytes, or whsec_ and their base 64");
        }
    }
    into_.control.webhooks.deliver.push_back(std::move(made));
}

void settings_reader::read_webhook_secrets(const yaml_node& node)
{
    if (!file_.expect_map(node)) {
        return;
    }
    for (const yaml_node& item : node.items) {
        if (auto found = references_.read_secret(item)) {
            into_.control.webhooks.accept.emplace(item.key, found->take());
        }
    }
}

}  // namespace sallyport::config
