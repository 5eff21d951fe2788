// What the control API offers (CONTRACT.md 8): one entry a route, in the order of the document that
// is made of it.
#include <algorithm>

#include "control/routes.hpp"

namespace sallyport::control {

namespace {

using namespace may_call;

constexpr route on(std::string_view method, std::string_view path, std::uint8_t roles,
                   handler handle, const route_description& about)
{
    return {method, path, roles, handle, about};
}

// Its body is not JSON.
constexpr route raw(route one)
{
    one.raw_body = true;
    return one;
}

constexpr route table[] = {
    on("GET", "/healthz", open, health, {.summary = "Is the gate alive?", .answers = "200 health"}),
    on("GET", "/readyz", open, readiness,
       {.summary = "Can the gate serve calls, and why not?",
        .answers = "200 readiness",
        .refusals = "503 not_ready"}),
    on("GET", "/metrics", everyone, metrics,
       {.summary = "The gate's metrics in the text format of Prometheus",
        .answers = "200 metrics_text"}),
    on("GET", "/api/openapi.json", everyone, show_openapi,
       {.summary = "This description of the API", .answers = "200 openapi"}),
    on("POST", "/api/reload", admin, reload,
       {.summary = "Read the configuration and the catalogue again",
        .answers = "200 reloaded",
        .refusals = "404 not_found 422 invalid_configuration",
        .repeated = "Reads them again."}),

    on("GET", "/api/connect/providers", people, list_providers,
       {.summary = "The enabled providers of the catalogue, by category",
        .parameters = "limit after",
        .answers = "200 provider_list"}),
    on("GET", "/api/connect/providers/{id}", people, show_provider,
       {.summary = "One provider: how to connect it, its scopes, its limits",
        .answers = "200 provider",
        .refusals = "404 unknown_provider"}),

    on("GET", "/api/connect/connections", people, list_connections,
       {.summary = "The connections of the workspaces that the token speaks for",
        .parameters = "workspace user limit after",
        .answers = "200 connection_list"}),
    on("POST", "/api/connect/connections", people, add_connection,
       {.summary = "Add a connection, with its credential or without",
        .parameters = "idempotency_key",
        .body = "new_connection",
        .answers = "201 connection",
        .refusals =
            "409 already_exists idempotency_key_in_use "
            "422 idempotency_key_reused invalid_request invalid_credential unknown_provider"}),
    on("GET", "/api/connect/connections/{id}", people, show_connection,
       {.summary = "One connection, never its credential",
        .parameters = "if_none_match",
        .answers = "200 connection 304 -",
        .refusals = "404 not_found 422 invalid_request"}),
    on("PATCH", "/api/connect/connections/{id}", people, update_connection,
       {.summary = "Change a connection's settings, variables or credential",
        .parameters = "if_match",
        .body = "connection_changes",
        .answers = "200 connection",
        .refusals = "404 not_found 409 already_exists connection_revoked version_conflict "
                    "412 precondition_failed 422 invalid_request invalid_credential "
                    "unknown_provider credential_required"}),
    on("DELETE", "/api/connect/connections/{id}", people, remove_connection,
       {.summary = "Remove a connection and its credential without a trace but the trail's",
        .parameters = "if_match",
        .answers = "204 -",
        .refusals = "404 not_found 412 precondition_failed 422 invalid_request"}),
    on("POST", "/api/connect/connections/{id}/revoke", people, revoke_connection,
       {.summary = "Revoke a connection for good: no call starts with it any more",
        .parameters = "wait if_match",
        .answers = "200 connection",
        .refusals = "404 not_found 412 precondition_failed 422 invalid_request 503 not_settled",
        .repeated = "Changes nothing more."}),
    on("POST", "/api/connect/connections/{id}/activate", people, activate_connection,
       {.summary = "Switch on a connection that was switched off",
        .parameters = "if_match",
        .answers = "200 connection",
        .refusals = "404 not_found 409 connection_status connection_revoked version_conflict "
                    "412 precondition_failed 422 invalid_request",
        .repeated = "Changes nothing more."}),
    on("POST", "/api/connect/connections/{id}/deactivate", people, deactivate_connection,
       {.summary = "Switch off a connection until it is switched on again",
        .parameters = "if_match",
        .answers = "200 connection",
        .refusals = "404 not_found 409 connection_status connection_revoked version_conflict "
                    "412 precondition_failed 422 invalid_request",
        .repeated = "Changes nothing more."}),

    on("POST", "/api/connect/connections/{id}/test", people, test_connection,
       {.summary = "Try the connection out with the cheap request that its provider's file names",
        .answers = "200 tested",
        .refusals =
            "404 not_found 409 connection_status connection_revoked version_conflict "
            "cannot_refresh 422 invalid_request invalid_credential unknown_provider no_test "
            "503 refresh_failed",
        .repeated = "Asks the provider again."}),
    on("POST", "/api/connect/connections/{id}/refresh", people, refresh_connection,
       {.summary = "Ask the provider for fresh tokens now",
        .answers = "200 connection",
        .refusals = "404 not_found 409 connection_status connection_revoked cannot_refresh "
                    "422 invalid_request 503 refresh_failed",
        .repeated = "Asks again, but for a credential that is only just fresh."}),
    on("GET", "/api/connect/connections/{id}/refreshes", people, list_refreshes,
       {.summary = "How the connection's newest refreshes went, the latest first",
        .answers = "200 refresh_list",
        .refusals = "404 not_found 422 invalid_request"}),
    on("POST", "/api/connect/connections/{id}/cancel", people, cancel_connection,
       {.summary = "End the authorisation that is under way; its link works no more",
        .answers = "200 connection",
        .refusals = "404 not_found 409 connection_status 422 invalid_request",
        .repeated = "Is refused (409) while no other authorisation is under way."}),

    on("POST", "/api/connect/initiate", people, initiate_connection,
       {.summary = "Begin an authorisation: where to send the user's browser",
        .parameters = "idempotency_key",
        .body = "initiation",
        .answers = "200 initiated",
        .refusals = "404 not_found 409 already_exists connection_revoked connection_kind "
                    "version_conflict idempotency_key_in_use 422 idempotency_key_reused "
                    "invalid_request unknown_provider not_configured "
                    "503 provider_unavailable"}),
    on("POST", "/api/connect/complete", people, complete_connection,
       {.summary = "Complete an authorisation with the ticket that the browser brought back",
        .parameters = "idempotency_key",
        .body = "completion",
        .answers = "200 connection",
        .refusals = "404 not_found 409 connection_revoked version_conflict "
                    "idempotency_key_in_use 422 idempotency_key_reused"}),
    on("DELETE", "/api/connect/{provider_id}", people, disconnect,
       {.summary = "Disconnect: revoke the user's own connections at a provider",
        .parameters = "workspace! user! wait",
        .answers = "204 -",
        .refusals = "503 not_settled"}),
    on("GET", "/api/connect/callback", outside, receive_callback,
       {.summary = "Where providers send the browser back: a page, or a redirect to the return_url",
        .parameters = "callback_code callback_error state! iss",
        .answers = "200 page 303 -",
        .refusals = "404 not_found 429 too_busy"}),
    raw(on("POST", "/api/connect/webhooks/{provider_id}", outside, receive_webhook,
           {.summary = "An event of a provider, in the provider's own form",
            .answers = "200 challenge 204 -",
            .refusals = "401 invalid_signature 404 not_found 422 invalid_event "
                        "503 stream_unavailable",
            .repeated = "An event that was taken before is not taken again."})),

    on("GET", "/api/connect/status", people, report_one_requirement,
       {.summary = "Does a user have a connection at one provider?",
        .parameters = "workspace! user! provider!",
        .answers = "200 requirements_report"}),
    on("POST", "/api/connect/status", people, report_requirements,
       {.summary = "Does a user have the connections that an App needs?",
        .body = "requirements_question",
        .answers = "200 requirements_report",
        .refusals = "422 invalid_request",
        .repeated = "Only asks."}),

    on("GET", "/api/runs", people, list_runs,
       {.summary = "The live runs of a workspace",
        .parameters = "workspace! limit after",
        .answers = "200 run_list"}),
    on("POST", "/api/runs", people, start_run,
       {.summary = "Start a run: the answer holds its token, which is told once",
        .parameters = "idempotency_key",
        .body = "new_run",
        .answers = "201 started_run",
        .refusals = "409 already_exists idempotency_key_in_use 422 idempotency_key_reused "
                    "invalid_request unknown_provider requirements_unsatisfied"}),
    on("DELETE", "/api/runs/{run}", people, end_run,
       {.summary = "End a run, wherever its token was minted",
        .parameters = "workspace! wait",
        .answers = "204 -",
        .refusals = "503 not_settled"}),

    on("GET", "/api/audit", admin | auditor, search_audit,
       {.summary = "Search the trail, newest lines first",
        .parameters =
            "since until workspace user app run_query connection provider operation class "
            "code status kind call trace limit cursor",
        .answers = "200 trail_page",
        .refusals = "404 not_found 429 overloaded 503 overloaded"}),
    on("GET", "/api/audit/stream", admin | auditor, stream_audit,
       {.summary = "The lines of the trail as they are written (server-sent events)",
        .parameters = "workspace last_event_id",
        .answers = "200 trail_events",
        .refusals = "404 not_found 503 overloaded"}),
    on("GET", "/api/audit/calls/{call_id}/bodies", auditor, read_bodies,
       {.summary = "What was captured of a call's bodies; the reading is in the trail first",
        .parameters = "workspace!",
        .answers = "200 captured_bodies",
        .refusals = "404 not_found 410 key_gone 429 overloaded 500 corrupted 503 overloaded"}),

    on("GET", "/api/keys", admin, list_keys,
       {.summary = "The workspaces' data keys, or one workspace's with the records under each",
        .parameters = "workspace limit after",
        .answers = "200 key_list"}),
    on("POST", "/api/keys/rotate", admin, rotate_keys,
       {.summary = "One step of a rotation: of a workspace's data key, or of the master key",
        .body = "rotation_wish",
        .answers = "200 rotation_progress",
        .refusals = "404 not_found 409 conflict",
        .repeated = "Goes on with the rotation that is under way, or begins one."}),
    on("POST", "/api/keys/shred", admin, shred_workspace,
       {.summary = "Delete a workspace's keys, and with them every credential in it",
        .body = "shredding",
        .answers = "200 shredded",
        .refusals = "404 not_found 422 invalid_request",
        .repeated = "Deletes what has come since, too."}),
    on("GET", "/api/vault/backup", admin, back_up_vault,
       {.summary = "A page of the vault's backup: sealed records and wrapped keys",
        .parameters = "part! after",
        .answers = "200 backup_page"}),
    on("POST", "/api/vault/restore", admin, restore_vault,
       {.summary = "Put items of a backup back",
        .body = "backup_items",
        .answers = "200 restored",
        .refusals = "409 conflict 422 invalid_backup unknown_master_key",
        .repeated = "What stands there already is left as it is."}),
};

constexpr bool describes_itself(const route& one)
{
    const route_description& about = one.about;
    return !about.summary.empty() && about.answers.size() > 4 && about.answers[3] == ' ' &&
           one.roles != 0;
}
static_assert(std::all_of(std::begin(table), std::end(table), describes_itself),
              "every route says what it does (summary) and what it answers (answers)");

constexpr bool says_what_repeating_does(const route& one)
{
    const bool takes_key = one.about.parameters.find("idempotency_key") != std::string_view::npos;
    const bool is_post = one.method == "POST";
    return takes_key ? one.about.repeated.empty() : !is_post || !one.about.repeated.empty();
}
static_assert(std::all_of(std::begin(table), std::end(table), says_what_repeating_does),
              "every POST takes an Idempotency-Key or says what its repetition does (repeated)");

}  // namespace

std::span<const route> routes() noexcept { return table; }

}  // namespace sallyport::control
