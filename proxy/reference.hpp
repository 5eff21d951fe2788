// References to the provider in an answer, made to point at the gate, so that paging and redirects
// stay inside (CONTRACT.md 4).
//
// Boost.URL splits and checks a reference but does not resolve it: 1.81 decodes the path on the
// way, and "%2F" must stay what it is.
#pragma once

#include <string>
#include <string_view>

#include "proxy/answer.hpp"

namespace sallyport::proxy {

// `reference` resolved against the call's URL (RFC 3986, 5.2); where that is the provider's, as a
// URL of the gate without credential parameters. Otherwise, and in the forward way, as it came, but
// never with what was injected into the path.
std::string rewrite_reference(std::string_view reference, const answer_context& context);

// The same for every <reference> of a Link field (RFC 8288).
std::string rewrite_link(std::string_view value, const answer_context& context);

}  // namespace sallyport::proxy
