// How a provider signs its events.
#include <algorithm>

#include "config/catalogue_file.hpp"

namespace sallyport::config {
namespace {

using namespace std::chrono_literals;
using policy::webhook_facts;

constexpr std::chrono::milliseconds tolerance_min = 1s;
constexpr std::chrono::milliseconds tolerance_max = 1h;

template <class Choice>
void choose(yaml_file& file, yaml_map& map, std::string_view key,
            std::pair<std::string_view, Choice> first, std::pair<std::string_view, Choice> second,
            Choice& into)
{
    std::string word;
    if (!map.read(key, word)) {
        return;
    }
    if (word != first.first && word != second.first) {
        file.report(*map.find(key),
                    "expected " + std::string(first.first) + " or " + std::string(second.first));
    }
    into = word == second.first ? second.second : first.second;
}

void read_place(yaml_map& map, policy::webhook_value& into)
{
    map.read("header", into.header);
    map.read("member", into.member);
}

void read_value(yaml_file& file, yaml_map& top, std::string_view key, policy::webhook_value& into)
{
    const yaml_node* node = top.find(key);
    if (node == nullptr) {
        return;
    }
    yaml_map map(file, *node);
    read_place(map, into);
    map.read("json", into.json);
    if (into.header.empty() == into.json.empty()) {
        file.report(*node, "expected either a header or the json member that holds it");
    }
}

// What is signed must hold the body, and nothing that the event does not tell.
void check_signed_text(yaml_file& file, const yaml_node& where, const webhook_facts& facts)
{
    bool has_body = false;
    const bool paired = for_each_placeholder(facts.signed_text, [&](std::string_view name) {
        has_body = has_body || name == "body";
        const bool told = name == "body" || (name == "timestamp" && facts.timestamp.is_told()) ||
                          (name == "id" && facts.id.is_told());
        if (!told) {
            file.report(where, "{" + std::string(name) + "} is not told by an event");
        }
    });
    if (!paired) {
        file.report(where, "the braces do not pair");
    } else if (!has_body) {
        file.report(where, "a signature that does not cover {body} proves nothing");
    }
}

}  // namespace

void read_webhooks(yaml_file& file, yaml_map& top, policy::provider_facts& facts)
{
    const yaml_node* node = top.find("webhooks");
    if (node == nullptr) {
        return;
    }
    yaml_map map(file, *node);
    webhook_facts made;
    choose<webhook_facts::proof_kind>(
        file, map, "proof", {"hmac_sha256", webhook_facts::proof_kind::hmac_sha256},
        {"shared_token", webhook_facts::proof_kind::shared_token}, made.proof);
    if (const yaml_node* signature = map.require("signature")) {
        yaml_map place(file, *signature);
        place.require("header");
        read_place(place, made.signature);
        place.read("prefix", made.signature_prefix);
        choose<webhook_facts::text_encoding>(
            file, place, "encoding", {"hex", webhook_facts::text_encoding::hex},
            {"base64", webhook_facts::text_encoding::base64}, made.encoding);
    }
    map.read("secret_prefix", made.secret_prefix);
    read_value(file, map, "timestamp", made.timestamp);
    read_value(file, map, "id", made.id);
    read_value(file, map, "event", made.event);
    std::chrono::milliseconds tolerance = made.tolerance;
    map.read("tolerance", tolerance, tolerance_min, tolerance_max);
    made.tolerance = std::chrono::duration_cast<std::chrono::seconds>(tolerance);
    map.read("challenge", made.answers_challenge);
    map.read("note", made.note);
    if (map.read("signed", made.signed_text)) {
        check_signed_text(file, *map.find("signed"), made);
    }
    facts.webhooks = std::move(made);
}

}  // namespace sallyport::config
