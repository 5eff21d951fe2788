// What a call needs to know of its provider and connection, worked out once instead of per call.
//
// A snapshot is immutable and shared by all workers; a reload makes a new one, and calls keep the
// one they began with. A connection plan belongs to one worker.
#pragma once

#include <chrono>
#include <memory>
#include <regex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "net/pool.hpp"
#include "policy/call_rate.hpp"
#include "policy/path_prefix.hpp"
#include "policy/provider.hpp"
#include "proxy/metrics.hpp"
#include "vault/connection.hpp"

namespace sallyport::proxy {

class call_meter;

// "Bearer {secret}" as pieces.
struct template_piece {
    bool placeholder = false;
    std::string text;
};
std::vector<template_piece> parse_template(std::string_view text);

struct injection_plan {
    policy::injection::place in = policy::injection::place::header;
    std::string name;  // in the path: what stands before it, "/file"
    std::vector<template_piece> value;
    std::vector<template_piece> basic_username = {};  // the halves of {basic}
    std::vector<template_piece> basic_password = {};
};

// Where a run token may stand instead of the provider's own credential.
struct token_place {
    enum class kind : std::uint8_t { header, basic, query };
    token_place::kind in = kind::header;
    std::string name;        // of the header or the query parameter
    std::string prefix;      // header: what stands before the token, "Bearer "
    std::string until = {};  // header: where the token ends, "/"; empty: with the value
};

// A host of the catalogue with its path prefixes made ready.
struct listed_host {
    const policy::upstream_host* facts = nullptr;
    std::vector<policy::path_prefix> prefixes;
    const policy::variable* whole = nullptr;    // the variable that is the host's whole name
    std::shared_ptr<const std::regex> pattern;  // of that variable, where it tells anything

    // Whether some connection could have this host, for finding out whose a target is.
    bool could_be(std::string_view host) const;
    bool covers(const policy::request_path& path) const noexcept;
};

// How a connection's calls are signed (sigv4.hpp).
struct signature_plan {
    std::string service;  // empty: they are not
    std::string region;

    bool signs() const noexcept { return !service.empty(); }
    // S3 over TLS takes a body for what it is; elsewhere its hash is signed, so it is read whole.
    bool hashes_bodies(bool is_tls) const noexcept
    {
        return signs() && !(service == "s3" && is_tls);
    }
};

struct provider_plan {
    const policy::provider* provider = nullptr;
    std::uint16_t number = 0;                  // in the metrics
    std::vector<listed_host> hosts;            // the base first
    net::ssl_context tls;                      // null: plain_http
    std::vector<token_place> places;           // in the order of the file
    bool basic_place = false;                  // some place is the password of Basic
    std::vector<std::string> removed_headers;  // injection places and carriers, lower case
    std::vector<std::string> removed_query;
    std::vector<std::string> removed_cookies;
    std::vector<std::string> removed_json;          // members at the top level of a JSON body
    std::vector<std::string> removed_form;          // fields of a form
    bool reads_bodies = false;                      // some name is in one of the two
    const policy::body_capture* capture = nullptr;  // null: off
    std::vector<std::pair<std::string, std::vector<injection_plan>>> kinds;  // by credential kind
};

class snapshot {
public:
    // Fails with net::errc::bad_tls_material naming the provider in `why`. The metrics tell only
    // providers apart that are given numbers.
    static result<std::shared_ptr<const snapshot>> make(
        std::shared_ptr<const policy::catalogue> catalogue, std::string& why,
        provider_register* numbers = nullptr);

    const provider_plan* find(std::string_view provider_id) const noexcept;
    const std::vector<provider_plan>& providers() const noexcept { return plans_; }
    std::size_t numbers() const noexcept { return numbers_; }  // every plan's number is below

private:
    std::shared_ptr<const policy::catalogue> catalogue_;
    std::vector<provider_plan> plans_;  // enabled ones, sorted by id
    std::size_t numbers_ = 1;
};

// One authority of a connection, with its variables filled in.
struct upstream {
    const listed_host* listed = nullptr;  // as the catalogue spells it
    std::string authority;                // what the Host field says
    net::destination to;
    std::shared_ptr<net::lane> lane;
};

struct connection_plan {
    std::shared_ptr<const snapshot> made_from;
    const provider_plan* provider = nullptr;
    policy::scope_set granted;
    std::vector<upstream> upstreams;  // the base first
    const std::vector<injection_plan>* injections = nullptr;
    signature_plan signature;
    std::vector<std::pair<std::string, std::string>> headers;  // of its settings
    std::chrono::milliseconds timeout{0};                      // 0: the gate's
    policy::call_rate rate;                                    // of its settings
    mutable std::shared_ptr<call_meter> meter;                 // of the gate; found when needed

    // The upstream for a host as a caller names it ("" is the base), or null.
    const upstream* find(std::string_view host, unsigned port) const noexcept;
};

// Null if the connection's kind or variables do not fit its provider (the file changed since).
std::shared_ptr<const connection_plan> make_connection_plan(std::shared_ptr<const snapshot> from,
                                                            const provider_plan& provider,
                                                            const vault::connection& connection,
                                                            net::pool& pool);

// The host in a variable's value, which may be written as an origin: "https://acme.example.com".
std::string_view host_in(std::string_view value) noexcept;

// Fills {variables} from `variables`, then from the provider's defaults. False: one is missing.
bool expand_variables(std::string_view text, const std::map<std::string, std::string>& variables,
                      const policy::provider_facts& facts, std::string& out);

// True if `host` could be `pattern` with its {variables} filled in by some connection.
bool host_could_match(std::string_view pattern, std::string_view host) noexcept;

}  // namespace sallyport::proxy
