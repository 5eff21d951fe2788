// Scopes on their way to a provider and back: each writes its lists in its own way.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/wiping.hpp"
#include "policy/oauth2_facts.hpp"

namespace sallyport::oauth {

constexpr std::size_t scopes_bytes_max = 16 * 1024;  // all of one request or answer
constexpr std::size_t scopes_max = 512;

// As the provider wants them listed; empty where it takes no scopes. `*` stands for a credential
// that knows none and is not sent. errc::unsendable: one that holds a separator or a control
// character, or too many.
result<wiped_string> join_scopes(const policy::oauth2_facts& facts,
                                 const std::vector<std::string>& scopes);

// The parameter they travel in: `scope`, or the one that scope_params has for the variant
// ("user scopes" for the variant `user`).
std::string scope_parameter(const policy::oauth2_facts& facts, std::string_view variant);

// Scopes as servers list them: separated by spaces, commas or both. Sorted, each once. What is no
// scope is left out: a server grants nothing by it.
std::vector<std::string> split_scopes(std::string_view text);

}  // namespace sallyport::oauth
