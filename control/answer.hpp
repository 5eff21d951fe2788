// What a handler hands back, and every way of saying no (RFC 9457).
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "control/json.hpp"

namespace sallyport::control {

// What an answer without an end is made of (server-sent events).
class event_source {
public:
    virtual ~event_source() = default;
    // What to send next, at the latest when the peer may need a sign of life. Empty: it is over.
    virtual boost::asio::awaitable<std::string> next() = 0;
};

struct answer {
    unsigned status = 200;
    boost::json::value body;  // null: nothing
    std::string text;         // instead of the body, where it is not JSON: the metrics
    std::string json_text;  // instead of the body, where it is written already: lines of the trail
    std::string html;       // instead of the body: a page, without script, for a person
    std::shared_ptr<event_source> events;  // instead of all that; with the session alone
    std::vector<std::pair<std::string_view, std::string>> fields;  // further ones of the head
    bool is_problem = false;
};

answer ok(boost::json::value body);
answer created(boost::json::value body);
answer no_content();
answer list_of(boost::json::array items);  // {"items": [...], "next": null}

// `detail` is fixed text or built from the catalogue's and the configuration's words alone.
answer problem(unsigned status, std::string_view code, std::string_view detail);
answer problem(const complaints& wrong);  // 400 or 422, with `errors`; there is at least one
answer problem(const error_code& error);  // of the vault
answer not_found();
answer audit_unavailable();

// The code of problem(error): also what the trail says of a deed that failed.
std::string_view code_of(const error_code& error) noexcept;

}  // namespace sallyport::control
