// A provider of the catalogue as JSON: what the API and `provider list / show --json` say of it.
// Pure; nothing in a provider's file is secret.
#pragma once

#include <boost/json/object.hpp>

#include <cstddef>
#include <string>

#include "policy/provider.hpp"

namespace sallyport::control {

// "https://api.example.com", or the "{variable}" that holds the origin.
std::string base_url_of(const policy::provider_facts& facts);
std::string authority_of(const policy::upstream_host& host);
std::size_t rule_count(const policy::provider_facts& facts);  // with the rows of all tables

std::string to_text(policy::oauth2_facts::pkce_support value);
std::string to_text(policy::oauth2_facts::rotation value);
std::string to_text(policy::oauth2_facts::revoke_style value);

// What a list needs; and everything.
boost::json::object summary_of(const policy::provider_facts& facts);
boost::json::object description_of(const policy::provider_facts& facts);

}  // namespace sallyport::control
