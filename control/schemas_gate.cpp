// What the gate says of itself and of its catalogue.
#include "control/schemas.hpp"

namespace sallyport::control {

namespace {

constexpr named_schema schemas[] = {
    {"problem", R"({
        "description": "RFC 9457. `code` is what a program decides by.",
        "type": "object",
        "properties": {
            "type": {"type": "string"}, "title": {"type": "string"}, "status": {"type": "integer"},
            "detail": {"type": "string"}, "code": {"type": "string", "pattern": "^[a-z_]+$"},
            "errors": {"type": "array", "items": {
                "type": "object",
                "properties": {
                    "pointer": {"type": "string", "description": "RFC 6901, into the body"},
                    "detail": {"type": "string"}},
                "required": ["pointer", "detail"], "additionalProperties": false}}},
        "required": ["type", "title", "status", "detail", "code"]})"},
    {"health", R"({
        "type": "object", "properties": {"status": {"const": "ok"}},
        "required": ["status"], "additionalProperties": false})"},
    {"readiness", R"({
        "type": "object",
        "properties": {
            "ready": {"type": "boolean"},
            "reasons": {"type": "array", "items": {"type": "string"}},
            "audit_behind": {"type": "integer", "minimum": 0,
                "description": "lines of the trail that audit.stream lacks"},
            "last_reload": {"type": "object",
                "description": "of configuration and catalogue; left out before the first",
                "properties": {
                    "time": {"type": "string", "format": "date-time"},
                    "applied": {"type": "boolean"}},
                "required": ["time", "applied"], "additionalProperties": false}},
        "required": ["ready", "reasons"], "additionalProperties": false})"},
    {"reloaded", R"({
        "type": "object",
        "properties": {
            "applied": {"const": true},
            "problems": {"type": "array", "items": {"type": "string"}}},
        "required": ["applied", "problems"], "additionalProperties": false})"},
    {"openapi", R"({"type": "object", "required": ["openapi", "info", "paths", "components"]})"},
    {"metrics_text", R"({"type": "string"})"},
    {"page", R"({"type": "string", "description": "for a person"})"},
    {"challenge", R"({
        "type": "object",
        "properties": {"challenge": {"type": "string"}},
        "required": ["challenge"], "additionalProperties": false})"},

    {"provider_summary", R"({
        "type": "object",
        "properties": {
            "id": {"type": "string"}, "name": {"type": "string"},
            "category": {"type": "string"}, "category_id": {"type": "string"},
            "enabled": {"type": "boolean"},
            "base_url": {"type": "string", "description": "may hold {variables}"},
            "kinds": {"type": "array", "items": {"type": "string"}},
            "credentials": {"type": "array", "items": {"type": "object"}},
            "scope_count": {"type": "integer"}, "rule_count": {"type": "integer"}},
        "required": ["id", "name", "category", "category_id", "enabled", "base_url", "kinds",
                     "credentials", "scope_count", "rule_count"]})"},
    {"provider_list", R"({
        "type": "object",
        "properties": {
            "items": {"type": "array", "items": {
                "allOf": [{"$ref": "#/components/schemas/provider_summary"}],
                "unevaluatedProperties": false}},
            "next": {"type": ["string", "null"]}},
        "required": ["items", "next"], "additionalProperties": false})"},
    {"provider", R"({
        "description": "What the provider's file says, less its rules.",
        "allOf": [{"$ref": "#/components/schemas/provider_summary"}],
        "type": "object",
        "properties": {
            "hosts": {"type": "array", "items": {"type": "string"}},
            "host_details": {"type": "array", "items": {"type": "object"}},
            "variables": {"type": "array", "items": {"type": "object"}},
            "headers": {"type": "object"}, "oauth2": {"type": "object"},
            "scopes": {"type": "array", "items": {"type": "object"}},
            "scope_implies": {"type": "object"},
            "tables": {"type": "array", "items": {"type": "object"}},
            "test": {"type": "object"}, "rate_limit": {"type": "object"},
            "tunnels": {"type": "array", "items": {"type": "object"}},
            "optional_headers": {"type": "array", "items": {"type": "object"}},
            "optional_params": {"type": "array", "items": {"type": "object"}},
            "capabilities": {"type": "array", "items": {"type": "object"}},
            "method_scopes": {"type": "object"}, "documentation": {"type": "string"},
            "checked": {"type": "array", "items": {"type": "string"}},
            "unverified": {"type": "array", "items": {"type": "string"}}},
        "required": ["hosts", "host_details", "variables", "headers", "scopes", "scope_implies",
                     "tables", "tunnels", "documentation", "checked", "unverified"],
        "unevaluatedProperties": false})"},
};

}  // namespace

std::span<const named_schema> gate_schemas() noexcept { return schemas; }

}  // namespace sallyport::control
