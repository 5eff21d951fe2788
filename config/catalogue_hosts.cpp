#include "base/text.hpp"
#include "config/catalogue_file.hpp"
#include "policy/path_prefix.hpp"

#include <algorithm>
#include <charconv>
#include <regex>
#include <stdexcept>

namespace sallyport::config {
namespace {

constexpr std::size_t pattern_bytes_max = 256;
constexpr std::size_t host_bytes_max = 253;

bool is_variable_name(std::string_view text) noexcept
{
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        return is_lower_or_digit(to_lower(c)) || c == '_';
    });
}

// A host name, an IPv4 address, or a name with {variables}; no wildcards.
bool is_host(std::string_view text) noexcept
{
    bool inside = false;
    char before = '.';
    for (const char c : text) {
        if (c == '{' || c == '}') {
            inside = c == '{';
        } else if (!inside && !is_lower_or_digit(c) && c != '-' && (c != '.' || before == '.')) {
            return false;
        }
        before = c;
    }
    return !text.empty() && text.size() <= host_bytes_max && before != '.';
}

void read_base_url(yaml_file& file, yaml_map& top, policy::provider_facts& facts)
{
    const yaml_node* node = top.require("base_url");
    const auto url = node ? file.string(*node) : std::nullopt;
    if (!url) {
        return;
    }
    // "{instance_url}": the variable holds the whole origin.
    const bool is_variable = url->starts_with('{');
    const bool is_plain = url->starts_with("http://");
    if (!is_plain && !is_variable && !url->starts_with("https://")) {
        file.report(*node, "expected an https:// URL");
        return;
    }
    if (is_plain && !facts.plain_http) {
        file.report(*node, "http:// needs allow: [plain_http]");
        return;
    }
    facts.plain_http = is_plain;
    std::string_view authority = *url;
    authority.remove_prefix(is_variable ? 0 : url->find("//") + 2);
    if (authority.ends_with('/')) {
        authority.remove_suffix(1);
    }
    if (authority.find_first_of("/?#") != std::string_view::npos) {
        file.report(*node, "must be an origin, scheme://host[:port]: paths are always whole");
        return;
    }
    if (auto base = read_authority(file, *node, authority, facts)) {
        facts.base = std::move(*base);
    }
}

void read_host_map(yaml_file& file, const yaml_node& item, policy::provider_facts& facts)
{
    yaml_map map(file, item);
    std::string note;
    map.read("note", note);
    bool is_alias = false;
    map.read("alias", is_alias);
    std::vector<std::string> prefixes;
    map.read("path_prefixes", prefixes);
    if (const yaml_node* list = map.find("path_prefixes")) {
        for (std::size_t i = 0; i < prefixes.size(); ++i) {
            try {
                policy::path_prefix(prefixes[i], false);
            } catch (const std::invalid_argument& error) {
                file.report(list->items[i], error.what());
            }
        }
    }
    const yaml_node* host = map.require("host");
    const auto text = host ? file.string(*host) : std::nullopt;
    auto read = text ? read_authority(file, *host, *text, facts) : std::nullopt;
    if (!read) {
        return;
    }
    read->path_prefixes = std::move(prefixes);
    read->is_alias = is_alias;
    read->note = std::move(note);
    if (read->host == facts.base.host && read->port == facts.base.port) {
        facts.base = std::move(*read);  // The base URL's own host, limited to some paths.
    } else {
        facts.hosts.push_back(std::move(*read));
    }
}

void read_variable(yaml_file& file, const yaml_node& item, policy::provider_facts& facts)
{
    yaml_map map(file, item);
    policy::variable made;
    map.require("name");
    map.require("where");
    map.read("name", made.name);
    map.read("default", made.default_value);
    map.read("pattern", made.pattern);
    map.read("desc", made.description);
    map.read("description", made.description);
    map.read("example", made.example);
    map.read("source", made.source);
    map.read("optional", made.is_optional);
    if (map.read("where", made.where)) {
        made.where = made.where.starts_with("oauth") ? "oauth" : made.where;
        if (made.where != "host" && made.where != "path" && made.where != "oauth") {
            file.report(*map.find("where"), "expected host, path or oauth");
        }
    }
    if (!made.name.empty() && !is_variable_name(made.name)) {
        file.report(*map.find("name"), "must be of letters, digits and '_'");
    }
    for (const policy::variable& earlier : facts.variables) {
        if (earlier.name == made.name) {
            file.report(item, "the variable \"" + made.name + "\" is repeated");
        }
    }
    try {
        if (made.pattern.size() > pattern_bytes_max) {
            file.report(*map.find("pattern"), "is too long");
        } else if (!made.pattern.empty() && !made.default_value.empty() &&
                   !std::regex_match(made.default_value, std::regex(made.pattern))) {
            file.report(*map.find("default"), "does not fit the pattern");
        } else if (!made.pattern.empty()) {
            const std::regex compiles(made.pattern);
        }
    } catch (const std::regex_error&) {
        file.report(*map.find("pattern"), "is no regular expression");
    }
    if (facts.private_addresses && made.where == "host" && made.pattern.empty()) {
        file.report(item, "with private_addresses a variable in a host needs a pattern");
    }
    facts.variables.push_back(std::move(made));
}

}  // namespace

bool has_variable(const policy::provider_facts& facts, std::string_view name) noexcept
{
    return std::any_of(facts.variables.begin(), facts.variables.end(),
                       [&](const auto& variable) { return variable.name == name; });
}

std::optional<policy::upstream_host> read_authority(yaml_file& file, const yaml_node& node,
                                                    std::string_view text,
                                                    const policy::provider_facts& facts)
{
    policy::upstream_host read;
    read.port = facts.plain_http ? 80 : 443;
    const std::size_t bracket = text.starts_with('[') ? text.find(']') : 0;
    const std::size_t colon = bracket == std::string_view::npos ? bracket : text.find(':', bracket);
    if (colon != std::string_view::npos) {
        const std::string_view port = text.substr(colon + 1);
        const auto [stop, error] =
            std::from_chars(port.data(), port.data() + port.size(), read.port);
        if (error != std::errc() || stop != port.data() + port.size() || read.port == 0) {
            file.report(node, "the port is not a number from 1 to 65535");
            return std::nullopt;
        }
    }
    read.host = lower(text.substr(0, colon));
    const bool is_v6 = read.host.starts_with('[') && read.host.ends_with(']') &&
                       read.host.find_first_not_of("0123456789abcdef:.", 1) == read.host.size() - 1;
    if (is_v6) {
        read.host = read.host.substr(1, read.host.size() - 2);
    } else if (!is_host(read.host)) {
        file.report(node, "expected host or host:port, without wildcards");
        return std::nullopt;
    }
    const bool paired = for_each_placeholder(text.substr(0, colon), [&](std::string_view name) {
        const auto known =
            std::find_if(facts.variables.begin(), facts.variables.end(),
                         [&](const auto& variable) { return variable.name == name; });
        if (known == facts.variables.end() || known->where != "host") {
            file.report(node, "{" + std::string(name) + "} is no variable with where: host");
        }
    });
    if (!paired) {
        file.report(node, "the braces do not pair");
        return std::nullopt;
    }
    // Names of variables keep their case.
    if (!is_v6 && read.host.find('{') != std::string::npos) {
        bool inside = false;
        for (std::size_t i = 0; i < read.host.size(); ++i) {
            inside = text[i] == '{' || (inside && text[i] != '}');
            read.host[i] = inside ? text[i] : read.host[i];
        }
    }
    return read;
}

void read_variables(yaml_file& file, yaml_map& top, policy::provider_facts& facts)
{
    const yaml_node* list = top.find("variables");
    if (list && file.expect_list(*list)) {
        for (const yaml_node& item : list->items) {
            read_variable(file, item, facts);
        }
    }
}

void read_hosts(yaml_file& file, yaml_map& top, policy::provider_facts& facts)
{
    read_base_url(file, top, facts);
    const yaml_node* list = top.find("hosts");
    if (!list || !file.expect_list(*list)) {
        return;
    }
    for (const yaml_node& item : list->items) {
        if (item.is == yaml_node::type::map) {
            read_host_map(file, item, facts);
        } else if (const auto text = file.string(item)) {
            if (auto read = read_authority(file, item, *text, facts)) {
                facts.hosts.push_back(std::move(*read));
            }
        }
    }
}

}  // namespace sallyport::config
