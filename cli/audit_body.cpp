// `audit body`: what was captured of a call, through a running gate.
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <unistd.h>

#include <iostream>
#include <memory>

#include "base/encoding.hpp"
#include "cli/audit_options.hpp"
#include "cli/command.hpp"
#include "cli/control_link.hpp"
#include "cli/output.hpp"

namespace sallyport::cli {

namespace json = boost::json;

namespace {

struct body_options {
    control_options gate;
    std::string call_id;
    std::string workspace;
    std::string side;
};

void print_facts(const json::value& body)
{
    const json::object& facts = body.as_object();
    const std::string type = text_of(body, "content_type");
    const std::string encoding = text_of(body, "content_encoding");
    std::cout << text_of(body, "side") << ": " << json::serialize(facts.at("bytes")) << " bytes"
              << (type.empty() ? "" : ", " + printable(type))
              << (encoding.empty() ? "" : ", " + printable(encoding))
              << (facts.at("truncated").as_bool() ? ", truncated" : "")
              << (facts.at("proved").as_bool() ? ", as the trail has it"
                                               : ", NOT proved by a line of the trail")
              << '\n';
}

// On a terminal what could command it is shown as text.
void print_bytes(const json::value& body)
{
    const std::string bytes = from_base64(text_of(body, "data")).value_or("");
    if (::isatty(STDOUT_FILENO) == 1) {
        std::cout << printable(bytes) << '\n';
    } else {
        std::cout << bytes;
    }
}

void show_bodies(const body_options& options)
{
    control_link gate(options.gate);
    const std::string text =
        gate.call("GET", "/api/audit/calls/" + url_escape(options.call_id) +
                             "/bodies?workspace=" + url_escape(options.workspace));
    if (options.gate.json) {
        std::cout << text << '\n';
        return;
    }
    bool found = false;
    const json::value answer = parse_answer(text);
    for (const json::value& body : answer.at("bodies").as_array()) {
        if (options.side.empty()) {
            print_facts(body);
        } else if (text_of(body, "side") == options.side) {
            print_bytes(body);
            found = true;
        }
    }
    if (!options.side.empty() && !found) {
        throw command_error(exit_status::refused, "no " + options.side + " body of it was kept");
    }
}

}  // namespace

void add_audit_body_command(CLI::App& family)
{
    auto options = std::make_shared<body_options>();
    CLI::App* command = family.add_subcommand("body", "Shows what was captured of a call's bodies");
    command->add_option("CALL_ID", options->call_id, "The call, as Sallyport-Call-Id names it")
        ->required();
    command->add_option("--workspace", options->workspace, "The workspace it was made in")
        ->required();
    command
        ->add_option("--side", options->side,
                     "Prints that body's bytes: request or response (default: what there is)")
        ->check(CLI::IsMember({"request", "response"}));
    options->gate.add_to(*command);
    command->footer(
        "Takes a control token of role auditor. Bodies are captured where a provider's file says\n"
        "`capture_bodies`; each reading leaves a line in the trail.");
    command->callback([options] { show_bodies(*options); });
}

}  // namespace sallyport::cli
