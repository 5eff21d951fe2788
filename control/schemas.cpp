#include "control/schemas.hpp"

namespace sallyport::control {

namespace {

constexpr std::string_view text = R"({"type": "string"})";
constexpr std::string_view name = R"({"$ref": "#/components/schemas/name"})";

constexpr named_parameter parameters[] = {
    {"id", "path", "id", text, "The id."},
    {"run", "path", "run", name, "The run's name."},
    {"call_id", "path", "call_id", text, "The call's id, as Sallyport-Call-Id told it."},
    {"provider_id", "path", "provider_id", name, "The provider's id."},

    {"workspace", "query", "workspace", name, "The workspace."},
    {"user", "query", "user", name, "The user."},
    {"provider", "query", "provider", name, "The provider's id."},
    {"wait", "query", "wait", R"({"enum": ["true", "false"]})",
     "Answer once no gate of the fleet can use any more what was taken away."},
    {"after", "query", "after", text, "The `next` of the page before."},
    {"part", "query", "part", R"({"enum": ["keys", "connections", "runs"]})",
     "Which part of the vault."},

    {"since", "query", "since", text, "Not before: RFC 3339, or how long ago (15m)."},
    {"until", "query", "until", text, "Before: RFC 3339, or how long ago."},
    {"app", "query", "app", name, "The App."},
    {"run_query", "query", "run", name, "The run's name."},
    {"connection", "query", "connection", text, "A connection's id."},
    {"operation", "query", "operation", text, "The operation."},
    {"class", "query", "class", R"({"enum": ["read", "write", "destructive"]})",
     "The operation's class."},
    {"code", "query", "code", text, "A refusal's or a failure's code."},
    {"status", "query", "status", text, "The HTTP status."},
    {"kind", "query", "kind", text, "The line's kind, such as call.outcome."},
    {"call", "query", "call", text, "A call's id."},
    {"trace", "query", "trace", R"({"type": "string", "pattern": "^[0-9a-f]{32}$"})",
     "A trace's id (W3C Trace Context)."},
    {"limit", "query", "limit", R"({"type": "integer", "minimum": 1, "maximum": 1000})",
     "How many items a page holds at most; 100 if left out."},
    {"cursor", "query", "cursor", text, "The `next` of the page before."},
    {"state", "query", "state", text, "The authorisation's state: works once."},
    {"callback_code", "query", "code", text, "The provider's code."},
    {"callback_error", "query", "error", text, "Why there is no code (RFC 6749, 4.1.2.1)."},
    {"iss", "query", "iss", text, "The provider's issuer (RFC 9207)."},
    {"idempotency_key", "header", "Idempotency-Key", text,
     "The same answer to the same request for a day, done once."},
    {"if_match", "header", "If-Match", text, "Only if the connection has this ETag (else 412)."},
    {"if_none_match", "header", "If-None-Match", text, "304 if the connection has this ETag."},
    {"last_event_id", "header", "Last-Event-ID", text, "Go on behind this event."},
};

}  // namespace

std::vector<named_schema> all_schemas()
{
    std::vector<named_schema> all;
    for (const std::span<const named_schema> family :
         {gate_schemas(), connection_schemas(), run_schemas(), vault_schemas()}) {
        all.insert(all.end(), family.begin(), family.end());
    }
    return all;
}

std::span<const named_parameter> all_parameters() noexcept { return parameters; }

}  // namespace sallyport::control
