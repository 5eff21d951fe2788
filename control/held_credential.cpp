#include "control/held_credential.hpp"

#include <openssl/crypto.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <utility>

#include "base/strict_json.hpp"
#include "base/ulid.hpp"
#include "control/json.hpp"
#include "vault/error.hpp"

namespace sallyport::control {

namespace json = boost::json;

namespace {

json::array to_array(const std::vector<std::string>& texts)
{
    return json::array(texts.begin(), texts.end());
}

std::string text_of(const json::object& from, std::string_view name)
{
    const json::value* found = from.if_contains(name);
    return found != nullptr && found->is_string() ? std::string(found->get_string()) : "";
}

std::int64_t number_of(const json::object& from, std::string_view name)
{
    const json::value* found = from.if_contains(name);
    return found != nullptr && found->is_int64() ? found->get_int64() : 0;
}

std::vector<std::string> texts_of(const json::object& from, std::string_view name)
{
    std::vector<std::string> texts;
    const json::value* found = from.if_contains(name);
    if (found != nullptr && found->is_array()) {
        for (const json::value& one : found->get_array()) {
            if (one.is_string()) {
                texts.emplace_back(one.get_string());
            }
        }
    }
    return texts;
}

}  // namespace

held_credential copy_of(const vault::connection& record, const vault::credential& fields)
{
    held_credential held;
    held.record = record;
    for (const vault::credential_field& field : fields) {
        held.fields.push_back({field.name, vault::secret(field.value.reveal())});
    }
    return held;
}

wiped_string to_text(const held_credential& held)
{
    const vault::connection& record = held.record;
    json::value whole(wiping_storage());
    json::object& out = whole.emplace_object();
    out["id"] = record.id;
    out["workspace"] = record.workspace;
    out["user"] = record.user;
    out["shared"] = record.shared;
    out["provider"] = record.provider;
    out["kind"] = record.kind;
    out["variant"] = record.variant;
    out["account"] = record.account;
    out["scopes_granted"] = to_array(record.scopes_granted);
    out["scopes_requested"] = to_array(record.scopes_requested);
    out["expires_at"] = record.expires_at;
    out["created_at"] = record.created_at;
    out["credential_version"] = static_cast<std::int64_t>(record.credential_version);
    json::object& variables = out["variables"].emplace_object();
    for (const auto& [name, value] : record.variables) {
        variables[name] = value;
    }
    json::object& fields = out["credential"].emplace_object();
    for (const vault::credential_field& field : held.fields) {
        fields[field.name] = field.value.reveal();
    }
    return serialized(whole);
}

result<held_credential> read_held(std::string_view text)
{
    const result<json::value> parsed = parse_strictly(text);
    const json::object* from = parsed ? parsed->if_object() : nullptr;
    const json::value* variables = from != nullptr ? from->if_contains("variables") : nullptr;
    const json::value* fields = from != nullptr ? from->if_contains("credential") : nullptr;
    if (variables == nullptr || !variables->is_object() || fields == nullptr ||
        !fields->is_object()) {
        return error_code(vault::errc::corrupted);
    }
    held_credential held;
    vault::connection& record = held.record;
    record.id = text_of(*from, "id");
    record.workspace = text_of(*from, "workspace");
    record.user = text_of(*from, "user");
    const json::value* shared = from->if_contains("shared");
    record.shared = shared != nullptr && shared->is_bool() && shared->get_bool();
    record.provider = text_of(*from, "provider");
    record.kind = text_of(*from, "kind");
    record.variant = text_of(*from, "variant");
    record.account = text_of(*from, "account");
    record.scopes_granted = texts_of(*from, "scopes_granted");
    record.scopes_requested = texts_of(*from, "scopes_requested");
    record.expires_at = number_of(*from, "expires_at");
    record.created_at = number_of(*from, "created_at");
    record.credential_version = static_cast<std::uint64_t>(number_of(*from, "credential_version"));
    for (const auto& one : variables->get_object()) {
        record.variables[one.key()] = text_of(variables->get_object(), one.key());
    }
    for (const auto& one : fields->get_object()) {
        if (const json::string* value = one.value().if_string()) {
            held.fields.push_back({std::string(one.key()), vault::secret(*value)});
        }
    }
    return held;
}

wiped_note::~wiped_note() { OPENSSL_cleanse(note_.text.data(), note_.text.size()); }

vault::note revocation_note(const held_credential& held, unix_micros now)
{
    const wiped_string text = to_text(held);
    vault::note fresh;
    fresh.kind = revocation_kind;
    fresh.id = held.record.id + ":" + make_ulid().text();
    fresh.workspace = held.record.workspace;
    fresh.text = text;
    fresh.expires_at = now + std::chrono::microseconds(revocation_lifetime).count();
    return fresh;
}

}  // namespace sallyport::control
