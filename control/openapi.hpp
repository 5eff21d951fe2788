// The API's description of itself: an OpenAPI 3.1 document made of the routing table and the
// schemas, so that it cannot say anything else than what is served.
//
// Threading: any; pure. The document is made once, at the first call.
#pragma once

#include <boost/json/object.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "control/routes.hpp"

namespace sallyport::control {

// As it is sent. Holds nothing of the gate's configuration.
const std::string& openapi_text();

struct described_answer {
    unsigned status = 0;
    std::vector<std::string_view> words;  // one schema's name, or the codes of a refusal
};
// What `answers` and `refusals` of a route say, "200 connection 404 not_found" read as pairs.
std::vector<described_answer> read_answers(std::string_view text);

// Every refusal that the route may give, those that it does not name itself included.
std::vector<described_answer> refusals_of(const route& one);

// Empty: the answer is one that the table describes. Otherwise what is wrong with it.
std::string undescribed(const route& one, unsigned status, std::string_view code);

}  // namespace sallyport::control
