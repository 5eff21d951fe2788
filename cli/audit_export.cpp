#include "cli/audit_export.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <charconv>

#include "base/time.hpp"

namespace sallyport::cli {

namespace json = boost::json;

namespace {

constexpr std::string_view columns[] = {"id",
                                        "time",
                                        "kind",
                                        "node",
                                        "writer",
                                        "seq",
                                        "call_id",
                                        "trace_id",
                                        "workspace",
                                        "app",
                                        "run",
                                        "user",
                                        "connection_id",
                                        "provider",
                                        "method",
                                        "host",
                                        "path",
                                        "query_keys",
                                        "operation",
                                        "class",
                                        "scopes_used",
                                        "decision",
                                        "code",
                                        "rule",
                                        "status",
                                        "request_bytes",
                                        "response_bytes",
                                        "duration_us",
                                        "upstream_us",
                                        "attempts",
                                        "client",
                                        "actor",
                                        "count",
                                        "detail",
                                        "stripped",
                                        "prev",
                                        "hash"};

// OCSF's activities of API Activity.
constexpr int activity_unknown = 0, activity_create = 1, activity_read = 2, activity_update = 3,
              activity_delete = 4, activity_other = 99;
constexpr int category_application = 6, class_api_activity = 6003;
constexpr int severity_informational = 1, severity_low = 2, severity_medium = 3;
constexpr int status_unknown = 0, status_success = 1, status_failure = 2;

class fields {
public:
    explicit fields(const json::object& line) : line_(line) {}

    std::string text(std::string_view name) const
    {
        const json::value* const found = line_.if_contains(name);
        return found != nullptr && found->is_string() ? std::string(found->as_string())
                                                      : std::string();
    }
    const json::value* any(std::string_view name) const { return line_.if_contains(name); }
    std::int64_t number(std::string_view name) const
    {
        const json::value* const found = line_.if_contains(name);
        return found != nullptr && found->is_int64() ? found->as_int64() : -1;
    }

private:
    const json::object& line_;
};

void put(json::object& to, std::string_view name, const std::string& value)
{
    if (!value.empty()) {
        to[name] = value;
    }
}

int activity_of(const fields& line)
{
    const std::string method = line.text("method"), kind = line.text("kind");
    if (method == "GET" || method == "HEAD" || method == "OPTIONS") {
        return activity_read;
    }
    if (method == "DELETE" || kind == "connection.removed" || kind == "connection.revoked") {
        return activity_delete;
    }
    if (method == "PUT" || method == "PATCH" || kind == "connection.updated") {
        return activity_update;
    }
    if (method == "POST" || kind == "connection.added" || kind == "run.started") {
        return activity_create;
    }
    return method.empty() ? activity_other : activity_unknown;
}

int status_of(const fields& line)
{
    const std::int64_t status = line.number("status");
    if (line.text("decision") == "deny" || !line.text("code").empty() || status >= 400) {
        return status_failure;
    }
    return line.text("kind") == "call.intent" ? status_unknown : status_success;
}

int severity_of(const fields& line)
{
    const std::string kind = line.text("kind");
    if (kind == "trail.gap" || kind == "connection.reauth_required") {
        return severity_medium;
    }
    return line.text("decision") == "deny" || line.text("class") == "destructive"
               ? severity_low
               : severity_informational;
}

// `10.0.0.1:4711`, `[::1]:4711`, `unix`.
json::object endpoint_of(const std::string& client)
{
    const std::size_t colon = client.rfind(':');
    std::int64_t port = 0;
    const char* const end = client.data() + client.size();
    if (colon == std::string::npos || colon == 0 ||
        std::from_chars(client.data() + colon + 1, end, port).ptr != end) {
        return {{"name", client.empty() ? "gate" : client}};
    }
    const bool v6 = client.front() == '[';
    return {{"ip", v6 ? client.substr(1, colon - 2) : client.substr(0, colon)}, {"port", port}};
}

json::object api_of(const fields& line)
{
    std::string operation = line.text("operation");
    if (operation.empty()) {
        operation = line.text("method").empty() ? line.text("kind") : line.text("method");
    }
    json::object out{{"operation", operation}};
    if (!line.text("provider").empty()) {
        out["service"] = json::object{{"name", line.text("provider")}};
    }
    json::object request{{"uid", line.text(line.text("call_id").empty() ? "id" : "call_id")}};
    out["request"] = std::move(request);
    if (line.number("status") >= 0) {
        json::object response{{"code", line.number("status")}};
        put(response, "error", line.text("code"));
        out["response"] = std::move(response);
    }
    return out;
}

json::object actor_of(const fields& line)
{
    json::object actor, user;
    put(user, "name", line.text("user").empty() ? line.text("actor") : line.text("user"));
    if (user.empty()) {
        user["name"] = "unidentified";
    }
    actor["user"] = std::move(user);
    put(actor, "app_name", line.text("app"));
    if (!line.text("run").empty()) {
        actor["session"] = json::object{{"uid", line.text("run")}};
    }
    return actor;
}

std::string csv_cell(std::string text)
{
    if (!text.empty() &&
        std::string_view("=+-@\t\r").find(text.front()) != std::string_view::npos) {
        text.insert(0, 1, '\'');
    }
    if (text.find_first_of("\",\r\n") == std::string::npos) {
        return text;
    }
    std::string out = "\"";
    for (const char c : text) {
        out.append(c == '"' ? 2 : 1, c);
    }
    return out + '"';
}

std::string plain(const json::value& value)
{
    if (value.is_string()) {
        return std::string(value.as_string());
    }
    if (!value.is_array()) {
        return json::serialize(value);
    }
    std::string out;
    for (const json::value& one : value.as_array()) {
        out += (out.empty() ? "" : " ") + plain(one);
    }
    return out;
}

}  // namespace

std::string to_ocsf(std::string_view text)
{
    boost::system::error_code bad;
    const json::value parsed = json::parse(text, bad);
    if (bad || !parsed.is_object()) {
        return {};
    }
    const fields line(parsed.as_object());
    const int activity = activity_of(line);
    json::object metadata{
        {"version", "1.3.0"},
        {"product",
         {{"name", "Sallyport"}, {"vendor_name", "Sallyport"}, {"version", SALLYPORT_VERSION}}},
        {"uid", line.text("id")},
        {"sequence", line.number("seq")},
        {"log_name", line.text("writer")},
        {"original_time", line.text("time")}};
    put(metadata, "correlation_uid", line.text("call_id"));
    put(metadata, "tenant_uid", line.text("workspace"));
    json::object out{{"category_uid", category_application},
                     {"class_uid", class_api_activity},
                     {"activity_id", activity},
                     {"type_uid", class_api_activity * 100 + activity},
                     {"severity_id", severity_of(line)},
                     {"status_id", status_of(line)},
                     {"time", parse_rfc3339(line.text("time")).value_or(0) / 1000},
                     {"metadata", std::move(metadata)},
                     {"actor", actor_of(line)},
                     {"api", api_of(line)},
                     {"src_endpoint", endpoint_of(line.text("client"))}};
    put(out, "status_code", line.text("code"));
    if (!line.text("host").empty()) {
        out["dst_endpoint"] = json::object{{"hostname", line.text("host")}};
        out["http_request"] =
            json::object{{"http_method", line.text("method")},
                         {"url", {{"hostname", line.text("host")}, {"path", line.text("path")}}}};
    }
    if (line.number("duration_us") >= 0) {
        out["duration"] = line.number("duration_us") / 1000;
    }
    // What OCSF has no name for.
    json::object more;
    for (const std::string_view name : {"kind", "node", "connection_id", "class", "decision",
                                        "rule", "scopes_used", "upstream_us", "trace_id", "span_id", "detail",
                                        "hash"}) {
        if (const json::value* const found = line.any(name)) {
            more[name] = *found;
        }
    }
    out["unmapped"] = std::move(more);
    return json::serialize(out);
}

std::string csv_header()
{
    std::string out;
    for (const std::string_view name : columns) {
        out.append(out.empty() ? "" : ",").append(name);
    }
    return out;
}

std::string to_csv(std::string_view text)
{
    boost::system::error_code bad;
    const json::value parsed = json::parse(text, bad);
    if (bad || !parsed.is_object()) {
        return {};
    }
    std::string out;
    bool first = true;
    for (const std::string_view name : columns) {
        out += first ? "" : ",";
        first = false;
        if (const json::value* const found = parsed.as_object().if_contains(name)) {
            out += csv_cell(plain(*found));
        }
    }
    return out;
}

}  // namespace sallyport::cli
