// A provider of the catalogue: what its file says, and its rules compiled for deciding.
//
// Immutable once built; shared between threads through std::shared_ptr<const catalogue>. A decision
// is a function of its arguments alone: no clock, no I/O, no memory of earlier calls.
// Source: CONTRACT.md 5.
#pragma once

#include "policy/graphql.hpp"
#include "policy/oauth2_facts.hpp"
#include "policy/path.hpp"
#include "policy/provider_description.hpp"
#include "policy/scopes.hpp"
#include "policy/shared_list.hpp"
#include "policy/webhook_facts.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sallyport::policy {

enum class operation_class : std::uint8_t { read, write, destructive };

std::string_view to_string(operation_class value) noexcept;
std::optional<operation_class> parse_operation_class(std::string_view text) noexcept;

// Where a credential, or a part of it, goes into a request.
struct injection {
    enum class place : std::uint8_t { header, query, cookie, path, body };
    place in = place::header;
    // Header, query parameter, cookie or member name. For `path` the leading path under which it
    // applies, "/file"; empty: wherever no other one does.
    std::string name;
    std::string value;  // Template with {placeholders}: "Bearer {secret}", "/bot{secret}".
};

// A kind of credential that is not sent but signs the request: AWS Signature Version 4, with the
// fields access_key_id, secret_access_key and, where there is one, session_token.
struct request_signature {
    std::string service;  // "s3"; empty: the kind signs nothing
    std::string region;   // template: "{region}"
};

struct credential_kind {
    std::string kind;  // oauth2 | api_key | bearer | basic | custom
    std::vector<injection> inject;
    // Templates of the two halves of {basic}: "{username}/token" and "{password}".
    std::string basic_username = "{username}";
    std::string basic_password = "{password}";
    std::string secret_format = {};  // what the secret looks like, for people
    std::string note = {};
    request_signature sign = {};
};

// An authority that may get the credential. `host` may hold {variables} that a connection sets.
struct upstream_host {
    std::string host;  // Lower case, no port.
    std::uint16_t port = 443;
    // Templates of leading segments, "/api/" or "/{owner}/{repo}.git/". With a slash at the end
    // something must follow. Empty: every path. decide() names no rule for a path outside them.
    std::vector<std::string> path_prefixes = {};
    // The same API under another name: rules that name no hosts cover it too.
    bool is_alias = false;
    std::string note = {};
};

struct variable {
    std::string name;
    std::string where;          // host | path | oauth
    std::string default_value;  // Empty: a connection must set it, unless it is optional.
    // ECMAScript regular expression over the whole value; empty: one DNS label.
    std::string pattern;
    std::string description;
    bool is_optional = false;
    std::string example = {};
    std::string source = {};  // where the value is learned, in words
};

// A carrier of credentials that is removed from a caller's request: `header:X-Api-Key`,
// `query:key`.
struct carrier {
    enum class place : std::uint8_t { header, query, form, json };
    place in = place::header;
    std::string name;
};

struct rule {
    std::string operation;
    operation_class cls = operation_class::read;
    shared_list<std::string> methods;              // "*" is every method
    std::string path;                              // template
    shared_list<std::vector<std::string>> scopes;  // alternatives; empty: none needed
    std::vector<std::string> hosts;                // as in provider_facts; empty: the base's
    std::string source;  // "github.yaml:31" or "github.tsv:118", for explain
    // Where the body is a GraphQL request: the type of operation that this rule is for, and the
    // root fields it is limited to, by name or as "*Create"; without them it is for every field.
    // `none`: the body does not matter.
    graphql_type graphql = graphql_type::none;
    std::vector<std::string> graphql_fields = {};
};

// Objects of one type in an API whose paths name the type: where the path says "contacts", only
// the alternatives with a scope for contacts suffice.
struct object_type {
    std::vector<std::string> values;  // Segments as paths have them; "2-*" is every "2-..."
    std::vector<std::string> scopes;  // Names, or "crm.objects.contacts.*"
};

// Rules whose alternatives are for different types of object, one each (CONTRACT.md 5 has
// alternatives suffice whatever the path says; this narrows that).
struct object_scopes {
    // Placeholders that stand for a type. A value that no type lists needs every alternative.
    std::vector<std::string> placeholders;
    std::vector<object_type> types;
    // Templates whose path does not show the type, as in the tables. One alternative suffices, but
    // what the connection's other scopes would open here the run must be allowed to do as well.
    std::vector<std::string> untold;
};

// One table of scope rules, already read: paths whole, classes settled. The rows' methods stand as
// in the file: that a GET row admits HEAD, and under verb_semantics_path any verb, is decide()'s.
struct rule_table {
    std::vector<std::string> kinds;  // credential kinds it is for; empty: all
    std::string variant;
    shared_list<rule> rows;
};

// What becomes of the provider's calls in flight when their connection is revoked or their run
// ends.
enum class revoked_calls : std::uint8_t { as_configured, finish, cut };

// Everything a provider's file says, as plain data.
struct provider_facts {
    std::string id;
    std::string name;
    std::string category;
    bool enabled = true;
    bool plain_http = false;         // allow: [plain_http], and the base URL is http://
    bool private_addresses = false;  // allow: [private_addresses]
    bool cookies = false;            // allow: [cookies]
    revoked_calls on_revoke = revoked_calls::as_configured;  // by the gate: proxy.on_revoke
    path_allowances paths;
    std::string tls_ca;  // PEM file, absolute; empty: the system's roots
    bool path_case_insensitive = false;
    upstream_host base;
    std::vector<upstream_host> hosts;  // without the base
    std::vector<variable> variables;
    std::vector<credential_kind> credentials;
    std::vector<std::pair<std::string, std::string>> headers;  // added when the caller sends none
    std::vector<carrier> strip;
    std::vector<scope_description> scopes;
    std::map<std::string, std::vector<std::string>> scope_implies;
    bool verb_semantics_path = false;
    std::vector<rule> rules;
    std::vector<rule_table> tables;
    // Calls that carry other calls inside. Denied, unless a rule that is as specific names them.
    std::vector<rule> tunnels;
    object_scopes objects;
    // Segments that the provider takes for names of its own, "microsoft.graph.*", "$*" or "*()": no
    // placeholder stands for one.
    std::vector<std::string> never_values;
    std::optional<oauth2_facts> oauth2;
    std::optional<webhook_facts> webhooks;
    provider_description about;
};

// What decide() looks at. Views into the call.
struct call_facts {
    std::string_view method = {};
    std::string_view host = {};  // As the catalogue spells it: base.host or one of hosts.
    const request_path* path = nullptr;
    const graphql_request* graphql = nullptr;  // What the body asks for, once that was read.
};

struct grant {
    std::string_view kind = {};          // the connection's credential kind
    std::string_view variant = {};       // and variant: select the table
    const scope_set* granted = nullptr;  // closure of the connection's scopes; never null
    const scope_set* run = nullptr;      // closure of the run's; null: not narrowed
    operation_class access = operation_class::write;
};

// Where both a scope is missing and the class is too high, the scope is named.
enum class verdict : std::uint8_t {
    allow,
    no_rule,
    class_above_access,
    scope_missing,
    tunnel,        // It carries calls that no rule can see.
    needs_graphql  // The body settles it: decide again with call_facts::graphql.
};

struct decision {
    verdict outcome = verdict::no_rule;
    const rule* decided_by = nullptr;  // null with no_rule
    // With allow: which alternative of decided_by->scopes was satisfied, the first one where the
    // path names several types of object; npos if none was needed.
    std::size_t alternative = static_cast<std::size_t>(-1);
};

class rule_book;
class table_cache;

class provider {
public:
    // Compiles. Throws std::invalid_argument on a bad template, a rule for a host that the provider
    // does not have, and beyond 63 hosts, 63 methods, 64 tables or 63 types of object.
    // Tables that `shared` has compiled already are not compiled again.
    explicit provider(provider_facts facts, table_cache* shared = nullptr);
    ~provider();
    provider(const provider&) = delete;
    provider& operator=(const provider&) = delete;

    const provider_facts& facts() const noexcept { return facts_; }

    // Bits over this provider's vocabulary, closed under scope_implies. '*' covers everything.
    // Scopes the provider does not know are kept out of the set.
    scope_set closure(const std::vector<std::string>& scope_ids) const;

    // Pure; no allocation. Where only a ** covers the slash that a path ends with, the call must be
    // allowed without that slash too: many servers pass over it, and take the path for one that a
    // stricter rule or a tunnel names.
    decision decide(const call_facts& call, const grant& grant) const noexcept;

    // One array per alternative of the rule, less what granted and run scopes both cover. For the
    // scope_missing problem. Where the path names a type of object, only the alternatives for that.
    std::vector<std::vector<std::string>> missing(const rule& rule, const grant& grant,
                                                  const request_path& path) const;

    const credential_kind* kind(std::string_view name) const noexcept;

private:
    struct place;
    decision judge(const place& found, const call_facts& call, const grant& grant) const noexcept;

    provider_facts facts_;
    std::unique_ptr<const rule_book> book_;
};

// Every enabled and disabled provider, by id. Immutable.
class catalogue {
public:
    explicit catalogue(std::vector<std::unique_ptr<provider>> providers);

    // Enabled ones only: what a call may be addressed to.
    const provider* find(std::string_view id) const noexcept;
    const std::vector<std::unique_ptr<provider>>& all() const noexcept { return providers_; }

private:
    std::vector<std::unique_ptr<provider>> providers_;  // sorted by id
};

}  // namespace sallyport::policy
