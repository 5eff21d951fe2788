// Connections, and what Apps require of them (CONTRACT.md 9).
#include "control/schemas.hpp"

namespace sallyport::control {

namespace {

constexpr named_schema schemas[] = {
    {"name", R"({"type": "string", "pattern": "^[A-Za-z0-9._@:+-]{1,128}$"})"},
    {"connection_id", R"({"type": "string", "pattern": "^conn_[0-9A-HJKMNP-TV-Z]{26}$"})"},
    {"scope_names", R"({
        "type": "array", "maxItems": 512,
        "items": {"type": "string", "pattern": "^[!-~]{1,256}$"}})"},
    {"variables", R"({"type": "object", "additionalProperties": {"type": "string"}})"},
    {"connection_settings", R"({
        "type": "object",
        "properties": {
            "timeout": {"type": "string", "description": "of a call: 30s, up to 10m"},
            "headers": {"type": "object", "additionalProperties": {"type": "string"},
                "description": "sent with each call"},
            "rate_limit": {"type": "object",
                "description": "how often it may be called through one gate; {}: as often as asked",
                "properties": {
                    "requests": {"type": "integer", "minimum": 1, "maximum": 1000000},
                    "per": {"type": "string", "description": "1s to 24h"}},
                "dependentRequired": {"requests": ["per"], "per": ["requests"]},
                "additionalProperties": false}},
        "additionalProperties": false})"},
    {"connection", R"({
        "type": "object",
        "properties": {
            "id": {"$ref": "#/components/schemas/connection_id"},
            "workspace": {"$ref": "#/components/schemas/name"},
            "user": {"$ref": "#/components/schemas/name"},
            "shared": {"type": "boolean"}, "name": {"type": "string"},
            "provider": {"type": "string"},
            "kind": {"enum": ["oauth2", "api_key", "bearer", "basic", "custom"]},
            "variant": {"type": "string"},
            "status": {"enum": ["draft", "added", "pending", "testing", "active", "inactive",
                                "reauth_required", "revoked", "error"]},
            "status_reason": {"type": "string"},
            "scopes_granted": {"$ref": "#/components/schemas/scope_names"},
            "scopes_requested": {"$ref": "#/components/schemas/scope_names"},
            "variables": {"$ref": "#/components/schemas/variables"},
            "account": {"type": "string"},
            "settings": {"$ref": "#/components/schemas/connection_settings"},
            "created_at": {"type": ["string", "null"], "format": "date-time"},
            "connected_at": {"type": ["string", "null"], "format": "date-time"},
            "expires_at": {"type": ["string", "null"], "format": "date-time"},
            "last_used_at": {"type": ["string", "null"], "format": "date-time"},
            "updated_at": {"type": ["string", "null"], "format": "date-time"}},
        "required": ["id", "workspace", "user", "shared", "name", "provider", "kind", "variant",
                     "status", "status_reason", "scopes_granted", "scopes_requested", "variables",
                     "account", "settings", "created_at", "connected_at", "expires_at",
                     "last_used_at", "updated_at"],
        "additionalProperties": false})"},
    {"connection_list", R"({
        "type": "object",
        "properties": {
            "items": {"type": "array", "items": {"$ref": "#/components/schemas/connection"}},
            "next": {"type": ["string", "null"]}},
        "required": ["items", "next"], "additionalProperties": false})"},
    {"credential", R"({
        "type": "object", "writeOnly": true,
        "description": "api_key, bearer: {secret}. basic: {username, password}. oauth2: {access_token, refresh_token?, expires_at? or expires_in?, client_id?, client_secret?}. custom: the fields that the provider's file names. Never answered."})"},
    {"new_connection", R"({
        "type": "object",
        "properties": {
            "workspace": {"$ref": "#/components/schemas/name"},
            "user": {"$ref": "#/components/schemas/name"},
            "provider": {"type": "string"},
            "id": {"$ref": "#/components/schemas/connection_id"},
            "shared": {"type": "boolean", "default": false},
            "kind": {"type": "string", "description": "the provider's preferred one if left out"},
            "name": {"type": "string", "maxLength": 128},
            "account": {"type": "string", "maxLength": 256},
            "variant": {"type": "string"},
            "scopes": {"$ref": "#/components/schemas/scope_names"},
            "scopes_granted": {"$ref": "#/components/schemas/scope_names"},
            "scopes_requested": {"$ref": "#/components/schemas/scope_names"},
            "settings": {"$ref": "#/components/schemas/connection_settings"},
            "variables": {"$ref": "#/components/schemas/variables"},
            "credential": {"$ref": "#/components/schemas/credential"}},
        "required": ["workspace", "user", "provider"], "additionalProperties": false})"},
    {"connection_changes", R"({
        "type": "object",
        "properties": {
            "name": {"type": "string", "maxLength": 128},
            "account": {"type": "string", "maxLength": 256},
            "variant": {"type": "string"},
            "scopes": {"$ref": "#/components/schemas/scope_names"},
            "scopes_granted": {"$ref": "#/components/schemas/scope_names"},
            "scopes_requested": {"$ref": "#/components/schemas/scope_names"},
            "settings": {"$ref": "#/components/schemas/connection_settings"},
            "variables": {"$ref": "#/components/schemas/variables"},
            "credential": {"$ref": "#/components/schemas/credential"}},
        "additionalProperties": false})"},
    {"tested", R"({
        "type": "object",
        "properties": {
            "ok": {"type": "boolean"},
            "status": {"type": ["integer", "null"],
                "description": "the provider's; null: it could not be asked"},
            "account": {"type": "string"},
            "scopes": {"$ref": "#/components/schemas/scope_names"},
            "connection": {"$ref": "#/components/schemas/connection"}},
        "required": ["ok", "status", "account", "scopes", "connection"],
        "additionalProperties": false})"},
    {"refresh_list", R"({
        "type": "object",
        "properties": {
            "items": {"type": "array", "maxItems": 20, "items": {
                "type": "object",
                "properties": {
                    "time": {"type": "string", "format": "date-time"},
                    "outcome": {"enum": ["refreshed", "failed", "reauth_required"]},
                    "reason": {"type": "string", "description": "for people; empty where it was refreshed"},
                    "retry_after": {"type": ["integer", "null"],
                        "description": "failed: for how many seconds it is not tried again"},
                    "expires_at": {"type": ["string", "null"], "format": "date-time",
                        "description": "refreshed: when the fresh token ends; null: the provider did not say"}},
                "required": ["time", "outcome", "reason", "retry_after", "expires_at"],
                "additionalProperties": false}},
            "next": {"type": "null"}},
        "required": ["items", "next"], "additionalProperties": false})"},
    {"initiation", R"({
        "type": "object",
        "properties": {
            "workspace": {"$ref": "#/components/schemas/name"},
            "user": {"$ref": "#/components/schemas/name"},
            "provider": {"type": "string"},
            "connection_id": {"$ref": "#/components/schemas/connection_id"},
            "scopes": {"$ref": "#/components/schemas/scope_names"},
            "grant": {"enum": ["authorization_code", "device_code"],
                "description": "device_code: the user types a code in elsewhere, and no browser comes back here; where nothing is said, a provider with a page gets the first"},
            "return_url": {"type": "string", "format": "uri",
                "description": "where the browser goes afterwards: one that control.return_urls allows"},
            "shared": {"type": "boolean", "default": false},
            "name": {"type": "string", "maxLength": 128},
            "variant": {"type": "string"},
            "settings": {"$ref": "#/components/schemas/connection_settings"},
            "variables": {"$ref": "#/components/schemas/variables"}},
        "required": ["workspace", "user", "provider"], "additionalProperties": false})"},
    {"initiated", R"({
        "type": "object",
        "properties": {
            "connection_id": {"$ref": "#/components/schemas/connection_id"},
            "authorize_url": {"type": "string", "format": "uri",
                "description": "where to send the user"},
            "expires_at": {"type": "string", "format": "date-time"},
            "user_code": {"type": "string",
                "description": "of the grant device_code: to be shown to the user, who types it in there"},
            "verification_uri": {"type": "string", "format": "uri",
                "description": "where, for people who type the address too"}},
        "required": ["connection_id", "authorize_url", "expires_at"],
        "additionalProperties": false})"},
    {"completion", R"({
        "type": "object",
        "properties": {
            "ticket": {"type": "string"},
            "workspace": {"$ref": "#/components/schemas/name"},
            "user": {"$ref": "#/components/schemas/name"}},
        "required": ["ticket", "workspace", "user"], "additionalProperties": false})"},

    {"requirements", R"({
        "description": "What Apps, stages and skills need. A bare string is a required `specific`.",
        "type": "array", "maxItems": 256,
        "items": {"oneOf": [
            {"$ref": "#/components/schemas/name"},
            {"type": "object",
             "properties": {
                "type": {"enum": ["specific", "category"]},
                "id": {"$ref": "#/components/schemas/name"},
                "is_required": {"type": "boolean", "default": true},
                "label": {"type": "string"}},
             "required": ["type", "id"], "additionalProperties": false}]}})"},
    {"requirements_question", R"({
        "type": "object",
        "properties": {
            "workspace": {"$ref": "#/components/schemas/name"},
            "user": {"$ref": "#/components/schemas/name"},
            "connects": {"$ref": "#/components/schemas/requirements"}},
        "required": ["workspace", "user"], "additionalProperties": false})"},
    {"requirement_records", R"({
        "type": "array",
        "items": {
            "type": "object",
            "properties": {
                "type": {"enum": ["specific", "category"]},
                "id": {"type": "string"},
                "is_required": {"type": "boolean"},
                "category_name": {"type": ["string", "null"]},
                "is_satisfied": {"type": "boolean"},
                "satisfied_by": {"type": "array", "items": {"type": "string"}},
                "available": {"type": "array", "items": {"type": "string"}}},
            "required": ["type", "id", "is_required", "category_name", "is_satisfied",
                         "satisfied_by", "available"],
            "additionalProperties": false}})"},
    {"requirements_report", R"({
        "type": "object",
        "properties": {
            "is_satisfied": {"type": "boolean", "description": "every required one is"},
            "requirements": {"$ref": "#/components/schemas/requirement_records"}},
        "required": ["is_satisfied", "requirements"], "additionalProperties": false})"},
};

}  // namespace

std::span<const named_schema> connection_schemas() noexcept { return schemas; }

}  // namespace sallyport::control
