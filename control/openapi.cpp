#include "control/openapi.hpp"

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <algorithm>
#include <stdexcept>
#include <utility>

#include "base/text.hpp"
#include "control/schemas.hpp"

namespace sallyport::control {

namespace json = boost::json;

namespace {

// What may be answered whatever the route is: before it is found, or by the vault and the trail.
constexpr std::string_view usual =
    "400 bad_request 404 not_found 405 method_not_allowed 411 length_required 413 body_too_large "
    "431 headers_too_large 500 internal 503 vault_unavailable audit_unavailable";
constexpr std::string_view usual_with_token =
    "401 token_missing token_invalid 403 forbidden 429 rate_limited";

std::vector<std::string_view> words_of(std::string_view text)
{
    std::vector<std::string_view> words;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find(' '), text.size());
        if (end != 0) {
            words.push_back(text.substr(0, end));
        }
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return words;
}

// A name that the tables do not have is a mistake in them, found by the first test that asks.
[[noreturn]] void unknown(std::string_view what, std::string_view name)
{
    throw std::logic_error("the API's description names an unknown " + std::string(what) + ": " +
                           std::string(name));
}

json::object reference_to(std::string_view schema)
{
    static const std::vector<named_schema> known = all_schemas();
    if (std::none_of(known.begin(), known.end(),
                     [&](const named_schema& one) { return one.name == schema; })) {
        unknown("schema", schema);
    }
    return {{"$ref", "#/components/schemas/" + std::string(schema)}};
}

json::object parameter(std::string_view name, bool required)
{
    for (const named_parameter& known : all_parameters()) {
        if (known.name == name) {
            json::object out;
            out["name"] = known.sent;
            out["in"] = known.in;
            out["description"] = known.description;
            out["required"] = required || known.in == "path";
            out["schema"] = json::parse(known.text);
            return out;
        }
    }
    unknown("parameter", name);
}

json::array parameters_of(const route& one)
{
    json::array out;
    for (std::string_view rest = one.path; rest.find('{') != std::string_view::npos;) {
        rest.remove_prefix(rest.find('{') + 1);
        out.push_back(parameter(rest.substr(0, rest.find('}')), true));
    }
    for (std::string_view name : words_of(one.about.parameters)) {
        const bool required = name.ends_with('!');
        name.remove_suffix(required ? 1 : 0);
        out.push_back(parameter(name, required));
    }
    return out;
}

std::string_view media_type_of(std::string_view schema)
{
    return schema == "metrics_text"   ? "text/plain; version=0.0.4; charset=utf-8"
           : schema == "trail_events" ? "text/event-stream"
           : schema == "page"         ? "text/html; charset=utf-8"
                                      : "application/json";
}

json::object content(std::string_view media_type, std::string_view schema)
{
    json::object held;
    held["schema"] = reference_to(schema);
    json::object out;
    out[media_type] = std::move(held);
    return out;
}

json::object responses_of(const route& one)
{
    json::object out;
    for (const described_answer& each : read_answers(one.about.answers)) {
        json::object response;
        response["description"] =
            each.words[0] == "-" ? "Done" : "Done: " + std::string(each.words[0]);
        if (each.words[0] != "-") {
            response["content"] = content(media_type_of(each.words[0]), each.words[0]);
        }
        out[std::to_string(each.status)] = std::move(response);
    }
    for (const described_answer& each : refusals_of(one)) {
        json::array codes(each.words.begin(), each.words.end());
        json::object response;
        response["description"] = "Refused, with one of x-codes as its code";
        response["x-codes"] = std::move(codes);
        response["content"] = content("application/problem+json", "problem");
        out[std::to_string(each.status)] = std::move(response);
    }
    return out;
}

json::object operation_of(const route& one)
{
    using namespace may_call;
    json::object out;
    out["summary"] = one.about.summary;
    json::array roles;
    for (const auto& [bit, name] : {std::pair{admin, "admin"}, std::pair{platform, "platform"},
                                    std::pair{auditor, "auditor"}}) {
        if ((one.roles & bit) != 0) {
            roles.emplace_back(name);
        }
    }
    if (roles.empty()) {
        out["security"] = json::array();
    }
    out["x-roles"] = std::move(roles);
    out["x-listener"] = (one.roles & outside) != 0 ? "public" : "control";
    if (!one.about.repeated.empty()) {
        out["x-repeated"] = one.about.repeated;
    }
    out["parameters"] = parameters_of(one);
    if (one.takes_body()) {
        json::object body;
        body["required"] = true;
        body["content"] = content("application/json", one.about.body);
        out["requestBody"] = std::move(body);
    }
    out["responses"] = responses_of(one);
    return out;
}

json::object paths()
{
    json::object out;
    for (const route& one : routes()) {
        json::value& path = out[one.path];
        if (path.is_null()) {
            path = json::object();
        }
        path.as_object()[lower(one.method)] = operation_of(one);
    }
    return out;
}

json::object components()
{
    json::object schemas;
    for (const named_schema& one : all_schemas()) {
        schemas[one.name] = json::parse(one.text);
    }
    return {{"schemas", std::move(schemas)},
            {"securitySchemes", json::object{{"control_token", json::parse(R"({
                "type": "http", "scheme": "bearer",
                "description": "A control token: admin, platform or auditor (x-roles), for its workspaces."})")}}}};
}

std::string make_text()
{
    json::object document;
    document["openapi"] = "3.1.0";
    document["info"] = json::parse(R"({
        "title": "Sallyport control API", "version": "1",
        "description": "Connections, runs, the trail and the vault of a credential-injecting gate. Credentials go in and never come out."})");
    document["security"] = json::parse(R"([{"control_token": []}])");
    document["paths"] = paths();
    document["components"] = components();
    return json::serialize(document);
}

}  // namespace

std::vector<described_answer> read_answers(std::string_view text)
{
    std::vector<described_answer> out;
    for (const std::string_view word : words_of(text)) {
        if (word.front() >= '1' && word.front() <= '9') {
            out.push_back({static_cast<unsigned>(std::stoul(std::string(word))), {}});
        } else if (!out.empty()) {
            out.back().words.push_back(word);
        }
    }
    return out;
}

std::vector<described_answer> refusals_of(const route& one)
{
    const bool takes_token = (one.roles & may_call::everyone) != 0;
    std::vector<described_answer> out;
    for (const std::string_view text :
         {usual, takes_token ? usual_with_token : std::string_view(), one.about.refusals}) {
        for (described_answer& each : read_answers(text)) {
            const auto known = std::find_if(
                out.begin(), out.end(),
                [&](const described_answer& other) { return other.status == each.status; });
            if (known == out.end()) {
                out.push_back(std::move(each));
                continue;
            }
            for (const std::string_view code : each.words) {
                if (std::find(known->words.begin(), known->words.end(), code) ==
                    known->words.end()) {
                    known->words.push_back(code);
                }
            }
        }
    }
    std::sort(out.begin(), out.end(), [](const described_answer& a, const described_answer& b) {
        return a.status < b.status;
    });
    return out;
}

std::string undescribed(const route& one, unsigned status, std::string_view code)
{
    const std::string where = std::string(one.method) + ' ' + std::string(one.path) + " answered ";
    if (status < 400) {
        const auto told = read_answers(one.about.answers);
        const bool known = std::any_of(told.begin(), told.end(), [&](const described_answer& each) {
            return each.status == status;
        });
        return known ? "" : where + std::to_string(status);
    }
    for (const described_answer& each : refusals_of(one)) {
        if (each.status == status &&
            std::find(each.words.begin(), each.words.end(), code) != each.words.end()) {
            return "";
        }
    }
    return where + std::to_string(status) + ' ' + std::string(code) + ", which the table lacks";
}

const std::string& openapi_text()
{
    static const std::string text = make_text();
    return text;
}

boost::asio::awaitable<answer> show_openapi(request&)
{
    answer reply;
    reply.json_text = openapi_text();
    co_return reply;
}

}  // namespace sallyport::control
