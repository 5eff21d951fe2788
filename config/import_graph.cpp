// Microsoft Graph's permissions.json (microsoft-graph-devx-content, permissions/new).
//
// A permission lists path sets, each with the schemes it holds for; a call's scopes are all the
// permissions that list it. The three schemes become three tables, since a token is of one kind.
#include "config/import.hpp"

#include "base/text.hpp"

#include <algorithm>

namespace sallyport::config {
namespace {

struct scheme {
    const char* key;
    const char* suffix;
    const char* variant;
    const char* remark;
};

constexpr scheme schemes[] = {
    {"DelegatedWork", "", "", "delegated tokens, work or school account"},
    {"DelegatedPersonal", "_personal", "personal", "delegated tokens, personal account"},
    {"Application", "_application", "application", "application tokens"}};

std::vector<std::string_view> split(std::string_view text, char separator)
{
    std::vector<std::string_view> parts;
    while (!text.empty()) {
        const std::size_t size = std::min(text.find(separator), text.size());
        parts.push_back(text.substr(0, size));
        text.remove_prefix(std::min(size + 1, text.size()));
    }
    return parts;
}

// What a path says of a permission: "least=DelegatedWork,Application;AlsoRequires=Other.Read".
struct path_remarks {
    bool least = false;
    std::vector<std::string> also;  // One of these is needed besides.
};

path_remarks read_remarks(std::string_view text, std::string_view scheme_key)
{
    path_remarks read;
    for (const std::string_view part : split(text, ';')) {
        const std::size_t equals = std::min(part.find('='), part.size());
        const std::string_view name = part.substr(0, equals);
        for (const std::string_view value :
             split(part.substr(std::min(equals + 1, part.size())), ',')) {
            if (name == "least") {
                read.least = read.least || trim(value) == scheme_key;
            } else if (equal_ignoring_case(name, "AlsoRequires")) {
                read.also.emplace_back(trim(value));
            }
        }
    }
    return read;
}

std::string replaced(std::string text, std::string_view from, std::string_view to)
{
    for (std::size_t at = text.find(from); at != std::string::npos;
         at = text.find(from, at + to.size())) {
        text.replace(at, from.size(), to);
    }
    return text;
}

// Graph compares without case. A drive item's path and nested folders are several segments.
std::string template_of(std::string_view path)
{
    return replaced(replaced(lower(path), "root:/{id}", "root:/{+path}"), "/.../", "/{+more}/");
}

struct call {
    const yaml_node* where = nullptr;
    std::string pointer;
    std::vector<std::vector<std::string>> least;  // The least privileged first,
    std::vector<std::vector<std::string>> more;   // then the others as the document has them.
};

using calls = std::map<std::pair<std::string, std::string>, call>;

void read_path(const yaml_node& path, const std::string& pointer, const std::string& permission,
               const std::vector<std::string>& methods, std::string_view scheme_key, calls& found)
{
    const path_remarks remarks = read_remarks(path.text, scheme_key);
    for (const std::string& method : methods) {
        call& one = found[{template_of(path.key), method}];
        if (!one.where) {
            one.where = &path;
            one.pointer = pointer + "/" + pointer_token(path.key);
        }
        auto& list = remarks.least ? one.least : one.more;
        if (remarks.also.empty()) {
            list.push_back({permission});
        }
        for (const std::string& other : remarks.also) {
            list.push_back({permission, other});
        }
    }
}

calls read_scheme(const yaml_node& permissions, std::string_view scheme_key)
{
    calls found;
    for (const yaml_node& permission : permissions.items) {
        const yaml_node& sets = list_at(permission, "pathSets");
        for (std::size_t i = 0; i < sets.items.size(); ++i) {
            const std::vector<std::string> keys = texts_of(list_at(sets.items[i], "schemeKeys"));
            if (std::find(keys.begin(), keys.end(), scheme_key) == keys.end()) {
                continue;
            }
            const std::string pointer = "/permissions/" + pointer_token(permission.key) +
                                        "/pathSets/" + std::to_string(i) + "/paths";
            const auto methods = texts_of(list_at(sets.items[i], "methods"));
            for (const yaml_node& path : map_at(sets.items[i], "paths").items) {
                read_path(path, pointer, permission.key, methods, scheme_key, found);
            }
        }
    }
    return found;
}

void read_descriptions_of(const yaml_node& permissions, imported_provider& made)
{
    for (const yaml_node& permission : permissions.items) {
        std::string text;
        for (const yaml_node& known : map_at(permission, "schemes").items) {
            const std::string shown = text_at(known, "userDisplayName");
            text = !text.empty()   ? text
                   : shown.empty() ? text_at(known, "adminDisplayName")
                                   : shown;
        }
        made.scopes.push_back({permission.key, "", std::string(trim(text))});
    }
}

void add_table(const scheme& wanted, const yaml_node& permissions, row_collector& collector,
               imported_provider& made)
{
    imported_table table;
    table.file = made.id + wanted.suffix + ".tsv";
    table.variant = wanted.variant;
    table.kinds = {"oauth2"};
    table.remarks = {std::string("tokens: ") + wanted.remark,
                     "semantics: any ONE of the '|' list suffices, least-privileged first; "
                     "'a+b' = both.",
                     "path: lower case; Graph compares without case."};
    for (auto& [key, one] : read_scheme(permissions, wanted.key)) {
        imported_row row{key.second, key.first, std::move(one.least)};
        row.scopes.insert(row.scopes.end(), one.more.begin(), one.more.end());
        collector.add(std::move(row), *one.where, one.pointer, table.rows);
    }
    if (!table.rows.empty()) {
        made.tables.push_back(std::move(table));
    }
}

}  // namespace

bool read_graph(const std::string& file, const import_options& options, imported_provider& made,
                problems& wrong)
{
    const auto root = read_document(file, wrong);
    if (!root) {
        return false;
    }
    const yaml_node& permissions = map_at(*root, "permissions");
    if (permissions.items.empty()) {
        wrong.push_back(
            {file, root->line, root->column, "has no \"permissions\": it is no permissions.json"});
        return false;
    }
    if (!take_options(file, options, "Microsoft Graph", made, wrong) ||
        !take_base(file, options, "https://graph.microsoft.com/v1.0", made, wrong)) {
        return false;
    }
    made.path_case_insensitive = true;
    made.credentials.push_back(credential_in_authorization("oauth2"));
    const auto apart = take_url_apart(made.base);
    made.tunnels = {"POST " + apart->path + "/$batch"};
    made.oauth2 = {
        {"authorize_url", "https://login.microsoftonline.com/common/oauth2/v2.0/authorize"},
        {"token_url", "https://login.microsoftonline.com/common/oauth2/v2.0/token"},
        {"scope_separator", " "}};
    made.notes = {
        "A connection's variant says whose token it holds: none for a work or school "
        "account, \"personal\" or \"application\"."};
    read_descriptions_of(permissions, made);
    for (const scheme& wanted : schemes) {
        row_collector collector(file, made.left_out);
        add_table(wanted, permissions, collector, made);
    }
    return true;
}

}  // namespace sallyport::config
