#include "control/connection_json.hpp"

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <algorithm>
#include <array>
#include <utility>

#include "base/text.hpp"
#include "policy/call_rate.hpp"
#include "vault/fields.hpp"

namespace sallyport::control {

namespace json = boost::json;

namespace {

json::array to_array(const std::vector<std::string>& texts)
{
    json::array array;
    for (const std::string& text : texts) {
        array.emplace_back(text);
    }
    return array;
}

bool is_label(std::string_view text, std::size_t bytes_max)
{
    return text.empty() || (text.size() <= bytes_max && vault::is_sendable(text));
}

std::optional<std::string> read_label(member_reader& members, std::string_view name,
                                      std::size_t bytes_max)
{
    std::optional<std::string> text = members.text(name);
    if (text && !is_label(*text, bytes_max)) {
        members.complain(name, "is too long or holds control characters");
    }
    return text;
}

std::optional<std::vector<std::string>> read_scopes(member_reader& members, std::string_view name)
{
    std::optional<std::vector<std::string>> scopes = members.texts(name);
    if (scopes && (scopes->size() > scopes_max ||
                   !std::all_of(scopes->begin(), scopes->end(),
                                [](const std::string& scope) { return is_scope(scope); }))) {
        members.complain(name, "must be a list of scopes: printable characters without spaces");
    }
    return scopes;
}

// What the gate itself writes into a call's head, or reads out of it.
bool is_settable_header(std::string_view name)
{
    constexpr std::array governed = {
        std::string_view("host"),         std::string_view("connection"),
        std::string_view("te"),           std::string_view("upgrade"),
        std::string_view("keep-alive"),   std::string_view("transfer-encoding"),
        std::string_view("trailer"),      std::string_view("content-length"),
        std::string_view("cookie"),       std::string_view("expect"),
        std::string_view("connection-id")};
    return !name.empty() && std::all_of(name.begin(), name.end(), is_token_char) &&
           !starts_with_ignoring_case(name, "proxy-") &&
           !starts_with_ignoring_case(name, "sallyport-") &&
           std::none_of(governed.begin(), governed.end(), [&](std::string_view reserved) {
               return equal_ignoring_case(name, reserved);
           });
}

void check_setting_headers(member_reader& settings, complaints& wrong)
{
    const auto headers = settings.text_map("headers");
    if (!headers) {
        return;
    }
    if (headers->size() > setting_headers_max) {
        settings.complain("headers", "has too many members");
    }
    for (const auto& [name, value] : *headers) {
        if (!is_settable_header(name) || !vault::is_sendable(value)) {
            wrong.add(pointer_to("/settings/headers", name), "cannot be set for a call");
        }
    }
}

std::optional<std::string> read_settings(member_reader& members, complaints& wrong)
{
    const json::object* given = members.object("settings");
    if (given == nullptr) {
        return std::nullopt;
    }
    member_reader settings(*given, "/settings", wrong);
    const auto timeout = settings.text("timeout");
    const auto parsed = timeout ? parse_duration(*timeout) : std::nullopt;
    if (timeout && (!parsed || parsed->count() < 1 || *parsed > setting_timeout_max)) {
        settings.complain("timeout", "must be a duration such as 30s, up to 10m");
    }
    check_setting_headers(settings, wrong);
    const json::object* rate_limit = settings.object("rate_limit");
    if (rate_limit != nullptr && !policy::read_call_rate(*rate_limit)) {
        settings.complain("rate_limit", std::string(policy::rate_complaint));
    }
    settings.refuse_others();
    return json::serialize(*given);
}

// A flavour of the OAuth flow, or a place of the token in its answer.
bool is_flow_variant(const policy::provider& provider, const std::string& variant)
{
    const auto& flow = provider.facts().oauth2;
    return flow && (std::any_of(flow->variants.begin(), flow->variants.end(),
                                [&](const auto& one) { return one.name == variant; }) ||
                    std::any_of(flow->token_paths.begin(), flow->token_paths.end(),
                                [&](const auto& one) { return one.first == variant; }));
}

void check_variant(member_reader& members, const policy::provider& provider,
                   const policy::credential_kind& kind, const std::string& variant)
{
    const auto& tables = provider.facts().tables;
    const bool is_known =
        variant.empty() || (kind.kind == "oauth2" && is_flow_variant(provider, variant)) ||
        std::any_of(tables.begin(), tables.end(), [&](const policy::rule_table& table) {
            return table.variant == variant &&
                   (table.kinds.empty() || std::find(table.kinds.begin(), table.kinds.end(),
                                                     kind.kind) != table.kinds.end());
        });
    if (!is_known) {
        members.complain("variant", "is not a variant of this provider for this kind");
    }
}

}  // namespace

bool is_scope(std::string_view text) noexcept
{
    return !text.empty() && text.size() <= scope_bytes_max &&
           std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c <= '~'; });
}

json::value time_or_null(unix_micros time)
{
    return time == 0 ? json::value(nullptr) : json::value(rfc3339(time));
}

json::object to_json(const vault::connection& record)
{
    json::object variables;
    for (const auto& [name, value] : record.variables) {
        variables[name] = value;
    }
    error_code error;
    json::value settings = json::parse(record.settings_json, error);
    json::object out;
    out["id"] = record.id;
    out["workspace"] = record.workspace;
    out["user"] = record.user;
    out["shared"] = record.shared;
    out["name"] = record.name;
    out["provider"] = record.provider;
    out["kind"] = record.kind;
    out["variant"] = record.variant;
    out["status"] = vault::to_string(record.status);
    out["status_reason"] = record.status_reason;
    out["scopes_granted"] = to_array(record.scopes_granted);
    out["scopes_requested"] = to_array(record.scopes_requested);
    out["variables"] = std::move(variables);
    out["account"] = record.account;
    out["settings"] = error ? json::value(json::object()) : std::move(settings);
    out["created_at"] = time_or_null(record.created_at);
    out["connected_at"] = time_or_null(record.connected_at);
    out["expires_at"] = time_or_null(record.expires_at);
    out["last_used_at"] = time_or_null(record.last_used_at);
    out["updated_at"] = time_or_null(record.updated_at);
    return out;
}

connection_changes read_changes(member_reader& members, const policy::provider& provider,
                                const policy::credential_kind& kind, unix_micros now,
                                complaints& wrong)
{
    connection_changes changes;
    changes.name = read_label(members, "name", connection_name_bytes_max);
    changes.account = read_label(members, "account", account_bytes_max);
    changes.variant = members.text("variant");
    if (changes.variant) {
        check_variant(members, provider, kind, *changes.variant);
    }
    changes.scopes_granted = read_scopes(members, "scopes");
    std::optional<std::vector<std::string>> granted = read_scopes(members, "scopes_granted");
    if (changes.scopes_granted && granted) {
        members.complain("scopes_granted", "cannot stand beside scopes", complaint_code::shape);
    } else if (granted) {
        changes.scopes_granted = std::move(granted);
    }
    changes.scopes_requested = read_scopes(members, "scopes_requested");
    changes.settings_json = read_settings(members, wrong);
    changes.variables = members.text_map("variables");
    if (changes.variables) {
        check_variables(provider, kind, *changes.variables, wrong);
    }
    const json::object* credential = members.object("credential");
    if (credential != nullptr) {
        changes.credential = read_credential(*credential, kind.kind, now, wrong);
    }
    return changes;
}

void apply_plain(const connection_changes& changes, vault::connection& record)
{
    record.name = changes.name.value_or(record.name);
    record.variant = changes.variant.value_or(record.variant);
    record.account = changes.account.value_or(record.account);
    record.settings_json = changes.settings_json.value_or(record.settings_json);
    record.scopes_granted = changes.scopes_granted.value_or(record.scopes_granted);
    record.scopes_requested = changes.scopes_requested.value_or(record.scopes_requested);
}

std::optional<vault::credential> take_credential(connection_changes& changes)
{
    if (!changes.credential) {
        return std::nullopt;
    }
    return std::move(changes.credential->fields);
}

}  // namespace sallyport::control
