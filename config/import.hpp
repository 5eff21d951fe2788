// Turns what others publish about an API into a provider file and its tables of scope rules
// (CONTRACT.md 5), so that a provider of one's own takes a minute and no code.
//
//   read_discovery   a Google API discovery document
//   read_openapi     OpenAPI 3.0 and 3.1, Swagger 2.0; JSON or YAML
//   read_graph       the permissions.json behind Microsoft Graph's reference
//   read_table_file  a table in the form of catalogue_table.hpp, for which a file is missing
//
// Each fills an imported_provider; render() writes it as text. Nothing is asked of the network.
// What cannot be said in our form is left out, never rounded up to "allowed", and `left_out` says
// what, where and why. Limits: those of document.hpp, and imported_rows_max.
#pragma once

#include "config/document.hpp"
#include "policy/provider.hpp"

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace sallyport::config {

constexpr std::size_t imported_rows_max = 50'000;  // of one table

// What a document may not say.
struct import_options {
    std::string id = {};        // Default: made of the document's name.
    std::string name = {};      // Default: the document's title.
    std::string category = {};  // Default: Imported.
    std::string base_url = {};  // https://host[/path]; default: the document's first server.
    // bearer, basic, header:NAME or query:NAME, where the document names no scheme.
    std::string credential = {};
    // Opens every call, and alone those whose credential names no scope.
    std::string full_scope = {};
    std::vector<std::string> allow = {};  // plain_http, private_addresses
    bool drop_open = false;  // Whether calls that state no security at all are left out.
};

struct imported_row {
    std::string method;
    std::string path;                              // template, without the base's path
    std::vector<std::vector<std::string>> scopes;  // alternatives; an empty one: none is needed
    std::string base = {};                         // URL, where it is not the provider's
};

struct imported_table {
    std::string file;  // name without directory
    std::string base;  // URL; empty: the provider's
    std::vector<std::string> kinds;
    std::string variant;
    std::vector<std::string> remarks;  // one line each
    std::vector<imported_row> rows;
    std::string verbatim;  // The table's text, where it is there already.
};

struct imported_provider {
    std::string id;
    std::string name;
    std::string category;
    std::string source;  // the document's file name and title, for the files' first lines
    std::string base;    // https://host[:port][/path]
    std::vector<std::string> hosts;  // besides the base's
    std::vector<std::string> allow;
    bool path_case_insensitive = false;
    std::vector<policy::variable> variables;
    std::vector<policy::credential_kind> credentials;
    std::map<std::string, std::string> oauth2;  // authorize_url, token_url, ...: as in the file
    std::vector<policy::scope_description> scopes;
    std::vector<std::string> strip;            // carriers of credentials, as in the file
    std::vector<std::string> method_override;  // carriers of verbs, as in the file
    std::vector<std::string> tunnels;          // "POST /batch": what carries other calls
    std::vector<std::string> notes;            // lines of comment: what a person has to add or know
    std::vector<imported_table> tables;
    problems left_out;
};

// False: `wrong` says why.
bool read_discovery(const std::string& file, const import_options& options, imported_provider& made,
                    problems& wrong);
bool read_openapi(const std::string& file, const import_options& options, imported_provider& made,
                  problems& wrong);
bool read_graph(const std::string& file, const import_options& options, imported_provider& made,
                problems& wrong);
// Any row that is wrong makes the whole table wrong.
bool read_table_file(const std::string& file, const import_options& options,
                     imported_provider& made, problems& wrong);

struct rendered_file {
    std::string name;
    std::string text;
};

// The provider's file first. A scope's class is that of the strongest call that it
// opens alone, else what its name says.
std::vector<rendered_file> render(imported_provider made);

// Shared by the readers.

// Takes rows that a table can hold; reports the others to `left_out` at `where`. Rows that differ
// in their placeholders' names alone are one call: the first stays.
class row_collector {
public:
    row_collector(const std::string& file, problems& left_out) : file_(file), left_out_(left_out) {}

    // `pointer` says where in the document the call stands.
    bool add(imported_row row, const yaml_node& where, const std::string& pointer,
             std::vector<imported_row>& rows);

private:
    std::string fault(const imported_row& row, const std::vector<imported_row>& rows);

    const std::string& file_;
    problems& left_out_;
    std::map<std::string, std::size_t> seen_;  // method and bare template -> index
};

// An id made of a title: lower case, '_' for what an id may not hold.
std::string id_of(std::string_view title);

// Origin and path of an https:// or http:// URL; the path without its last slash.
struct split_url {
    std::string origin;
    std::string authority;
    std::string path;
};
std::optional<split_url> take_url_apart(std::string_view url);

// The file's name without its directory.
std::string base_name(const std::string& file);

// What every reader does first and last: id, name and category from the options or the document;
// the base URL, refused where it is no URL or plain http nobody allowed. False: reported.
bool take_options(const std::string& file, const import_options& options, std::string_view title,
                  imported_provider& made, problems& wrong);
bool take_base(const std::string& file, const import_options& options, const std::string& base,
               imported_provider& made, problems& wrong);

// What options.credential says, else the usual place of `kind` (none where that is empty).
bool take_credential(const std::string& file, const import_options& options,
                     const std::string& kind, imported_provider& made, problems& wrong);

// The usual place of a kind: oauth2, bearer, basic.
policy::credential_kind credential_in_authorization(const std::string& kind);

}  // namespace sallyport::config
