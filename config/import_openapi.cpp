// OpenAPI 3.0 and 3.1 and Swagger 2.0 (spec.openapis.org).
#include "config/import_security.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <array>
#include <cctype>

namespace sallyport::config {
namespace {

constexpr int references_max = 8;  // followed one after the other

constexpr std::array<std::string_view, 8> operations = {"get",   "head",   "post",    "put",
                                                        "patch", "delete", "options", "trace"};

// A reference within the document, with the fragment's %XX decoded.
std::string pointer_of(std::string_view reference)
{
    const auto digit = [](char c) { return c <= '9' ? c - '0' : to_lower(c) - 'a' + 10; };
    std::string pointer;
    for (std::size_t i = 1; i < reference.size(); ++i) {
        const bool escape = reference[i] == '%' && i + 2 < reference.size() &&
                            std::isxdigit(static_cast<unsigned char>(reference[i + 1])) != 0 &&
                            std::isxdigit(static_cast<unsigned char>(reference[i + 2])) != 0;
        pointer += escape
                       ? static_cast<char>(digit(reference[i + 1]) * 16 + digit(reference[i + 2]))
                       : reference[i];
        i += escape ? 2 : 0;
    }
    return pointer;
}

std::string upper(std::string_view text)
{
    std::string out(text);
    std::transform(out.begin(), out.end(), out.begin(),
                   [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
    return out;
}

class openapi_reader {
public:
    openapi_reader(const std::string& file, const import_options& options, const yaml_node& root,
                   imported_provider& made, problems& wrong)
        : file_(file),
          options_(options),
          root_(root),
          is_swagger_(!root.find("openapi")),
          made_(made),
          wrong_(wrong),
          schemes_(file, is_swagger_ ? "/securityDefinitions" : "/components/securitySchemes",
                   is_swagger_ ? map_at(root, "securityDefinitions")
                               : map_at(map_at(root, "components"), "securitySchemes"),
                   made),
          collector_(file, made.left_out)
    {
    }

    bool read()
    {
        if (!take_base(file_, options_, first_server(), made_, wrong_) ||
            !take_credential(file_, options_, "", made_, wrong_)) {
            return false;
        }
        schemes_.take_given();
        for (const yaml_node& path : map_at(root_, "paths").items) {
            const std::string pointer = "/paths/" + pointer_token(path.key);
            if (const yaml_node* item = resolve(path, pointer)) {
                read_path(path.key, *item, pointer);
            }
        }
        if (rows_.empty()) {
            wrong_.push_back({file_, root_.line, root_.column, "has no calls that can be allowed"});
            return false;
        }
        schemes_.add_unnamed();
        if (schemes_.kinds().empty()) {
            wrong_.push_back({file_, root_.line, root_.column,
                              "names no security scheme: say how the credential is sent with "
                              "--credential bearer, basic, header:NAME or query:NAME"});
            return false;
        }
        make_tables();
        return true;
    }

private:
    struct call {
        imported_row row;
        std::map<std::string, scope_alternatives> kinds;  // "": whatever the kind
    };

    void leave_out(const yaml_node& where, const std::string& pointer, const std::string& why)
    {
        made_.left_out.push_back({file_, where.line, where.column, pointer + ": " + why});
    }

    const yaml_node* resolve(const yaml_node& node, const std::string& pointer)
    {
        const yaml_node* at = &node;
        for (int i = 0; at && i < references_max; ++i) {
            const std::string reference = text_at(*at, "$ref");
            if (reference.empty()) {
                return at;
            }
            at = reference.starts_with('#') ? find_pointer(root_, pointer_of(reference)) : nullptr;
        }
        leave_out(node, pointer, "the reference leads out of the document or nowhere");
        return nullptr;
    }

    // Host variables become the connection's; those of the path get their defaults.
    std::string with_variables(const yaml_node& server)
    {
        std::string url = text_at(server, "url");
        for (const yaml_node& given : map_at(server, "variables").items) {
            const std::string placeholder = "{" + given.key + "}";
            const std::size_t at = url.find(placeholder);
            const std::size_t slashes = url.find("//");
            const std::size_t path = slashes == std::string::npos ? 0 : url.find('/', slashes + 2);
            if (at == std::string::npos) {
                continue;
            }
            const std::string name = id_of(given.key);
            const bool in_host = at < path;
            url.replace(at, placeholder.size(),
                        in_host ? "{" + name + "}" : text_at(given, "default"));
            if (in_host) {
                made_.variables.push_back({name, "host", text_at(given, "default"),
                                           pattern_of(list_at(given, "enum")),
                                           text_at(given, "description")});
            }
        }
        return url;
    }

    static std::string pattern_of(const yaml_node& choices)
    {
        std::string pattern;
        for (const std::string& choice : texts_of(choices)) {
            pattern += pattern.empty() ? "" : "|";
            for (const char c : choice) {
                pattern += c == '.' ? "\\." : std::string(1, c);
            }
        }
        return pattern;
    }

    std::string first_server()
    {
        if (is_swagger_) {
            const std::vector<std::string> known = texts_of(list_at(root_, "schemes"));
            const bool is_plain =
                !known.empty() && std::find(known.begin(), known.end(), "https") == known.end();
            const std::string host = text_at(root_, "host");
            return host.empty()
                       ? text_at(root_, "basePath")
                       : (is_plain ? "http://" : "https://") + host + text_at(root_, "basePath");
        }
        const yaml_node& servers = list_at(root_, "servers");
        for (std::size_t i = 1; i < servers.items.size() && options_.base_url.empty(); ++i) {
            leave_out(servers.items[i], "/servers/" + std::to_string(i),
                      "one server is used: choose this one with --base-url " +
                          text_at(servers.items[i], "url"));
        }
        return servers.items.empty() || !options_.base_url.empty()
                   ? ""
                   : with_variables(servers.items.front());
    }

    void read_path(const std::string& path, const yaml_node& item, const std::string& pointer)
    {
        for (const yaml_node& member : item.items) {
            if (std::find(operations.begin(), operations.end(), member.key) != operations.end()) {
                read_operation(path, item, member, pointer + "/" + member.key);
            }
        }
    }

    void read_operation(const std::string& path, const yaml_node& item, const yaml_node& operation,
                        const std::string& pointer)
    {
        call made;
        made.row.method = upper(operation.key);
        made.row.path = with_several(path, item, operation, pointer);
        if (!take_server(item, operation, pointer, made.row) ||
            !take_security(operation, pointer, made)) {
            return;
        }
        for (const auto& [kind, alternatives] : made.kinds) {
            made.row.scopes.insert(made.row.scopes.end(), alternatives.begin(), alternatives.end());
        }
        imported_row row = made.row;
        if (collector_.add(std::move(row), operation, pointer, rows_)) {
            calls_.push_back(std::move(made));
        }
    }

    // Parameters that may span segments, where somebody says so: {x} becomes {+x}.
    std::string with_several(std::string path, const yaml_node& item, const yaml_node& operation,
                             const std::string& pointer)
    {
        for (const yaml_node* owner : {&item, &operation}) {
            for (const yaml_node& given : list_at(*owner, "parameters").items) {
                const yaml_node* parameter = resolve(given, pointer + "/parameters");
                if (parameter && text_at(*parameter, "in") == "path" &&
                    text_at(*parameter, "x-multi-segment") == "true") {
                    const std::string name = "{" + text_at(*parameter, "name") + "}";
                    const std::size_t at = path.find(name);
                    path = at == std::string::npos ? path : path.insert(at + 1, "+");
                }
            }
        }
        return path;
    }

    bool take_server(const yaml_node& item, const yaml_node& operation, const std::string& pointer,
                     imported_row& row)
    {
        const yaml_node& nearer = list_at(operation, "servers");
        const yaml_node& servers = nearer.items.empty() ? list_at(item, "servers") : nearer;
        if (servers.items.empty() || text_at(servers.items[0], "url").starts_with('/')) {
            return true;
        }
        const auto apart = take_url_apart(text_at(servers.items[0], "url"));
        if (!apart || !apart->origin.starts_with("https:") ||
            apart->authority.find_first_of(":{") != std::string::npos) {
            leave_out(servers.items[0], pointer + "/servers", "is no plain https host");
            return false;
        }
        if (apart->origin + apart->path == made_.base) {
            return true;
        }
        row.base = apart->origin + apart->path;
        const bool is_known = std::find(made_.hosts.begin(), made_.hosts.end(), apart->authority) !=
                              made_.hosts.end();
        if (!is_known && take_url_apart(made_.base)->authority != apart->authority) {
            made_.hosts.push_back(apart->authority);
        }
        return true;
    }

    bool take_security(const yaml_node& operation, const std::string& pointer, call& made)
    {
        static const yaml_node none;
        const yaml_node* own = operation.find("security");
        const yaml_node* stated = own ? own : root_.find("security");
        auto kinds = schemes_.read(stated ? *stated : none);
        if (const yaml_node* scopes = operation.find("x-oauth-scope")) {
            // One more way in, said outside of `security`: an OAuth token with these scopes.
            schemes_.add_kind(credential_in_authorization("oauth2"));
            const bool is_text = scopes->is == yaml_node::type::scalar;
            kinds = kinds ? std::move(kinds) : std::map<std::string, scope_alternatives>();
            kinds->erase("");
            (*kinds)["oauth2"] = {is_text ? std::vector{scopes->text} : texts_of(*scopes)};
        }
        if (!kinds) {
            leave_out(operation, pointer, "accepts none of the credentials that can be given");
            return false;
        }
        if (kinds->contains("") && options_.drop_open) {
            leave_out(operation, pointer, "asks for no credential");
            return false;
        }
        made.kinds = std::move(*kinds);
        if (const auto oauth2 = made.kinds.find("oauth2");
            oauth2 != made.kinds.end() && !options_.full_scope.empty()) {
            add_full_scope(oauth2->second);
        }
        return true;
    }

    void add_full_scope(scope_alternatives& alternatives) const
    {
        std::erase_if(alternatives, [](const auto& scopes) { return scopes.empty(); });
        const std::vector<std::string> full{options_.full_scope};
        if (std::find(alternatives.begin(), alternatives.end(), full) == alternatives.end()) {
            alternatives.push_back(full);
        }
    }

    // Kinds whose calls are the same share a table; each base has its own.
    void make_tables()
    {
        // What a person signs in with goes before what has to be copied from somewhere.
        const auto is_oauth2 = [](const std::string& kind) { return kind == "oauth2"; };
        std::vector<std::string> kinds = schemes_.kinds();
        std::stable_partition(kinds.begin(), kinds.end(), is_oauth2);
        std::stable_partition(made_.credentials.begin(), made_.credentials.end(),
                              [&](const auto& made) { return is_oauth2(made.kind); });
        std::set<std::string> bases;
        for (const call& one : calls_) {
            bases.insert(one.row.base);
        }
        for (const std::string& base : bases) {
            const std::size_t first = made_.tables.size();
            for (const std::string& kind : kinds) {
                add_table(base, kind, first);
            }
        }
    }

    void add_table(const std::string& base, const std::string& kind, std::size_t first)
    {
        imported_table table;
        std::size_t open = 0;
        for (const call& one : calls_) {
            const auto open_to_all = one.kinds.find("");
            const auto found = open_to_all != one.kinds.end() ? open_to_all : one.kinds.find(kind);
            if (one.row.base == base && found != one.kinds.end()) {
                table.rows.push_back(one.row);
                table.rows.back().scopes = found->second;
                open += found->second.front().empty() ? 1 : 0;
            }
        }
        if (table.rows.empty()) {
            return;
        }
        for (std::size_t i = first; i < made_.tables.size(); ++i) {
            if (same_rows(made_.tables[i].rows, table.rows)) {
                made_.tables[i].kinds.push_back(kind);
                return;
            }
        }
        const auto apart = take_url_apart(base);
        table.file = made_.id + (made_.tables.empty() ? "" : "_" + kind) +
                     (apart ? "_" + id_of(apart->authority) : "") + ".tsv";
        table.base = base;
        table.kinds = {kind};
        table.remarks = {
            "semantics: '|' separates alternatives, '+' joins what is needed together, "
            "'-' asks for no scope."};
        if (open != 0) {
            table.remarks.push_back(std::to_string(open) + " of " +
                                    std::to_string(table.rows.size()) +
                                    " calls name no scope: every connection of this kind may make "
                                    "them, up to its run's class.");
        }
        made_.tables.push_back(std::move(table));
    }

    static bool same_rows(const std::vector<imported_row>& a, const std::vector<imported_row>& b)
    {
        return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const auto& x, const auto& y) {
            return x.method == y.method && x.path == y.path && x.scopes == y.scopes;
        });
    }

    const std::string& file_;
    const import_options& options_;
    const yaml_node& root_;
    bool is_swagger_;
    imported_provider& made_;
    problems& wrong_;
    security_schemes schemes_;
    row_collector collector_;
    std::vector<imported_row> rows_;
    std::vector<call> calls_;  // one for each of rows_
};

}  // namespace

bool read_openapi(const std::string& file, const import_options& options, imported_provider& made,
                  problems& wrong)
{
    const auto root = read_document(file, wrong);
    if (!root) {
        return false;
    }
    const std::string version = text_at(*root, "openapi");
    if (!version.starts_with("3.") && text_at(*root, "swagger") != "2.0") {
        wrong.push_back({file, root->line, root->column, "is neither OpenAPI 3 nor Swagger 2.0"});
        return false;
    }
    return take_options(file, options, text_at(map_at(*root, "info"), "title"), made, wrong) &&
           openapi_reader(file, options, *root, made, wrong).read();
}

}  // namespace sallyport::config
