// Whether a connection may set a variable of its provider to a value: variables stand in hosts,
// paths and OAuth URLs, so what they may be decides where a credential can go.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "policy/provider.hpp"

namespace sallyport::policy {

constexpr std::size_t variable_bytes_max = 253;  // a host name's length

// Null: the provider declares none of that name.
const variable* find_variable(const provider_facts& provider, std::string_view name) noexcept;

// Of the form that its pattern asks for, else its place: a DNS label in a host, a name elsewhere.
// A pattern that cannot be applied lets nothing through. `declared` null: anything that holds no
// control characters.
bool is_acceptable(const variable* declared, const std::string& value);

}  // namespace sallyport::policy
