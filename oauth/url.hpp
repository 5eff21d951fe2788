// The URLs of a provider's file with a connection's variables put in, and parameters behind them.
//
// A variable's value is checked against its declaration once more before it becomes a part of a
// URL: it may have come from a provider's answer, and it decides who is told a secret.
// Source: RFC 3986; the form encoding is that of RFC 6749, B.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "base/wiping.hpp"
#include "policy/provider.hpp"
#include "vault/connection.hpp"

namespace sallyport::oauth {

using parameters = std::vector<std::pair<std::string, wiped_string>>;

// Everything but unreserved characters becomes %XX.
void append_encoded(wiped_string& out, std::string_view text);

// a=b&c=d
wiped_string form_of(const parameters& fields);

// A query or form taken apart, strictly: errc::bad_callback for bad escapes, control characters, a
// name twice, or more than fields_max.
constexpr std::size_t fields_max = 64;
result<parameters> read_form(std::string_view text);

// Puts variables (set by the record, or by default) and `more` in the place of {names}. In the
// authority a value may only be part of a host name; elsewhere it is encoded. errc::missing_value.
result<wiped_string> fill_url(std::string_view url, const policy::provider_facts& provider,
                              const vault::connection& record, const parameters& more = {});

// Adds the parameters to whatever query the URL has.
void append_query(wiped_string& url, const parameters& fields);

}  // namespace sallyport::oauth
