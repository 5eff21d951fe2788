#include "config/catalogue_file.hpp"

#include "base/text.hpp"
#include "policy/path_prefix.hpp"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <regex>
#include <set>
#include <stdexcept>

namespace sallyport::config {
namespace {

constexpr std::size_t provider_id_bytes_max = 64;
constexpr std::size_t pattern_bytes_max = 256;
constexpr std::size_t host_bytes_max = 253;

bool is_lower_or_digit(char c) noexcept { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

// What may stand in an address `/{provider}@{host}/`.
bool is_provider_id(std::string_view text) noexcept
{
    return !text.empty() && text.size() <= provider_id_bytes_max && is_lower_or_digit(text[0]) &&
           std::all_of(text.begin(), text.end(),
                       [](char c) { return is_lower_or_digit(c) || c == '_' || c == '-'; });
}

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

void read_identity(yaml_file& file, yaml_map& top, policy::provider_facts& facts)
{
    top.require("id");
    if (top.read("id", facts.id) && !is_provider_id(facts.id)) {
        file.report(*top.find("id"), "must be of lower-case letters, digits, '_' and '-'");
        facts.id.clear();
    }
    facts.name = facts.id;
    top.read("name", facts.name);
    top.read("category", facts.category);
    top.read("enabled", facts.enabled);

    std::string path_case = "sensitive";
    if (top.read("path_case", path_case) && path_case != "sensitive" &&
        path_case != "insensitive") {
        file.report(*top.find("path_case"), "expected sensitive or insensitive");
    }
    facts.path_case_insensitive = path_case == "insensitive";

    if (top.read("tls_ca", facts.tls_ca) && !facts.tls_ca.empty()) {
        const auto directory = std::filesystem::path(file.name()).parent_path();
        facts.tls_ca =
            std::filesystem::absolute(directory / facts.tls_ca).lexically_normal().string();
        std::error_code error;
        if (!std::filesystem::is_regular_file(facts.tls_ca, error)) {
            file.report(*top.find("tls_ca"), "names no file");
        }
    }
}

void read_allow(yaml_file& file, yaml_map& top, policy::provider_facts& facts)
{
    const yaml_node* list = top.find("allow");
    if (!list || !file.expect_list(*list)) {
        return;
    }
    const std::pair<std::string_view, bool*> known[] = {
        {"plain_http", &facts.plain_http},
        {"private_addresses", &facts.private_addresses},
        {"cookies", &facts.cookies},
        {"empty_segments", &facts.paths.empty_segments},
        {"encoded_slash", &facts.paths.encoded_slash},
    };
    for (const yaml_node& item : list->items) {
        const auto value = file.string(item);
        const auto place = std::find_if(std::begin(known), std::end(known), [&](const auto& entry) {
            return value && entry.first == *value;
        });
        if (place != std::end(known)) {
            *place->second = true;
        } else if (value) {
            file.report(item,
                        "expected plain_http, private_addresses, cookies, empty_segments or "
                        "encoded_slash");
        }
    }
}

void read_base_url(yaml_file& file, yaml_map& top, policy::provider_facts& facts)
{
    const yaml_node* node = top.require("base_url");
    const auto url = node ? file.string(*node) : std::nullopt;
    if (!url) {
        return;
    }
    const bool is_plain = url->starts_with("http://");
    if (!is_plain && !url->starts_with("https://")) {
        file.report(*node, "expected an https:// URL");
        return;
    }
    if (is_plain && !facts.plain_http) {
        file.report(*node, "http:// needs allow: [plain_http]");
        return;
    }
    facts.plain_http = is_plain;
    std::string_view authority = std::string_view(*url).substr(url->find("//") + 2);
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
    if (read) {
        read->path_prefixes = std::move(prefixes);
        facts.hosts.push_back(std::move(*read));
    }
}

void read_variable(yaml_file& file, const yaml_node& item, policy::provider_facts& facts)
{
    yaml_map map(file, item);
    policy::variable made;
    std::string ignored;
    bool optional = false;
    map.require("name");
    map.require("where");
    map.read("name", made.name);
    map.read("default", made.default_value);
    map.read("pattern", made.pattern);
    map.read("desc", made.description);
    map.read("description", made.description);
    map.read("example", ignored);
    map.read("source", ignored);
    map.read("optional", optional);
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

void read_scopes(yaml_file& file, yaml_map& top, policy::provider_facts& facts)
{
    const yaml_node* scopes = top.find("scopes");
    std::set<std::string> seen;
    for (const yaml_node& item :
         scopes&& file.expect_list(*scopes) ? scopes->items : std::vector<yaml_node>{}) {
        yaml_map map(file, item);
        policy::scope_description made;
        map.require("id");
        map.read("id", made.id);
        map.read("class", made.class_name);
        map.read("description", made.description);
        if (!made.class_name.empty() && made.class_name != "identity" &&
            !policy::parse_operation_class(made.class_name)) {
            file.report(*map.find("class"), "expected read, write, destructive or identity");
        }
        if (made.id == "*" || !seen.insert(made.id).second) {
            file.report(item, "the scope \"" + made.id + "\" is repeated or cannot be named");
        }
        facts.scopes.push_back(std::move(made));
    }
    const yaml_node* implies = top.find("scope_implies");
    if (implies && file.expect_map(*implies)) {
        for (const yaml_node& item : implies->items) {
            if (auto children = file.strings(item)) {
                facts.scope_implies[item.key] = std::move(*children);
            }
        }
    }
}

void read_provider(const std::string& path, policy::provider_facts& facts, table_store& tables,
                   problems& found)
{
    yaml_file file(path, found);
    const bool sound = file.load();
    if (const yaml_node* id = file.root().find("id"); id && is_provider_id(id->text)) {
        facts.id = id->text;  // So that a broken file is known by its id.
    }
    if (!sound) {
        return;
    }
    yaml_map top(file, file.root());
    read_identity(file, top, facts);
    read_allow(file, top, facts);
    read_variables(file, top, facts);
    read_hosts(file, top, facts);
    read_credentials(file, top, facts);
    read_carriers(file, top, facts);
    read_scopes(file, top, facts);
    read_rules(file, top, facts, tables, found);
    read_descriptions(file, top, facts);
}

}  // namespace sallyport::config
