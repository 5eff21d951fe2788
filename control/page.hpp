// What a person sees in the browser at the end of an authorisation: a page of the gate's own words,
// or a redirect to where they came from. No script, nothing from elsewhere, nothing kept.
#pragma once

#include <string>
#include <string_view>

#include "control/answer.hpp"

namespace sallyport::control {

// Both texts are escaped here.
answer page(unsigned status, std::string_view title, std::string_view text);
answer redirect_to(std::string url);

}  // namespace sallyport::control
