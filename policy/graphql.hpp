// What a GraphQL request would do, read from its body: the type of the operation and its root
// fields. A path says nothing about it, since one path takes them all.
//
// The document is read by its lexical grammar and the outline of its definitions; what stands
// deeper than the root fields is only checked for brackets that pair. Whatever could be read in two
// ways, by two servers or by one that is lenient, is `ambiguous`: several operations of different
// types without a name that chooses one, a batch, a stored document, a member given twice,
// subscriptions, type definitions.
//
// Pure, no allocation that outlives the call. Limits: the constants below, and what the caller
// collects of a body. Source: GraphQL specification (October 2021), 2 and 6.1; "GraphQL over HTTP".
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sallyport::policy {

constexpr std::size_t graphql_tokens_max = 50'000;
constexpr std::size_t graphql_depth_max = 64;
constexpr std::size_t graphql_operations_max = 64;
constexpr std::size_t graphql_root_fields_max = 256;

enum class graphql_type : std::uint8_t { none, query, mutation };

std::string_view to_string(graphql_type value) noexcept;  // Empty: none.

struct graphql_request {
    // none: ambiguous, and no rule covers it.
    graphql_type type = graphql_type::none;
    // The names of the root fields, aliases undone. Nullopt where fragments hide them.
    std::optional<std::vector<std::string>> root_fields = {};
};

// A document and the name of the operation to run; empty: none was given.
graphql_request read_graphql_document(std::string_view document, std::string_view operation_name);

// A request's body, as application/json has it: {"query": ..., "operationName": ..., "variables":
// ..., "extensions": ...} and nothing besides.
graphql_request read_graphql_body(std::string_view body);

}  // namespace sallyport::policy
