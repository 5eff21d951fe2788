// Runs, and the trail that they leave.
#include "control/schemas.hpp"

namespace sallyport::control {

namespace {

constexpr named_schema schemas[] = {
    {"run", R"({
        "type": "object",
        "properties": {
            "run": {"$ref": "#/components/schemas/name"},
            "workspace": {"$ref": "#/components/schemas/name"},
            "user": {"type": "string"}, "app": {"type": "string"},
            "started_at": {"type": ["string", "null"], "format": "date-time"},
            "expires_at": {"type": ["string", "null"], "format": "date-time"},
            "ended_at": {"type": ["string", "null"], "format": "date-time"}},
        "required": ["run", "workspace", "user", "app", "started_at", "expires_at", "ended_at"],
        "additionalProperties": false})"},
    {"run_list", R"({
        "type": "object",
        "properties": {
            "items": {"type": "array", "items": {"$ref": "#/components/schemas/run"}},
            "next": {"type": ["string", "null"]}},
        "required": ["items", "next"], "additionalProperties": false})"},
    {"new_run", R"({
        "type": "object",
        "properties": {
            "workspace": {"$ref": "#/components/schemas/name"},
            "user": {"$ref": "#/components/schemas/name"},
            "app": {"$ref": "#/components/schemas/name"},
            "run": {"$ref": "#/components/schemas/name"},
            "connections": {
                "description": "ids, or an object of provider and id",
                "oneOf": [
                    {"type": "array", "maxItems": 64, "items": {"type": "string"}},
                    {"type": "object", "maxProperties": 64,
                     "additionalProperties": {"type": "string"}}]},
            "scopes": {
                "description": "by provider: narrows what was granted, never widens it",
                "type": "object", "maxProperties": 64,
                "additionalProperties": {"$ref": "#/components/schemas/scope_names"}},
            "access": {"enum": ["read", "write", "destructive"], "default": "write"},
            "ttl": {"type": "string", "description": "1h, up to run_tokens.max_ttl"},
            "connects": {"$ref": "#/components/schemas/requirements"},
            "is_test": {"type": "boolean", "default": false,
                "description": "starts whether or not the requirements are met"}},
        "required": ["workspace", "user", "app", "run"], "additionalProperties": false})"},
    {"started_run", R"({
        "type": "object",
        "properties": {
            "run": {"$ref": "#/components/schemas/name"},
            "token": {"type": "string"},
            "expires_at": {"type": "string", "format": "date-time"}},
        "required": ["run", "token", "expires_at"], "additionalProperties": false})"},

    {"trail_line", R"({
        "description": "CONTRACT.md 6",
        "type": "object",
        "properties": {
            "id": {"type": "string"}, "time": {"type": "string", "format": "date-time"},
            "kind": {"type": "string"}, "node": {"type": "string"}, "writer": {"type": "string"},
            "seq": {"type": "integer", "minimum": 1},
            "prev": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
            "hash": {"type": "string", "pattern": "^[0-9a-f]{64}$"}},
        "required": ["id", "time", "kind", "node", "writer", "seq", "prev", "hash"]})"},
    {"trail_page", R"({
        "type": "object",
        "properties": {
            "items": {"type": "array", "items": {"$ref": "#/components/schemas/trail_line"}},
            "next": {"type": ["string", "null"]}},
        "required": ["items", "next"], "additionalProperties": false})"},
    {"trail_events", R"({
        "type": "string", "description": "each event's data is a trail_line, its id the place"})"},
    {"captured_bodies", R"({
        "type": "object",
        "properties": {
            "call_id": {"type": "string"},
            "workspace": {"$ref": "#/components/schemas/name"},
            "bodies": {"type": "array", "items": {
                "type": "object",
                "properties": {
                    "side": {"enum": ["request", "response"]},
                    "captured_at": {"type": "string", "format": "date-time"},
                    "content_type": {"type": "string"},
                    "content_encoding": {"type": "string",
                        "description": "what is to be undone to read the data, as gzip"},
                    "bytes": {"type": "integer", "minimum": 1},
                    "truncated": {"type": "boolean", "description": "the body was longer"},
                    "proof": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
                    "proved": {"type": "boolean",
                        "description": "the call's outcome in the trail bears the same proof"},
                    "data": {"type": "string", "contentEncoding": "base64"}},
                "required": ["side", "captured_at", "content_type", "content_encoding", "bytes",
                    "truncated", "proof", "proved", "data"], "additionalProperties": false}}},
        "required": ["call_id", "workspace", "bodies"], "additionalProperties": false})"},
};

}  // namespace

std::span<const named_schema> run_schemas() noexcept { return schemas; }

}  // namespace sallyport::control
