#include "vault/record_json.hpp"

#include <boost/json.hpp>

namespace sallyport::vault {
namespace {

namespace json = boost::json;

json::array to_array(const std::vector<std::string>& texts)
{
    json::array out;
    out.reserve(texts.size());
    for (const std::string& text : texts) {
        out.emplace_back(text);
    }
    return out;
}

// Reads members one by one; the first that is missing or of another type spoils the whole.
class member_reader {
public:
    explicit member_reader(const json::object& object) : object_(object) {}

    bool good() const noexcept { return good_; }

    void read(std::string_view name, std::string& out)
    {
        if (const json::value* value = find(name); value != nullptr && value->is_string()) {
            out = std::string(value->get_string());
            return;
        }
        good_ = false;
    }

    void read(std::string_view name, bool& out)
    {
        if (const json::value* value = find(name); value != nullptr && value->is_bool()) {
            out = value->get_bool();
            return;
        }
        good_ = false;
    }

    template <class Integer>
    void read_number(std::string_view name, Integer& out)
    {
        const json::value* value = find(name);
        boost::system::error_code error;
        if (value != nullptr && value->is_number() && !value->is_double()) {
            out = value->to_number<Integer>(error);
            good_ = good_ && !error;
            return;
        }
        good_ = false;
    }

    void read(std::string_view name, std::vector<std::string>& out)
    {
        const json::value* value = find(name);
        if (value == nullptr || !value->is_array()) {
            good_ = false;
            return;
        }
        for (const json::value& element : value->get_array()) {
            if (!element.is_string()) {
                good_ = false;
                return;
            }
            out.emplace_back(element.get_string());
        }
    }

    void read(std::string_view name, std::map<std::string, std::string>& out)
    {
        const json::value* value = find(name);
        if (value == nullptr || !value->is_object()) {
            good_ = false;
            return;
        }
        for (const auto& [key, element] : value->get_object()) {
            if (!element.is_string()) {
                good_ = false;
                return;
            }
            out.emplace(key, element.get_string());
        }
    }

    bool has(std::string_view name) const { return find(name) != nullptr; }

private:
    const json::value* find(std::string_view name) const { return object_.if_contains(name); }

    const json::object& object_;
    bool good_ = true;
};

}  // namespace

std::string to_json(const connection& record)
{
    json::object variables;
    for (const auto& [name, value] : record.variables) {
        variables.emplace(name, value);
    }
    json::object out;
    out["id"] = record.id;
    out["workspace"] = record.workspace;
    out["user"] = record.user;
    out["shared"] = record.shared;
    out["name"] = record.name;
    out["provider"] = record.provider;
    out["kind"] = record.kind;
    out["variant"] = record.variant;
    out["status"] = to_string(record.status);
    out["status_reason"] = record.status_reason;
    out["scopes_granted"] = to_array(record.scopes_granted);
    out["scopes_requested"] = to_array(record.scopes_requested);
    out["variables"] = std::move(variables);
    out["account"] = record.account;
    out["settings"] = record.settings_json;
    out["created_at"] = record.created_at;
    out["connected_at"] = record.connected_at;
    out["expires_at"] = record.expires_at;
    out["refreshed_at"] = record.refreshed_at;
    out["last_used_at"] = record.last_used_at;
    out["updated_at"] = record.updated_at;
    out["version"] = record.version;
    out["credential_version"] = record.credential_version;
    return json::serialize(out);
}

std::optional<connection> connection_from_json(std::string_view text)
{
    boost::system::error_code error;
    const json::value parsed = json::parse(text, error);
    if (error || !parsed.is_object()) {
        return std::nullopt;
    }
    member_reader members(parsed.get_object());
    connection record;
    std::string status_name;
    members.read("id", record.id);
    members.read("workspace", record.workspace);
    members.read("user", record.user);
    members.read("shared", record.shared);
    members.read("name", record.name);
    members.read("provider", record.provider);
    members.read("kind", record.kind);
    members.read("variant", record.variant);
    members.read("status", status_name);
    members.read("status_reason", record.status_reason);
    members.read("scopes_granted", record.scopes_granted);
    members.read("scopes_requested", record.scopes_requested);
    members.read("variables", record.variables);
    members.read("account", record.account);
    members.read("settings", record.settings_json);
    members.read_number("created_at", record.created_at);
    members.read_number("connected_at", record.connected_at);
    members.read_number("expires_at", record.expires_at);
    if (members.has("refreshed_at")) {  // Records of older gates have none.
        members.read_number("refreshed_at", record.refreshed_at);
    }
    members.read_number("last_used_at", record.last_used_at);
    members.read_number("updated_at", record.updated_at);
    members.read_number("version", record.version);
    members.read_number("credential_version", record.credential_version);
    const std::optional<status> state = parse_status(status_name);
    if (!members.good() || !state) {
        return std::nullopt;
    }
    record.status = *state;
    return record;
}

}  // namespace sallyport::vault
