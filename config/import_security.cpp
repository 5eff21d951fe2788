#include "config/import_security.hpp"

#include "base/text.hpp"

#include <algorithm>

namespace sallyport::config {
namespace {

using place = policy::injection::place;

std::string field_of(const std::string& scheme) { return id_of(scheme); }

}  // namespace

security_schemes::security_schemes(const std::string& file, const std::string& pointer,
                                   const yaml_node& schemes, imported_provider& made)
    : file_(file), pointer_(pointer), made_(made)
{
    for (const yaml_node& node : schemes.items) {
        scheme read = read_scheme(node);
        if (read.kind.empty()) {
            made_.left_out.push_back({file_, node.key_line, node.key_column,
                                      pointer_ + "/" + pointer_token(node.key) +
                                          ": the gate has no such credential; calls that accept "
                                          "no other are left out"});
        }
        schemes_.emplace(node.key, std::move(read));
    }
}

security_schemes::scheme security_schemes::read_scheme(const yaml_node& node)
{
    const std::string type = text_at(node, "type");
    const std::string name = lower(text_at(node, "scheme"));
    const auto in_authorization = [](const std::string& kind) {
        return scheme{kind, credential_in_authorization(kind).inject.front()};
    };
    if (type == "oauth2" || type == "openIdConnect") {
        read_oauth2(node);
        return in_authorization("oauth2");
    }
    if (type == "basic" || (type == "http" && name == "basic")) {
        return in_authorization("basic");
    }
    if (type == "http" && name == "bearer") {
        return in_authorization("bearer");
    }
    const std::string in = text_at(node, "in");
    if (type == "apiKey" && (in == "header" || in == "query" || in == "cookie")) {
        const place where = in == "header"  ? place::header
                            : in == "query" ? place::query
                                            : place::cookie;
        return {"api_key", {where, text_at(node, "name"), "{secret}"}};
    }
    return {};
}

void security_schemes::read_oauth2(const yaml_node& node)
{
    if (const std::string url = text_at(node, "openIdConnectUrl"); !url.empty()) {
        made_.notes.push_back("Authorization and token URL stand at " + url);
    }
    const yaml_node& flows = map_at(node, "flows");
    // The one that a person goes through first: its URLs are the ones to have.
    if (const yaml_node* preferred = flows.find("authorizationCode")) {
        read_flow(*preferred);
    }
    for (const yaml_node& flow : flows.items) {
        read_flow(flow);
    }
    read_flow(node);  // Swagger 2.0 has the one flow here.
}

void security_schemes::read_flow(const yaml_node& flow)
{
    constexpr std::pair<const char*, const char*> urls[] = {{"authorizationUrl", "authorize_url"},
                                                            {"tokenUrl", "token_url"},
                                                            {"refreshUrl", "refresh_url"}};
    for (const auto& [from, to] : urls) {
        const std::string url = text_at(flow, from);
        const auto token = made_.oauth2.find("token_url");
        if (take_url_apart(url) && (token == made_.oauth2.end() || token->second != url)) {
            made_.oauth2.try_emplace(to, url);
        }
    }
    for (const yaml_node& scope : map_at(flow, "scopes").items) {
        const bool is_known = std::any_of(made_.scopes.begin(), made_.scopes.end(),
                                          [&](const auto& known) { return known.id == scope.key; });
        if (!is_known && !scope.key.empty() && scope.key != "*") {
            made_.scopes.push_back({scope.key, "", scope.text});
        }
    }
}

bool security_schemes::claim(const std::string& kind, const std::set<std::string>& names)
{
    const auto [known, is_new] = set_of_kind_.try_emplace(kind, names);
    if (is_new) {
        kinds_.push_back(kind);
    }
    return is_new || known->second == names || kind == "oauth2";
}

void security_schemes::add_kind(policy::credential_kind kind)
{
    if (!set_of_kind_.contains(kind.kind)) {
        claim(kind.kind, {});
        made_.credentials.push_back(std::move(kind));
    }
}

void security_schemes::take_given()
{
    for (const policy::credential_kind& given : made_.credentials) {
        claim(given.kind, {});
    }
}

void security_schemes::add_unnamed()
{
    for (const auto& [name, known] : kinds_.empty() ? schemes_ : decltype(schemes_)()) {
        kind_of({name});
    }
}

// The kind for schemes that are needed together.
std::optional<std::string> security_schemes::kind_of(const std::set<std::string>& names)
{
    std::set<std::string> kinds;
    for (const std::string& name : names) {
        const auto known = schemes_.find(name);
        if (known == schemes_.end() || known->second.kind.empty()) {
            return std::nullopt;
        }
        kinds.insert(known->second.kind);
    }
    const bool is_single = names.size() == 1 || (kinds.size() == 1 && kinds.contains("oauth2"));
    const std::string kind = is_single ? *kinds.begin() : "custom";
    const bool is_new = !set_of_kind_.contains(kind);
    if (!claim(kind, names)) {
        return std::nullopt;
    }
    if (is_new) {
        policy::credential_kind made{kind, {}};
        for (const std::string& name : names) {
            policy::injection where = schemes_.at(name).place;
            if (!is_single) {
                const std::size_t brace = where.value.find('{');
                where.value = where.value.substr(0, brace) + "{" + field_of(name) + "}";
            }
            if (made.inject.empty() || !is_single) {
                made.inject.push_back(std::move(where));
            }
        }
        made_.credentials.push_back(std::move(made));
    }
    return kind;
}

std::optional<std::map<std::string, scope_alternatives>> security_schemes::read(
    const yaml_node& requirements)
{
    std::map<std::string, scope_alternatives> found;
    bool is_open = requirements.items.empty();
    for (const yaml_node& requirement : requirements.items) {
        std::set<std::string> names;
        std::vector<std::string> scopes;
        for (const yaml_node& one : requirement.items) {
            names.insert(one.key);
            for (std::string& scope : texts_of(one)) {
                if (std::find(scopes.begin(), scopes.end(), scope) == scopes.end()) {
                    scopes.push_back(std::move(scope));
                }
            }
        }
        is_open = is_open || names.empty();
        if (const auto kind = names.empty() ? std::nullopt : kind_of(names)) {
            std::sort(scopes.begin(), scopes.end());
            found[*kind].push_back(std::move(scopes));
        }
    }
    if (is_open) {
        found[""] = {{}};
    }
    return found.empty() ? std::nullopt : std::optional(std::move(found));
}

}  // namespace sallyport::config
