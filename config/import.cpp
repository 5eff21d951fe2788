#include "config/import.hpp"

#include "base/text.hpp"
#include "policy/path_template.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <stdexcept>

namespace sallyport::config {
namespace {

constexpr std::array<std::string_view, 7> table_methods = {"GET",   "HEAD",   "POST",   "PUT",
                                                           "PATCH", "DELETE", "OPTIONS"};

// What a call comes to when the names of placeholders do not count.
std::string bare(const imported_row& row)
{
    std::string text = row.base + " " + row.method + " ";
    bool inside = false;
    for (std::size_t i = 0; i < row.path.size(); ++i) {
        const char c = row.path[i];
        inside = c == '{' || (inside && c != '}');
        const bool is_several = c == '+' && i > 0 && row.path[i - 1] == '{';
        if (!inside || c == '{' || is_several) {
            text += c;
        }
    }
    return text;
}

std::string fault_of_scope(std::string_view scope)
{
    const bool fits = !scope.empty() && scope != "-" && scope != "*" &&
                      std::all_of(scope.begin(), scope.end(), [](char c) {
                          return c > ' ' && c < 0x7f && c != '|' && c != '+';
                      });
    return fits ? "" : "a table cannot hold the scope \"" + std::string(scope) + "\"";
}

}  // namespace

std::string row_collector::fault(const imported_row& row, const std::vector<imported_row>& rows)
{
    if (std::find(table_methods.begin(), table_methods.end(), row.method) == table_methods.end()) {
        return "no rule may name the method " + row.method;
    }
    if (!std::all_of(row.path.begin(), row.path.end(), [](char c) {
            return c > ' ' && c < 0x7f &&
                   std::string_view("?#%\\").find(c) == std::string_view::npos;
        })) {
        return "the path " + row.path + " holds what a path template cannot";
    }
    try {
        policy::parse_template(row.path);
    } catch (const std::invalid_argument& error) {
        return "the path " + row.path + ": " + error.what();
    }
    for (const auto& alternative : row.scopes) {
        for (const std::string& scope : alternative) {
            if (std::string why = fault_of_scope(scope); !why.empty()) {
                return why;
            }
        }
    }
    return rows.size() == imported_rows_max ? "too many calls for one table" : "";
}

bool row_collector::add(imported_row row, const yaml_node& where, const std::string& pointer,
                        std::vector<imported_row>& rows)
{
    const auto leave_out = [&](const std::string& why) {
        left_out_.push_back({file_, where.line, where.column, pointer + ": " + why});
        return false;
    };
    if (const std::string why = fault(row, rows); !why.empty()) {
        return leave_out(why);
    }
    const auto [known, is_new] = seen_.try_emplace(bare(row), rows.size());
    if (!is_new) {
        return leave_out("is the same call as " + rows[known->second].method + " " +
                         rows[known->second].path + ", which stands before it");
    }
    rows.push_back(std::move(row));
    return true;
}

std::string id_of(std::string_view title)
{
    constexpr std::size_t bytes_max = 64;
    std::string id;
    for (const char c : title) {
        const char low = to_lower(c);
        const bool plain = (low >= 'a' && low <= 'z') || (low >= '0' && low <= '9');
        if (plain) {
            id += low;
        } else if (!id.empty() && id.back() != '_') {
            id += '_';
        }
    }
    id.resize(std::min(id.size(), bytes_max));
    while (id.ends_with('_')) {
        id.pop_back();
    }
    return id;
}

std::optional<split_url> take_url_apart(std::string_view url)
{
    const std::size_t slashes = url.find("://");
    if (slashes == std::string_view::npos ||
        (url.substr(0, slashes) != "https" && url.substr(0, slashes) != "http") ||
        url.find_first_of(" \t\r\n?#@\"\\") != std::string_view::npos) {
        return std::nullopt;
    }
    const std::size_t slash = std::min(url.find('/', slashes + 3), url.size());
    split_url apart;
    apart.origin = url.substr(0, slash);
    apart.authority = url.substr(slashes + 3, slash - slashes - 3);
    apart.path = url.substr(slash);
    while (apart.path.ends_with('/')) {
        apart.path.pop_back();
    }
    return apart.authority.empty() ? std::nullopt : std::optional(std::move(apart));
}

std::string base_name(const std::string& file)
{
    return std::filesystem::path(file).filename().string();
}

bool take_options(const std::string& file, const import_options& options, std::string_view title,
                  imported_provider& made, problems& wrong)
{
    const bool is_given = !options.id.empty();
    made.id = is_given ? options.id : id_of(title);
    made.name = !options.name.empty() ? options.name : title.empty() ? made.id : std::string(title);
    made.category = options.category.empty() ? "Imported" : options.category;
    made.allow = options.allow;
    made.source = base_name(file) + (title.empty() ? "" : " (" + std::string(title) + ")");
    const bool is_id =
        !made.id.empty() && id_of(made.id).size() == made.id.size() &&
        std::all_of(made.id.begin(), made.id.end(), [](char c) { return to_lower(c) == c; });
    if (!is_id) {
        wrong.push_back({file, 0, 0,
                         is_given ? "the id must be of lower-case letters, digits and '_'"
                                  : "has no title to make an id of: give --id"});
    }
    return is_id;
}

bool take_base(const std::string& file, const import_options& options, const std::string& base,
               imported_provider& made, problems& wrong)
{
    const std::string& chosen = options.base_url.empty() ? base : options.base_url;
    const auto apart = take_url_apart(chosen);
    if (!apart) {
        wrong.push_back(
            {file, 0, 0,
             chosen.empty()
                 ? "does not say where its API is: give --base-url https://HOST[/PATH]"
                 : "\"" + chosen + "\" is no base: give --base-url https://HOST[/PATH]"});
        return false;
    }
    const bool is_plain = apart->origin.starts_with("http:");
    if (is_plain &&
        std::find(made.allow.begin(), made.allow.end(), "plain_http") == made.allow.end()) {
        wrong.push_back(
            {file, 0, 0,
             "its API is at " + apart->origin +
                 ", in plain text: give --base-url https://..., or --allow plain_http"});
        return false;
    }
    made.base = apart->origin + apart->path;
    return true;
}

bool take_credential(const std::string& file, const import_options& options,
                     const std::string& kind, imported_provider& made, problems& wrong)
{
    using place = policy::injection::place;
    const std::string& text = options.credential;
    const std::string name = text.substr(std::min(text.find(':'), text.size() - 1) + 1);
    if (text.empty() ? !kind.empty() : text == "bearer" || text == "basic") {
        made.credentials.push_back(credential_in_authorization(text.empty() ? kind : text));
    } else if (text.starts_with("header:") && !name.empty()) {
        made.credentials.push_back({"api_key", {{place::header, name, "{secret}"}}});
    } else if (text.starts_with("query:") && !name.empty()) {
        made.credentials.push_back({"api_key", {{place::query, name, "{secret}"}}});
    } else if (!text.empty()) {
        wrong.push_back({file, 0, 0, "--credential is bearer, basic, header:NAME or query:NAME"});
        return false;
    }
    return true;
}

policy::credential_kind credential_in_authorization(const std::string& kind)
{
    const std::string value = kind == "oauth2"  ? "Bearer {access_token}"
                              : kind == "basic" ? "Basic {basic}"
                                                : "Bearer {secret}";
    return {kind, {{policy::injection::place::header, "Authorization", value}}};
}

}  // namespace sallyport::config
