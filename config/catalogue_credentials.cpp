#include "base/text.hpp"
#include "config/catalogue_file.hpp"

#include <algorithm>
#include <array>
#include <set>

namespace sallyport::config {
namespace {

using policy::carrier;
using policy::injection;

constexpr std::array<std::string_view, 5> kinds = {"oauth2", "api_key", "bearer", "basic",
                                                   "custom"};

// Fields that frame a message or say where it goes: neither a file nor a credential sets them.
constexpr std::array<std::string_view, 11> framing_fields = {
    "host",    "content-length", "transfer-encoding", "connection", "te",           "trailer",
    "upgrade", "keep-alive",     "proxy-connection",  "expect",     "connection-id"};

bool is_field_name(std::string_view text)
{
    return !text.empty() && std::all_of(text.begin(), text.end(), is_token_char);
}

bool is_settable_field(std::string_view name)
{
    const std::string lowered = lower(name);
    return is_field_name(name) && !lowered.starts_with("proxy-") &&
           !lowered.starts_with("sallyport-") &&
           std::find(framing_fields.begin(), framing_fields.end(), lowered) == framing_fields.end();
}

bool is_printable(std::string_view text)
{
    return std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c < 0x7f; });
}

// `with_halves`: the file tells the halves of {basic} itself.
bool is_known_placeholder(std::string_view name, std::string_view kind, bool with_halves,
                          const policy::provider_facts& facts)
{
    if (name == "basic" && (with_halves || kind == "basic")) {
        return true;
    }
    if (has_variable(facts, name) || (name == "secret" && kind != "custom" && kind != "basic")) {
        return true;
    }
    if (kind == "oauth2") {
        return name == "access_token";
    }
    if (kind == "basic") {
        return name == "username" || name == "password";
    }
    return kind == "custom" && !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
               return (to_lower(c) >= 'a' && to_lower(c) <= 'z') || (c >= '0' && c <= '9') ||
                      c == '_';
           });
}

void check_name(yaml_file& file, const yaml_node& item, const injection& made)
{
    using place = injection::place;
    if (made.in == place::path) {
        if (!made.name.empty() && (!made.name.starts_with('/') || made.name.ends_with('/') ||
                                   made.name.find_first_of("{}?#%") != std::string::npos)) {
            file.report(item, "under must be a path as it stands, \"/file\"");
        } else if (!made.value.starts_with('/')) {
            file.report(item, "a template for the path starts with a slash");
        } else if (made.value.ends_with('/')) {
            file.report(item, "a template for the path ends without a slash");
        }
    } else if (made.in == place::header   ? !is_settable_field(made.name)
               : made.in == place::cookie ? !is_field_name(made.name)
                                          : made.name.empty() || !is_printable(made.name)) {
        file.report(item, "the place has no name that it may have");
    }
}

void read_injection(yaml_file& file, const yaml_node& item, const policy::provider_facts& facts,
                    bool with_halves, policy::credential_kind& kind)
{
    constexpr std::array<std::string_view, 5> places = {"header", "query", "cookie", "path",
                                                        "body"};
    yaml_map map(file, item);
    injection made;
    std::string in;
    map.require("in");
    map.read("value", made.value);
    if (map.read("in", in)) {
        const auto place = std::find(places.begin(), places.end(), in);
        if (place == places.end()) {
            file.report(*map.find("in"), "expected header, query, cookie, path or body");
            return;
        }
        made.in = static_cast<injection::place>(place - places.begin());
    }
    if (made.in == injection::place::path) {
        map.read("template", made.value);
        map.read("under", made.name);
    } else {
        map.read("name", made.name);
    }
    check_name(file, item, made);
    std::size_t placeholders = 0;
    const bool paired = for_each_placeholder(made.value, [&](std::string_view name) {
        ++placeholders;
        if (!is_known_placeholder(name, kind.kind, with_halves, facts)) {
            file.report(item, "{" + std::string(name) + "} is unknown for the kind " + kind.kind);
        }
    });
    if (!paired || placeholders == 0 || !is_printable(made.value)) {
        file.report(item, "the value must be printable and hold a {placeholder}");
    }
    kind.inject.push_back(std::move(made));
}

// The halves of {basic}, where they are not just the user name and the password of a credential of
// the kind basic. A half may be empty.
bool read_halves(yaml_file& file, yaml_map& map, const policy::provider_facts& facts,
                 policy::credential_kind& kind)
{
    const bool given = map.find("username") || map.find("password");
    if (given && kind.kind != "basic") {
        map.require("username");
        map.require("password");
    }
    const auto read = [&](std::string_view key, std::string& half) {
        if (!map.read(key, half)) {
            return;
        }
        const bool paired = for_each_placeholder(half, [&](std::string_view name) {
            if (name == "basic" || !is_known_placeholder(name, kind.kind, false, facts)) {
                file.report(*map.find(key),
                            "{" + std::string(name) + "} is unknown for the kind " + kind.kind);
            }
        });
        if (!paired || !is_printable(half)) {
            file.report(*map.find(key), "expected a printable template");
        }
    };
    read("username", kind.basic_username);
    read("password", kind.basic_password);
    return given;
}

bool is_scope_part(std::string_view text)
{
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
    });
}

// sign, service and region: the credential signs the request instead of being sent. True if so.
bool read_signature(yaml_file& file, yaml_map& map, const policy::provider_facts& facts,
                    policy::credential_kind& kind)
{
    std::string sign;
    if (!map.read("sign", sign)) {
        return false;
    }
    if (sign != "aws_sigv4") {
        file.report(*map.find("sign"), "expected aws_sigv4");
    }
    if (kind.kind != "custom") {
        file.report(*map.find("sign"), "only a credential of the kind custom can sign");
    }
    map.require("service");
    map.require("region");
    if (map.read("service", kind.sign.service) && !is_scope_part(kind.sign.service)) {
        file.report(*map.find("service"), "expected a service's name, \"s3\"");
    }
    if (!map.read("region", kind.sign.region)) {
        return true;
    }
    std::size_t placeholders = 0;
    const bool paired = for_each_placeholder(kind.sign.region, [&](std::string_view name) {
        ++placeholders;
        if (!has_variable(facts, name)) {
            file.report(*map.find("region"),
                        "{" + std::string(name) + "} is no variable of this provider");
        }
    });
    if (!paired || (placeholders == 0 && !is_scope_part(kind.sign.region))) {
        file.report(*map.find("region"), "expected a region, \"us-east-1\" or \"{region}\"");
    }
    return true;
}

void read_credential(yaml_file& file, const yaml_node& item, policy::provider_facts& facts)
{
    yaml_map map(file, item);
    policy::credential_kind made;
    map.read("secret_format", made.secret_format);
    map.read("note", made.note);
    map.require("kind");
    if (map.read("kind", made.kind)) {
        if (std::find(kinds.begin(), kinds.end(), made.kind) == kinds.end()) {
            file.report(*map.find("kind"), "expected oauth2, api_key, bearer, basic or custom");
        }
        for (const policy::credential_kind& earlier : facts.credentials) {
            if (earlier.kind == made.kind) {
                file.report(*map.find("kind"), "the kind " + made.kind + " is repeated");
            }
        }
    }
    const bool with_halves = read_halves(file, map, facts, made);
    const bool is_signing = read_signature(file, map, facts, made);
    const yaml_node* inject = is_signing ? map.find("inject") : map.require("inject");
    if (inject && file.expect_list(*inject)) {
        if (inject->items.empty()) {
            file.report(*inject, "at least one place is needed");
        }
        for (const yaml_node& place : inject->items) {
            read_injection(file, place, facts, with_halves, made);
        }
    }
    facts.credentials.push_back(std::move(made));
}

void read_headers(yaml_file& file, yaml_map& top, policy::provider_facts& facts)
{
    const yaml_node* headers = top.find("headers");
    if (!headers || !file.expect_map(*headers)) {
        return;
    }
    for (const yaml_node& item : headers->items) {
        if (!is_settable_field(item.key)) {
            file.report_key(item, "\"" + item.key + "\" is no field that a file may set");
        }
        if (const auto value = file.string(item)) {
            if (!is_printable(*value) || value->empty()) {
                file.report(item, "the value must be printable");
            }
            facts.headers.emplace_back(item.key, *value);
        }
    }
}

std::optional<carrier> parse_carrier(std::string_view text)
{
    constexpr std::array<std::string_view, 4> places = {"header", "query", "form", "json"};
    const std::size_t colon = text.find(':');
    const auto place = std::find(places.begin(), places.end(), text.substr(0, colon));
    if (colon == std::string_view::npos || place == places.end()) {
        return std::nullopt;
    }
    carrier made;
    made.in = static_cast<carrier::place>(place - places.begin());
    made.name = text.substr(colon + 1);
    const bool fits = made.in == carrier::place::header
                          ? is_field_name(made.name)
                          : !made.name.empty() && is_printable(made.name);
    return fits ? std::optional(std::move(made)) : std::nullopt;
}

}  // namespace

void read_credentials(yaml_file& file, yaml_map& top, policy::provider_facts& facts)
{
    const yaml_node* list = top.require("credentials");
    if (list && file.expect_list(*list)) {
        if (list->items.empty()) {
            file.report(*list, "at least one kind of credential is needed");
        }
        for (const yaml_node& item : list->items) {
            read_credential(file, item, facts);
        }
    }
    read_headers(file, top, facts);
}

void read_carriers(yaml_file& file, yaml_map& top, policy::provider_facts& facts)
{
    for (const char* key : {"strip", "method_override"}) {
        const yaml_node* list = top.find(key);
        if (!list || !file.expect_list(*list)) {
            continue;
        }
        for (const yaml_node& item : list->items) {
            const auto text = file.string(item);
            auto made = text ? parse_carrier(*text) : std::nullopt;
            if (made) {
                facts.strip.push_back(std::move(*made));
            } else if (text) {
                file.report(item, "expected header:NAME, query:NAME, form:NAME or json:NAME");
            }
        }
    }
}

}  // namespace sallyport::config
