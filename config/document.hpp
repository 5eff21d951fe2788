// Reads a document that somebody else published about an API, JSON or YAML, into the tree of
// yaml.hpp, so that importers say where in it something stands.
//
// A document is foreign: it is bounded in bytes, values and depth, and a repeated key is refused,
// whichever of the two it is written in. Of YAML only what yaml.hpp accepts is read (no anchors).
// Values of JSON know their line, but no column.
#pragma once

#include "config/yaml.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace sallyport::config {

constexpr std::size_t document_bytes_max = 32 << 20;
constexpr std::size_t document_nodes_max = 1'000'000;
constexpr std::size_t document_depth_max = 64;

// Nullopt: reported. What starts with '{' or '[' is JSON.
std::optional<yaml_node> read_document(const std::string& file, problems& found);
std::optional<yaml_node> parse_document(const std::string& name, std::string_view text,
                                        problems& found);

// The value at a JSON pointer (RFC 6901), or null.
const yaml_node* find_pointer(const yaml_node& root, std::string_view pointer);

// A key as a pointer has it: `~` and `/` escaped.
std::string pointer_token(std::string_view key);

// Reading of what may be absent or of another type than it should be.
std::string text_at(const yaml_node& node, std::string_view key);       // "": absent, no text
const yaml_node& map_at(const yaml_node& node, std::string_view key);   // Empty: absent, no map
const yaml_node& list_at(const yaml_node& node, std::string_view key);  // Empty: absent, no list
std::vector<std::string> texts_of(const yaml_node& list);               // Its texts alone

}  // namespace sallyport::config
