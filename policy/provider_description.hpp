// What a provider's file says for people and for the parts of the gate that look after a
// connection: its test call, its limits, its tunnels, what nobody checked. No decision reads it.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace sallyport::policy {

struct scope_description {
    std::string id;
    std::string class_name;  // read | write | destructive | identity
    std::string description;
};

// A cheap request that shows whether a connection works. Its URL may hold {variables}.
struct test_call {
    std::string request;  // "GET https://host/path?query". Empty: the file names none.
    std::string body;     // JSON; empty: none.
    std::string expect;   // what a good answer holds, where the status alone does not tell
    // One of these scopes, or of these sets joined by '+', is needed. Empty: any credential will
    // do.
    std::vector<std::string> scopes_any;
    std::string scope_header;  // the answer's field that lists what was granted
    std::string returns;
    std::string note;
};

struct rate_limit_facts {
    std::vector<std::uint16_t> statuses;  // that mean: slow down
    std::vector<std::string> headers;
    std::string status_note;
    std::string body;
    std::string note;
};

// A call that carries other calls, or a language, inside: what a rule sees is only the outside.
struct tunnel {
    std::string path;  // "POST /graphql", as the provider's documentation has it
    std::string why;
};

// A header or parameter that changes what a call reaches.
struct call_option {
    std::string name;
    std::string description;
};

struct graphql_facts {
    std::string read;                                        // the operation types that read
    std::string write;                                       // and those that write
    std::map<std::string, std::vector<std::string>> narrow;  // scope -> the mutations it covers
};

struct provider_description {
    test_call test;
    rate_limit_facts rate_limit;
    std::vector<tunnel> tunnels;
    std::vector<call_option> optional_headers;
    std::vector<call_option> optional_params;
    std::vector<scope_description> capabilities;  // permissions that are no OAuth scopes
    graphql_facts graphql;
    // Method, or OTHER, -> the scopes of which one suffices, where no list of calls exists.
    std::map<std::string, std::vector<std::string>> method_scopes;
    std::string method_scopes_note;
    std::string version_in_path;
    std::string notes;
    std::vector<std::string> checked;     // against which sources
    std::vector<std::string> unverified;  // what was not re-checked
};

}  // namespace sallyport::policy
