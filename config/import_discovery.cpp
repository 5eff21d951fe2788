// Google's API discovery documents (developers.google.com/discovery/v1/reference/apis).
#include "config/import.hpp"

namespace sallyport::config {
namespace {

class discovery_reader {
public:
    discovery_reader(const std::string& file, const import_options& options, const yaml_node& root,
                     imported_provider& made)
        : file_(file), options_(options), root_(root), made_(made), rows_(file_, made.left_out)
    {
    }

    void read()
    {
        service_path_ = text_at(root_, "servicePath");
        read_members(root_, "");
        for (const yaml_node& scope :
             map_at(map_at(map_at(root_, "auth"), "oauth2"), "scopes").items) {
            made_.scopes.push_back({scope.key, "", text_at(scope, "description")});
        }
        made_.credentials.push_back(credential_in_authorization("oauth2"));
        for (const char* name : {"access_token", "oauth_token", "key"}) {
            if (map_at(root_, "parameters").find(name)) {
                made_.strip.push_back(std::string("query:") + name);
            }
        }
        if (const std::string batch = text_at(root_, "batchPath"); !batch.empty()) {
            made_.tunnels.push_back("POST /" + batch);
        }
        made_.tables.push_back(std::move(table_));
    }

private:
    // Methods, and the resources below, which hold methods in turn. The document's depth is
    // bounded.
    void read_members(const yaml_node& owner, const std::string& pointer)
    {
        for (const yaml_node& method : map_at(owner, "methods").items) {
            read_method(method, pointer + "/methods/" + pointer_token(method.key));
        }
        for (const yaml_node& resource : map_at(owner, "resources").items) {
            read_members(resource, pointer + "/resources/" + pointer_token(resource.key));
        }
    }

    void read_method(const yaml_node& method, const std::string& pointer)
    {
        imported_row row{text_at(method, "httpMethod"), "", {}};
        for (std::string& scope : texts_of(list_at(method, "scopes"))) {
            row.scopes.push_back({std::move(scope)});
        }
        const bool is_open = row.scopes.empty();
        if (is_open && options_.drop_open) {
            made_.left_out.push_back(
                {file_, method.line, method.column, pointer + ": names no scope"});
            return;
        }
        if (is_open) {
            row.scopes.emplace_back();
        }
        const std::string flat = text_at(method, "flatPath");
        row.path = "/" + service_path_ + (flat.empty() ? text_at(method, "path") : flat);
        const yaml_node& protocols = map_at(map_at(method, "mediaUpload"), "protocols");
        std::set<std::string> uploads;
        for (const yaml_node& protocol : protocols.items) {
            uploads.insert(text_at(protocol, "path"));
        }
        for (const std::string& path : uploads) {
            imported_row upload = row;
            upload.path = path;
            rows_.add(std::move(upload), method, pointer + "/mediaUpload", table_.rows);
        }
        rows_.add(std::move(row), method, pointer, table_.rows);
    }

    const std::string& file_;
    const import_options& options_;
    const yaml_node& root_;
    imported_provider& made_;
    row_collector rows_;
    std::string service_path_;
    imported_table table_;
};

void add_google_facts(imported_provider& made)
{
    const auto apart = take_url_apart(made.base);
    if (apart && apart->authority.ends_with("googleapis.com")) {
        made.oauth2 = {{"authorize_url", "https://accounts.google.com/o/oauth2/v2/auth"},
                       {"token_url", "https://oauth2.googleapis.com/token"},
                       {"scope_separator", " "}};
        made.method_override = {"header:X-HTTP-Method-Override"};
    }
}

}  // namespace

bool read_discovery(const std::string& file, const import_options& options, imported_provider& made,
                    problems& wrong)
{
    const auto root = read_document(file, wrong);
    if (!root) {
        return false;
    }
    if (!root->find("discoveryVersion") && text_at(*root, "kind") != "discovery#restDescription") {
        wrong.push_back({file, root->line, root->column, "is no discovery document"});
        return false;
    }
    const std::string title = text_at(*root, "title");
    if (!take_options(file, options, title.empty() ? text_at(*root, "name") : title, made, wrong)) {
        return false;
    }
    made.id = options.id.empty() ? id_of(text_at(*root, "name")) : made.id;
    std::string base = text_at(*root, "rootUrl");
    const std::string whole = text_at(*root, "baseUrl");
    const std::string service = text_at(*root, "servicePath");
    if (base.empty() && whole.ends_with(service)) {
        base = whole.substr(0, whole.size() - service.size());
    }
    if (!take_base(file, options, base, made, wrong)) {
        return false;
    }
    discovery_reader(file, options, *root, made).read();
    imported_table& table = made.tables.front();
    table.file = made.id + ".tsv";
    table.kinds = {"oauth2"};
    table.remarks = {
        "semantics: any ONE scope of the '|' list suffices. '-' = the method lists no scope."};
    add_google_facts(made);
    return true;
}

}  // namespace sallyport::config
