// Reads a configuration section by section: the class behind load_settings. Private to it.
#pragma once

#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/reference.hpp"
#include "config/settings.hpp"
#include "config/settings_listen.hpp"
#include "config/yaml.hpp"

namespace sallyport::config {

template <class T>
using choices = std::span<const std::pair<std::string_view, T>>;

// One section of the file after the other. A key that is absent is read as if its default were
// written where its section begins, so that defaults are resolved and checked in the same way and
// what is wrong with them has a position, too.
class settings_reader {
public:
    settings_reader(yaml_file& file, settings& into, std::filesystem::path base)
        : file_(file),
          into_(into),
          references_(file, std::move(base)),
          listeners_(file, references_)
    {
    }

    void read(const yaml_node& root);

private:
    void read_node_name(yaml_map& top);
    void read_proxy(const yaml_node& node);
    void read_workers(yaml_map& map);
    void read_limits(const yaml_node& node);
    void read_control(const yaml_node& node);
    void read_return_urls(yaml_map& map);
    void read_token(const yaml_node& node);
    void read_public(const yaml_node& node);
    void read_webhooks(const yaml_node& node);
    void read_webhook_target(const yaml_node& node);
    void read_webhook_secrets(const yaml_node& node);
    void read_vault(const yaml_node& node);
    void read_redis(const yaml_node& node);
    std::optional<referenced> read_pem(yaml_map& map, std::string_view key, std::string& path,
                                       std::string_view (*fault)(std::string_view));
    void read_previous_master_keys(const yaml_node& node);
    void read_run_tokens(const yaml_node& node);
    void read_issuer(const yaml_node& node);
    void read_issuer_key(const yaml_node& node, identity::issuer& issuer);
    void read_audit(const yaml_node& node);
    void read_keeping(yaml_map& map, const yaml_node& node);
    void read_oauth(const yaml_node& node);
    void read_oauth_clients(const yaml_node& node);
    void read_catalogue(const yaml_node& node);

    // The section `key`, or an empty one that stands where `parent` does.
    const yaml_node& section(yaml_map& map, const yaml_node& parent, std::string_view key);
    // The scalar or list `key`, or its default.
    const yaml_node& value(yaml_map& map, const yaml_node& parent, std::string_view key,
                           std::string_view default_text);
    const yaml_node& list(yaml_map& map, const yaml_node& parent, std::string_view key,
                          yaml_node only);
    const yaml_node& keep(yaml_node made);

    // Sets `target` to the choice that `node` names. Null: leaves it.
    template <class T>
    void choose(const yaml_node* node, choices<T> among, T& target);
    void read_page(yaml_map& map, std::string_view key, std::string& target);
    std::vector<std::string> read_workspaces(const yaml_node& node, bool wildcard);

    yaml_file& file_;
    settings& into_;
    reference_reader references_;
    listen_reader listeners_;
    std::vector<std::unique_ptr<yaml_node>> made_;
};

// Nodes that stand for what the file leaves out.
yaml_node scalar_at(const yaml_node& parent, std::string_view text);
yaml_node container_at(const yaml_node& parent, yaml_node::type type);

template <class T>
void settings_reader::choose(const yaml_node* node, choices<T> among, T& target)
{
    if (!node) {
        return;
    }
    std::string names;
    for (const auto& [name, choice] : among) {
        if (node->is == yaml_node::type::scalar && node->text == name) {
            target = choice;
            return;
        }
        const bool last = name == among.back().first;
        names += (names.empty() ? "" : last ? " or " : ", ") + std::string(name);
    }
    file_.report(*node, "must be " + names);
}

}  // namespace sallyport::config
