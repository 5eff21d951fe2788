// A running gate as the commands see it: its control API, and where it is found.
//
// Address: --control, else SALLYPORT_CONTROL, else control.listen of the configuration. Token:
// --control-token-file, else SALLYPORT_CONTROL_TOKEN, else the configuration's first admin token.
#pragma once

#include <CLI/App.hpp>
#include <boost/json/value.hpp>

#include <string>
#include <string_view>

#include "control/client.hpp"

namespace sallyport::cli {

struct control_options {
    std::string control;
    std::string token_file;
    std::string config;
    bool json = false;

    void add_to(CLI::App& command);  // with --json
};

class control_link {
public:
    // Throws command_error where address or token cannot be found.
    explicit control_link(const control_options& options);
    ~control_link();  // Wipes the token.
    control_link(const control_link&) = delete;
    control_link& operator=(const control_link&) = delete;

    // The body of a 2xx answer. Everything else is a command_error that says what the gate said;
    // neither token nor `body` is ever in it.
    std::string call(std::string_view method, std::string_view target, std::string_view body = {});
    // The answer whatever its status is, for who can say more of some than their text does.
    control::client_response ask(std::string_view method, std::string_view target,
                                 std::string_view body = {});
    // Every item of a list, page after page, as one list. `target` has no `limit` or `after`.
    std::string every_page(const std::string& target);
    // For what ends with the longest lease of a fleet.
    void be_patient();

private:
    void read_configuration(const control_options& options);

    control::client_options target_;
    std::string config_;  // Which one said where the gate is; empty: none did.
};

// What a problem+json says, for people; its status alone where the answer is something else.
std::string say_problem(const control::client_response& answer);

// An answer's JSON. Throws command_error for what is none.
boost::json::value parse_answer(std::string_view body);

// Percent-encodes everything but RFC 3986's unreserved characters.
std::string url_escape(std::string_view text);

}  // namespace sallyport::cli
