#include "control/credential.hpp"

#include <algorithm>
#include <span>
#include <utility>
#include <vector>

#include "base/text.hpp"
#include "control/app_credential.hpp"
#include "policy/variables.hpp"
#include "vault/fields.hpp"

namespace sallyport::control {

namespace json = boost::json;

namespace {

struct field_shape {
    std::string_view name;
    bool required = true;
};

constexpr field_shape secret_fields[] = {{"secret"}};
constexpr field_shape basic_fields[] = {{"username"}, {"password"}};
constexpr field_shape oauth2_fields[] = {
    {"access_token"}, {"refresh_token", false}, {"client_id", false}, {"client_secret", false}};

struct kind_shape {
    std::string_view kind;
    std::span<const field_shape> fields;
};

constexpr kind_shape kind_shapes[] = {{"api_key", secret_fields},
                                      {"bearer", secret_fields},
                                      {"basic", basic_fields},
                                      {"oauth2", oauth2_fields}};

constexpr std::string_view credential_pointer = "/credential";
constexpr std::string_view variables_pointer = "/variables";

void complain_of_credential(complaints& wrong, std::string_view field, std::string detail)
{
    wrong.add(
        field.empty() ? std::string(credential_pointer) : pointer_to(credential_pointer, field),
        std::move(detail), complaint_code::credential);
}

// `shown` is the field's name where the shape, not the caller, chose it.
void take_field(const json::value& given, std::string_view name, std::string_view shown,
                vault::credential& fields, complaints& wrong)
{
    const json::string* text = given.if_string();
    if (text == nullptr || !vault::is_sendable(std::string_view(*text))) {
        complain_of_credential(wrong, shown,
                               "must be a string that can be sent: not empty, without control "
                               "characters, not too long");
        return;
    }
    fields.push_back({std::string(name), vault::secret(std::string_view(*text))});
}

void read_custom(const json::object& given, vault::credential& fields, complaints& wrong)
{
    if (given.empty() || given.size() > vault::fields_max) {
        complain_of_credential(wrong, "", "must have from 1 to 64 fields");
        return;
    }
    for (const auto& member : given) {
        if (!is_name(member.key())) {
            complain_of_credential(wrong, "", "has a field whose name is not a proper name");
            continue;
        }
        take_field(member.value(), member.key(), "", fields, wrong);
    }
}

unix_micros read_expiry(const json::object& given, unix_micros now, complaints& wrong)
{
    const json::value* at = given.if_contains("expires_at");
    const json::value* in = given.if_contains("expires_in");
    if (at != nullptr && in != nullptr) {
        complain_of_credential(wrong, "expires_in", "cannot stand beside expires_at");
        return 0;
    }
    if (at != nullptr) {
        const json::string* text = at->if_string();
        const auto time = text != nullptr ? parse_rfc3339(std::string_view(*text)) : std::nullopt;
        if (!time) {
            complain_of_credential(wrong, "expires_at", "must be an RFC 3339 date and time");
        }
        return time.value_or(0);
    }
    if (in != nullptr) {
        boost::system::error_code error;
        const auto seconds = in->to_number<std::int64_t>(error);
        if (error || seconds < 1 || std::chrono::seconds(seconds) > expires_in_max) {
            complain_of_credential(wrong, "expires_in", "must be a number of seconds");
            return 0;
        }
        return now + std::chrono::microseconds(std::chrono::seconds(seconds)).count();
    }
    return 0;
}

// The {names} in a template.
std::vector<std::string_view> placeholders_of(std::string_view text)
{
    std::vector<std::string_view> names;
    for (;;) {
        const std::size_t open = text.find('{');
        const std::size_t close = open == text.npos ? open : text.find('}', open);
        if (close == text.npos) {
            return names;
        }
        names.push_back(text.substr(open + 1, close - open - 1));
        text.remove_prefix(close + 1);
    }
}

bool injects(const policy::credential_kind& kind, std::string_view name, bool in_path_only)
{
    for (const policy::injection& one : kind.inject) {
        if (in_path_only && one.in != policy::injection::place::path) {
            continue;
        }
        const auto names = placeholders_of(one.value);
        if (std::find(names.begin(), names.end(), name) != names.end()) {
            return true;
        }
    }
    return false;
}

bool has_field(const vault::credential& fields, std::string_view name)
{
    return std::any_of(fields.begin(), fields.end(),
                       [&](const vault::credential_field& field) { return field.name == name; });
}

bool is_supplied(std::string_view name, const policy::provider& provider,
                 const vault::credential& fields, const variable_map& variables)
{
    const policy::variable* declared = policy::find_variable(provider.facts(), name);
    return has_field(fields, name) || variables.contains(std::string(name)) ||
           (declared != nullptr && !declared->default_value.empty()) ||
           (name == "secret" && has_field(fields, "access_token")) ||
           ((name == "secret" || name == "access_token") && has_field(fields, "grant"));
}

// What a kind's places need, with {basic} taken apart.
std::vector<std::string_view> needed_by(const policy::credential_kind& kind)
{
    std::vector<std::string_view> needed;
    const auto add = [&](std::string_view text) {
        for (const std::string_view name : placeholders_of(text)) {
            needed.push_back(name);
        }
    };
    for (const policy::injection& one : kind.inject) {
        add(one.value);
    }
    if (!kind.sign.service.empty()) {
        needed.emplace_back("access_key_id");
        needed.emplace_back("secret_access_key");
    }
    if (std::erase(needed, "basic") != 0) {
        add(kind.basic_username);
        add(kind.basic_password);
    }
    return needed;
}

}  // namespace

credential_input read_credential(const json::object& given, std::string_view kind, unix_micros now,
                                 complaints& wrong)
{
    credential_input input;
    if (kind == "oauth2" && read_app_credential(given, input.fields, wrong)) {
        input.expires_at = now;  // What has no token yet is renewed before its first use.
        return input;
    }
    const auto* const shape = std::find_if(std::begin(kind_shapes), std::end(kind_shapes),
                                           [&](const kind_shape& one) { return one.kind == kind; });
    if (shape == std::end(kind_shapes)) {
        read_custom(given, input.fields, wrong);
        return input;
    }
    std::size_t known = 0;
    for (const field_shape& field : shape->fields) {
        const json::value* value = given.if_contains(field.name);
        if (value != nullptr) {
            ++known;
            take_field(*value, field.name, field.name, input.fields, wrong);
        } else if (field.required) {
            complain_of_credential(wrong, field.name, "is required");
        }
    }
    if (kind == "oauth2") {
        known += given.contains("expires_at") ? 1 : 0;
        known += given.contains("expires_in") ? 1 : 0;
        input.expires_at = read_expiry(given, now, wrong);
    }
    if (kind == "basic" && !input.fields.empty() && input.fields.front().name == "username" &&
        input.fields.front().value.reveal().find(':') != std::string_view::npos) {
        complain_of_credential(wrong, "username", "cannot hold a colon (RFC 7617)");
    }
    if (known != given.size()) {
        complain_of_credential(wrong, "",
                               "has a member that this kind of credential does not have");
    }
    return input;
}

void check_variables(const policy::provider& provider, const policy::credential_kind& kind,
                     const variable_map& variables, complaints& wrong)
{
    for (const auto& [name, value] : variables) {
        const policy::variable* declared = policy::find_variable(provider.facts(), name);
        if (declared == nullptr && !injects(kind, name, false)) {
            wrong.add(pointer_to(variables_pointer, name), "is not a variable of this provider");
        } else if (!policy::is_acceptable(declared, value)) {
            wrong.add(pointer_to(variables_pointer, name), "does not have the form it must have");
        }
    }
}

void check_completeness(const policy::provider& provider, const policy::credential_kind& kind,
                        const vault::credential& fields, const variable_map& variables,
                        complaints& wrong)
{
    check_grant(provider, fields, wrong);
    for (const policy::variable& one : provider.facts().variables) {
        if (one.default_value.empty() && !one.is_optional && !variables.contains(one.name)) {
            wrong.add(pointer_to(variables_pointer, one.name), "is required by this provider");
        }
    }
    for (const std::string_view name : needed_by(kind)) {
        if (policy::find_variable(provider.facts(), name) == nullptr &&
            !is_supplied(name, provider, fields, variables)) {
            complain_of_credential(wrong, "",
                                   "lacks what this provider needs as {" + std::string(name) + "}");
        }
    }
}

bool is_used_in_url(const policy::provider& provider, const policy::credential_kind& kind,
                    std::string_view variable)
{
    // What a provider declares stands in its hosts, paths or OAuth URLs; the rest can only be part
    // of what is injected.
    return policy::find_variable(provider.facts(), variable) != nullptr ||
           injects(kind, variable, true);
}

}  // namespace sallyport::control
