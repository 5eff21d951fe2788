// The vault's keys, its backup and putting one back.
#include "control/schemas.hpp"

namespace sallyport::control {

namespace {

constexpr named_schema schemas[] = {
    {"key_list", R"({
        "type": "object",
        "properties": {
            "items": {"type": "array", "items": {
                "type": "object",
                "properties": {
                    "workspace": {"type": "string"}, "generation": {"type": "integer"},
                    "shredded": {"type": "boolean"}, "master_key": {"type": ["string", "null"]},
                    "created_at": {"type": ["string", "null"], "format": "date-time"},
                    "records": {"type": "integer", "description": "sealed under it"}},
                "required": ["workspace", "generation", "shredded", "master_key", "created_at"],
                "additionalProperties": false}},
            "next": {"type": ["string", "null"]},
            "unknown_generation": {"type": "integer"},
            "master_keys": {"type": "array", "items": {"type": "string"},
                "description": "ids of those the gate has, the active one first"}},
        "required": ["items", "next", "master_keys"], "additionalProperties": false})"},
    {"rotation_wish", R"({
        "description": "One workspace, or the master key.",
        "type": "object",
        "properties": {
            "workspace": {"$ref": "#/components/schemas/name"},
            "generation": {"type": "integer", "minimum": 1,
                "description": "what a step before answered"},
            "master": {"type": "boolean"}},
        "additionalProperties": false})"},
    {"rotation_progress", R"({
        "description": "Ask again until it is done.",
        "type": "object",
        "properties": {
            "done": {"type": "boolean"}, "total": {"type": "integer"},
            "damaged": {"type": "integer"}, "unknown": {"type": "integer"},
            "rewrapped": {"type": "integer"}, "already": {"type": "integer"},
            "master_key": {"type": "string"}, "workspace": {"type": "string"},
            "generation": {"type": "integer"}, "resumed": {"type": "boolean"},
            "resealed": {"type": "integer"}},
        "required": ["done", "total", "damaged"], "additionalProperties": false})"},
    {"shredding", R"({
        "type": "object",
        "properties": {
            "workspace": {"$ref": "#/components/schemas/name"},
            "confirm": {"type": "string", "description": "the workspace's name again"}},
        "required": ["workspace", "confirm"], "additionalProperties": false})"},
    {"shredded", R"({
        "type": "object",
        "properties": {"workspace": {"type": "string"}, "revoked": {"type": "integer"}},
        "required": ["workspace", "revoked"], "additionalProperties": false})"},
    {"backup_item", R"({
        "description": "A line of a backup: sealed or wrapped, nothing in the clear.",
        "type": "object", "minProperties": 1})"},
    {"backup_page", R"({
        "type": "object",
        "properties": {
            "items": {"type": "array", "items": {"$ref": "#/components/schemas/backup_item"}},
            "next": {"type": ["string", "null"]}},
        "required": ["items", "next"], "additionalProperties": false})"},
    {"backup_items", R"({
        "type": "object",
        "properties": {
            "items": {"type": "array", "maxItems": 1024,
                "items": {"$ref": "#/components/schemas/backup_item"}}},
        "required": ["items"], "additionalProperties": false})"},
    {"restored", R"({
        "type": "object",
        "properties": {"added": {"type": "integer"}, "present": {"type": "integer"}},
        "required": ["added", "present"], "additionalProperties": false})"},
};

}  // namespace

std::span<const named_schema> vault_schemas() noexcept { return schemas; }

}  // namespace sallyport::control
