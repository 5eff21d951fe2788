#include "config/import.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <map>
#include <tuple>

namespace sallyport::config {
namespace {

// One line of a comment, whatever the text held.
std::string plain(std::string_view text)
{
    std::string line;
    for (const char c : text) {
        const bool is_control = static_cast<unsigned char>(c) < ' ' || c == 0x7f;
        if (!is_control || (!line.empty() && line.back() != ' ')) {
            line += is_control ? ' ' : c;
        }
    }
    return line;
}

std::string quoted(std::string_view text)
{
    std::string out;
    append_json_string(out, text);
    return out;
}

std::string flow_list(const std::vector<std::string>& texts)
{
    std::string out = "[";
    for (const std::string& text : texts) {
        out += (out.size() > 1 ? ", " : "") + quoted(text);
    }
    return out + "]";
}

// Of the calls that a scope opens alone the strongest tells its class; deleting is writing here.
std::map<std::string, policy::operation_class> scope_classes(const imported_provider& made)
{
    std::map<std::string, policy::operation_class> classes;
    for (const imported_table& table : made.tables) {
        for (const imported_row& row : table.rows) {
            const auto cls = row.method == "GET" || row.method == "HEAD"
                                 ? policy::operation_class::read
                                 : policy::operation_class::write;
            for (const auto& alternative : row.scopes) {
                if (alternative.size() == 1) {
                    auto& known = classes[alternative.front()];
                    known = std::max(known, cls);
                }
            }
        }
    }
    return classes;
}

std::set<std::string> scopes_in_rows(const imported_provider& made)
{
    std::set<std::string> used;
    for (const imported_table& table : made.tables) {
        for (const imported_row& row : table.rows) {
            for (const auto& alternative : row.scopes) {
                used.insert(alternative.begin(), alternative.end());
            }
        }
    }
    return used;
}

std::string scopes_text(const imported_row& row)
{
    std::string text;
    for (const auto& alternative : row.scopes) {
        text += text.empty() ? "" : "|";
        for (std::size_t i = 0; i < alternative.size(); ++i) {
            text += (i == 0 ? "" : "+") + alternative[i];
        }
        text += alternative.empty() ? "-" : "";
    }
    return text;
}

// Tables name an authority, whatever the scheme of the leg is.
std::string base_line(const std::string& url)
{
    const auto apart = take_url_apart(url);
    return apart ? "https://" + apart->authority + apart->path : url;
}

std::string table_text(const imported_provider& made, imported_table& table)
{
    std::sort(table.rows.begin(), table.rows.end(), [](const auto& a, const auto& b) {
        return std::tie(a.path, a.method) < std::tie(b.path, b.method);
    });
    std::string text = "# provider: " + made.id +
                       "\n# base: " + base_line(table.base.empty() ? made.base : table.base) +
                       "\n# source: " + plain(made.source) + "\n";
    for (const std::string& remark : table.remarks) {
        text += "# " + plain(remark) + "\n";
    }
    for (const imported_row& row : table.rows) {
        text += row.method + "\t" + row.path + "\t" + scopes_text(row) + "\n";
    }
    return text;
}

void render_credentials(const imported_provider& made, std::string& out)
{
    constexpr const char* places[] = {"header", "query", "cookie", "path", "body"};
    out += "credentials:\n";
    for (const policy::credential_kind& kind : made.credentials) {
        out += "  - kind: " + kind.kind + "\n    inject:\n";
        for (const policy::injection& place : kind.inject) {
            out += std::string("      - {in: ") + places[static_cast<std::size_t>(place.in)] +
                   ", name: " + quoted(place.name) + ", value: " + quoted(place.value) + "}\n";
        }
    }
    if (!made.oauth2.empty()) {
        out += "oauth2:\n";
        for (const auto& [key, value] : made.oauth2) {
            out += "  " + key + ": " + quoted(value) + "\n";
        }
    }
}

void render_variables(const imported_provider& made, std::string& out)
{
    if (made.variables.empty()) {
        return;
    }
    out += "variables:\n";
    for (const policy::variable& variable : made.variables) {
        out += "  - {name: " + variable.name + ", where: " + variable.where;
        out += variable.default_value.empty() ? "" : ", default: " + quoted(variable.default_value);
        out += variable.pattern.empty() ? "" : ", pattern: " + quoted(variable.pattern);
        out += variable.description.empty() ? "" : ", description: " + quoted(variable.description);
        out += "}\n";
    }
}

// Of a scope that no call names.
std::string_view class_of_name(std::string_view id)
{
    for (const std::string_view name : {"openid", "email", "profile", "offline_access"}) {
        if (id == name) {
            return "identity";
        }
    }
    const std::string low = lower(id);
    const bool reads = low.find("readonly") != std::string::npos || low.ends_with("read") ||
                       low.starts_with("read") || low.ends_with("read.all");
    return reads ? "read" : "write";
}

void render_scopes(const imported_provider& made, std::string& out)
{
    const std::map<std::string, policy::operation_class> classes = scope_classes(made);
    std::set<std::string> undescribed = scopes_in_rows(made);
    out += made.scopes.empty() && undescribed.empty() ? "" : "scopes:\n";
    const auto line = [&](const std::string& id, std::string_view text) {
        const auto known = classes.find(id);
        const std::string_view cls =
            known == classes.end() ? class_of_name(id) : policy::to_string(known->second);
        out += "  - {id: " + quoted(id) + ", class: " + std::string(cls) +
               ", description: " + quoted(plain(text)) + "}\n";
    };
    for (const policy::scope_description& scope : made.scopes) {
        line(scope.id, scope.description);
        undescribed.erase(scope.id);
    }
    for (const std::string& id : undescribed) {
        line(id, "");
    }
}

void render_tables(const imported_provider& made, std::string& out)
{
    out += made.tables.empty() ? "" : "scope_rules:\n";
    for (const imported_table& table : made.tables) {
        out += "  - {file: " + quoted(table.file);
        out += table.kinds.empty() ? "" : ", kinds: " + flow_list(table.kinds);
        out += table.variant.empty() ? "" : ", variant: " + quoted(table.variant);
        out += "}\n";
    }
}

std::string provider_text(const imported_provider& made)
{
    const auto apart = take_url_apart(made.base);
    const std::string origin = apart ? apart->origin : made.base;
    std::string out = "# " + plain(made.name) + ", imported from " + plain(made.source) + ".\n";
    for (const std::string& note : made.notes) {
        out += "# " + plain(note) + "\n";
    }
    out += "id: " + made.id + "\nname: " + quoted(made.name) +
           "\ncategory: " + quoted(made.category) + "\nbase_url: " + quoted(origin) + "\n";
    out += made.hosts.empty() ? "" : "hosts: " + flow_list(made.hosts) + "\n";
    out += made.allow.empty()
               ? "# allow: [private_addresses]     where the provider stands on your own network\n"
               : "allow: " + flow_list(made.allow) + "\n";
    out += made.path_case_insensitive ? "path_case: insensitive\n" : "";
    render_variables(made, out);
    render_credentials(made, out);
    out += made.strip.empty() ? "" : "strip: " + flow_list(made.strip) + "\n";
    out += made.method_override.empty()
               ? ""
               : "method_override: " + flow_list(made.method_override) + "\n";
    if (!made.tunnels.empty()) {
        out += "tunnels:\n";
        for (const std::string& tunnel : made.tunnels) {
            out += "  - {path: " + quoted(tunnel) + ", why: \"carries other calls\"}\n";
        }
    }
    render_tables(made, out);
    render_scopes(made, out);
    out += "# scope_implies: {\"parent\": [\"child\"]}     where one scope includes another\n";
    return out;
}

}  // namespace

std::vector<rendered_file> render(imported_provider made)
{
    std::vector<rendered_file> files;
    files.push_back({made.id + ".yaml", provider_text(made)});
    for (imported_table& table : made.tables) {
        files.push_back(
            {table.file, table.verbatim.empty() ? table_text(made, table) : table.verbatim});
    }
    return files;
}

}  // namespace sallyport::config
