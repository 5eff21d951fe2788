// What a call carries of credentials: the caller's own taken out, the connection's put in.
//
// Nothing here knows a request; heads are put together in outgoing.hpp. Results that hold a
// credential are appended to the caller's buffer, which the caller wipes.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/percent.hpp"
#include "proxy/plan.hpp"
#include "vault/resolver.hpp"

namespace sallyport::proxy {

// `query` without the parameters named; the rest byte for byte. Names of what was removed are
// appended to `stripped`.
void append_query(std::string& out, std::string_view query, const std::vector<std::string>& removed,
                  std::vector<std::string_view>& stripped);

// The pairs of a Cookie field without those named, behind what `out` already holds.
void append_cookies(std::string& out, std::string_view cookies,
                    const std::vector<std::string>& removed);

// The template with its placeholders filled from the credential, then from variables, spelt as its
// place needs it: in a query all of it escaped, in a path what came from the credential. False if a
// part is missing or holds what its place cannot: a control character, or the end of a cookie.
bool fill(const injection_plan& injection, const vault::resolved& credential,
          const policy::provider_facts& facts, vault::secret& scratch, std::string& out);

// The place in the path that applies to `path`: one for what it begins with goes before one for all
// paths. Null: none does.
const injection_plan* path_injection(const std::vector<injection_plan>& injections,
                                     std::string_view path) noexcept;

// `path` as the caller would have to spell it: without what an injection puts into it. The value of
// a placeholder is whatever stands in its place, so no credential is needed to find it.
std::string without_injected(std::string_view path, const std::vector<injection_plan>& injections);

// A parameter's name with its escapes undone, for comparing only: broken escapes stay as they are.
std::string decoded_name(std::string_view name);

}  // namespace sallyport::proxy
