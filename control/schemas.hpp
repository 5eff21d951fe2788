// The shapes of the control API's bodies and the meaning of its parameters, as the API describes
// itself by them (JSON Schema 2020-12, as OpenAPI 3.1 has it). A family of routes keeps its schemas
// in a file of its own; schemas.cpp puts them together.
//
// A schema that a caller sends forbids members it does not name, and so does one that is answered:
// what the gate says and does not describe is a mistake that the tests find.
#pragma once

#include <span>
#include <string_view>
#include <vector>

namespace sallyport::control {

struct named_schema {
    std::string_view name;  // [a-z_]+; other schemas refer to it as "#/components/schemas/NAME"
    std::string_view text;  // JSON
};

struct named_parameter {
    std::string_view name;  // in a route's `parameters` or its path
    std::string_view in;    // path, query or header
    std::string_view sent;  // the name on the wire
    std::string_view text;  // its schema, JSON
    std::string_view description;
};

std::span<const named_schema> gate_schemas() noexcept;        // schemas_gate.cpp
std::span<const named_schema> connection_schemas() noexcept;  // schemas_connections.cpp
std::span<const named_schema> run_schemas() noexcept;         // schemas_runs.cpp
std::span<const named_schema> vault_schemas() noexcept;       // schemas_vault.cpp

std::vector<named_schema> all_schemas();
std::span<const named_parameter> all_parameters() noexcept;

}  // namespace sallyport::control
