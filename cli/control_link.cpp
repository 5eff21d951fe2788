#include "cli/control_link.hpp"

#include <boost/asio/error.hpp>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <openssl/crypto.h>

#include <cstdlib>
#include <iostream>

#include "cli/command.hpp"
#include "cli/output.hpp"
#include "cli/secret_input.hpp"
#include "config/settings.hpp"
#include "control/paging.hpp"

namespace sallyport::cli {
namespace {

constexpr std::chrono::seconds patience{15};  // beyond the longest lease

std::string address_of(const net::listen_address& listen)
{
    if (listen.is_unix()) {
        return "unix:" + listen.path;
    }
    if (listen.is_tls() || listen.port == 0) {
        throw command_error(exit_status::misused,
                            "the configuration does not say where the control listener can be "
                            "reached in plain text: give --control");
    }
    const bool v6 = listen.host.find(':') != std::string::npos;
    return "http://" + (v6 ? "[" + listen.host + "]" : listen.host) + ":" +
           std::to_string(listen.port);
}

std::string say_unreachable(const std::string& address, const std::string& config,
                            const error_code& error)
{
    namespace errc = boost::system::errc;
    if (error == errc::no_such_file_or_directory || error == errc::connection_refused) {
        return "nothing listens at " + address + ": start it with `sallyport serve --config " +
               (config.empty() ? "FILE" : config) + "`";
    }
    if (error == errc::invalid_argument) {
        return "\"" + printable(address) + "\" is no address, or the token cannot be sent: " +
               "an address is unix:PATH, http://HOST:PORT or HOST:PORT";
    }
    return "the gate at " + address + " could not be asked: " + error.message();
}

// "  gmail (Email)", "  one of gmail, outlook (Email)"; nobody: "  teleport: no provider has it".
std::string say_requirement(const boost::json::value& wanted)
{
    const std::string id = text_of(wanted, "id");
    const std::string category = text_of(wanted, "category_name");
    const std::string available = list_of(wanted, "available");
    if (available == "-") {
        return "\n  " + printable(id) + ": no provider of the catalogue has it";
    }
    return "\n  " + printable((text_of(wanted, "type") == "category" ? "one of " + available : id) +
                              (category.empty() ? "" : " (" + category + ")"));
}

}  // namespace

std::string say_problem(const control::client_response& answer)
{
    if (answer.status == 401) {
        return "the gate refused the control token";
    }
    boost::system::error_code error;
    const boost::json::value problem = boost::json::parse(answer.body, error);
    const std::string title = text_of(problem, "title");
    if (error || title.empty()) {
        return "the gate answered with status " + std::to_string(answer.status);
    }
    std::string said = title;
    if (const std::string detail = text_of(problem, "detail"); !detail.empty()) {
        said += ": " + detail;
    }
    if (const std::string code = text_of(problem, "code"); !code.empty()) {
        said += " (" + code + ")";
    }
    said = printable(said);
    const boost::json::value* errors = problem.get_object().if_contains("errors");
    if (errors != nullptr && errors->is_array()) {
        for (const boost::json::value& one : errors->get_array()) {
            said += "\n  " + printable(text_of(one, "pointer") + ": " + text_of(one, "detail"));
        }
    }
    const boost::json::value* missing = problem.get_object().if_contains("requirements");
    if (missing != nullptr && missing->is_array()) {
        said += "\nto be connected first:";
        for (const boost::json::value& one : missing->get_array()) {
            said += say_requirement(one);
        }
    }
    return said;
}

void control_options::add_to(CLI::App& command)
{
    command
        .add_option("--control", control,
                    "The gate's control listener: unix:PATH or HOST:PORT (default: "
                    "$SALLYPORT_CONTROL, else the configuration's)")
        ->type_name("ADDRESS");
    command
        .add_option("--control-token-file", token_file,
                    "A file that holds the control token (default: $SALLYPORT_CONTROL_TOKEN, else "
                    "the configuration's)")
        ->type_name("FILE");
    add_config_option(command, config);
    add_json_option(command, json);
}

control_link::control_link(const control_options& options)
{
    const char* control = std::getenv("SALLYPORT_CONTROL");
    const char* token = std::getenv("SALLYPORT_CONTROL_TOKEN");
    if (!options.control.empty()) {
        target_.address = options.control;
    } else if (control != nullptr) {
        target_.address = control;
    }
    if (!options.token_file.empty()) {
        target_.token = read_secret(options.token_file).reveal();
    } else if (token != nullptr) {
        target_.token = token;
    }
    if (target_.address.empty() || target_.token.empty()) {
        read_configuration(options);
    }
}

control_link::~control_link() { OPENSSL_cleanse(target_.token.data(), target_.token.size()); }

void control_link::read_configuration(const control_options& options)
{
    config_ = find_config(options.config);
    if (config_.empty()) {
        throw command_error(exit_status::misused,
                            target_.address.empty()
                                ? "which gate? Give --control, SALLYPORT_CONTROL or --config"
                                : "no control token: give --control-token-file, "
                                  "SALLYPORT_CONTROL_TOKEN or --config");
    }
    const config::loaded_settings loaded = config::load_settings(config_);
    if (!loaded.problems.empty()) {
        print_problems(loaded.problems, std::cerr);
        throw command_error(exit_status::misused, "");
    }
    if (target_.address.empty()) {
        target_.address = address_of(loaded.settings.control.listen);
    }
    for (const control::token& token : loaded.settings.control.tokens) {
        if (target_.token.empty() && token.role == control::role::admin) {
            target_.token = token.value;
        }
    }
}

void control_link::be_patient() { target_.timeout = config::lease_max + patience; }

control::client_response control_link::ask(std::string_view method, std::string_view target,
                                           std::string_view body)
{
    const result<control::client_response> answer = control::call(target_, method, target, body);
    if (!answer) {
        throw command_error(exit_status::refused,
                            say_unreachable(target_.address, config_, answer.error()));
    }
    return *answer;
}

std::string control_link::call(std::string_view method, std::string_view target,
                               std::string_view body)
{
    control::client_response answer = ask(method, target, body);
    if (answer.status < 200 || answer.status > 299) {
        throw command_error(exit_status::refused, say_problem(answer));
    }
    return std::move(answer.body);
}

std::string control_link::every_page(const std::string& target)
{
    const std::string first = target + (target.find('?') == std::string::npos ? "?" : "&") +
                              "limit=" + std::to_string(control::page_items_max);
    boost::json::array items;
    std::string next;
    do {
        const boost::json::value page =
            parse_answer(call("GET", next.empty() ? first : first + "&after=" + url_escape(next)));
        for (const boost::json::value& one : items_of(page)) {
            items.push_back(one);
        }
        next = text_of(page, "next");
    } while (!next.empty());
    return boost::json::serialize(
        boost::json::object{{"items", std::move(items)}, {"next", nullptr}});
}

boost::json::value parse_answer(std::string_view body)
{
    boost::system::error_code error;
    boost::json::value parsed = boost::json::parse({body.data(), body.size()}, error);
    if (error) {
        throw command_error(exit_status::refused, "the gate's answer is no JSON");
    }
    return parsed;
}

std::string url_escape(std::string_view text)
{
    constexpr std::string_view digits = "0123456789ABCDEF";
    constexpr std::string_view unreserved = "-._~";
    std::string escaped;
    for (const char c : text) {
        const bool plain = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                           (c >= '0' && c <= '9') || unreserved.find(c) != std::string_view::npos;
        if (plain) {
            escaped += c;
        } else {
            const auto byte = static_cast<unsigned char>(c);
            escaped += {'%', digits[byte >> 4], digits[byte & 15]};
        }
    }
    return escaped;
}

}  // namespace sallyport::cli
