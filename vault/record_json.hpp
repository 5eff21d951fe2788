// A connection record as JSON text: the form in which both stores keep it. It holds no credential.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "vault/connection.hpp"

namespace sallyport::vault {

std::string to_json(const connection& record);

// Nullopt for anything that to_json would not have written. The text comes from the store, which is
// not trusted: it is read with limits on depth, and every member is checked for its type.
std::optional<connection> connection_from_json(std::string_view text);

}  // namespace sallyport::vault
