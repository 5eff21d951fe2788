// Reads one provider's file into plain facts. The keys are those of CONTRACT.md 5; besides them:
//
//   allow: [cookies]   callers' cookies are passed on, and the provider's are passed back
//   capture_bodies     {request: 64KiB, response: 64KiB, content_types: [application/json]}: what is
//                      kept, sealed, for an auditor; nothing without it (policy/body_capture.hpp)
//   classes            {read: [...], write: [...], destructive: [...]}: path patterns that settle
//                      the class of table rows, for APIs whose verbs mean nothing (verb_semantics:
//                      path)
//   hosts              {host, path_prefixes, alias, note}. `alias: true`: the same API under
//   another
//                      name, so that rules which name no hosts cover it. An entry for the base
//                      URL's own host limits that to path_prefixes
//   credentials        besides kind and inject: secret_format, note, and username and password, the
//                      templates of the halves of {basic}. A place in the path may say `under:
//                      /file` and then applies to such paths alone, behind that prefix
//   variables          {name, where, default, pattern, desc, example, source, optional}
//   base_url           may be one "{variable}" that holds a whole origin
//   coarse             rules by class alone, see read_coarse
//   scope_implies      "*.ReadWrite": ["*.Read"] stands for every scope that fits, where the file
//   or
//                      a table names the other one as well
//   oauth2             see policy/oauth2_facts.hpp
//   webhooks           see policy/webhook_facts.hpp and read_webhooks
//   strip, test, rate_limit, tunnels, method_override, verb_semantics, read_over_post, graphql,
//   method_scopes, capabilities, optional_headers, optional_params, version_in_path, notes,
//   checked, unverified: see policy/provider_description.hpp
//
// Carriers under method_override are removed from calls like those under strip: a verb that the
// provider took from there is not the one that was decided on. A tunnel is closed unless a rule
// opens it.
#pragma once

#include "config/catalogue_table.hpp"
#include "config/yaml.hpp"
#include "policy/provider.hpp"

#include <string>

namespace sallyport::config {

// Fills `facts` as far as they could be read, the id first of all; whether the file is sound is
// what `found` says afterwards.
void read_provider(const std::string& path, policy::provider_facts& facts, table_store& tables,
                   problems& found);

// The parts, in the order in which they are read. Each reports to `file`.
void read_variables(yaml_file& file, yaml_map& top, policy::provider_facts& facts);
void read_hosts(yaml_file& file, yaml_map& top, policy::provider_facts& facts);
void read_credentials(yaml_file& file, yaml_map& top, policy::provider_facts& facts);
void read_carriers(yaml_file& file, yaml_map& top, policy::provider_facts& facts);
void read_scopes(yaml_file& file, yaml_map& top, policy::provider_facts& facts);
void read_rules(yaml_file& file, yaml_map& top, policy::provider_facts& facts, table_store& tables,
                problems& found);

// `tunnels`: "POST /batch" or "/batch/**" is shut at every host of the provider, unless a rule or a
// row that is as specific opens it.
void read_tunnel_rules(yaml_file& file, yaml_map& top, policy::provider_facts& facts);

// `never_values`: ["microsoft.graph.*", "$*", "*()"], segments that no placeholder stands for.
void read_never_values(yaml_file& file, yaml_map& top, policy::provider_facts& facts);

// `object_scopes`: {placeholders: [objectType], types: [{values: [contacts], scopes:
// ["crm.objects.contacts.*"]}], untold: [/templates]}, see policy::object_scopes.
void read_object_scopes(yaml_file& file, yaml_map& top, policy::provider_facts& facts);
void read_oauth2(yaml_file& file, yaml_map& top, policy::provider_facts& facts);

// `webhooks`: {proof: hmac_sha256 | shared_token, signature: {header, member, prefix, encoding: hex |
// base64}, signed: "v0:{timestamp}:{body}", secret_prefix, timestamp: {header, member, json},
// tolerance: 5m, id: {...}, event: {...}, challenge: true, note}.
void read_webhooks(yaml_file& file, yaml_map& top, policy::provider_facts& facts);
void read_descriptions(yaml_file& file, yaml_map& top, policy::provider_facts& facts);

// `coarse`: [{path: "/v1/**", hosts, read, write, destructive}]. For an API whose calls nobody
// lists with their scopes: GET reads, POST, PUT and PATCH write, DELETE destroys, and what
// read_over_post names below the path reads, too. Of the scopes in `read`, `write` and
// `destructive` one suffices. Without them those of method_scopes stand, else the scopes that the
// file describes as of that class or above; where there are none, no scope is needed. Every other
// rule goes before a coarse one that is as specific. Call it after everything else was read.
void read_coarse(yaml_file& file, yaml_map& top, policy::provider_facts& facts);

constexpr bool is_lower_or_digit(char c) noexcept
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}
bool has_variable(const policy::provider_facts& facts, std::string_view name) noexcept;

// "host" or "host:port". Nullopt: reported.
std::optional<policy::upstream_host> read_authority(yaml_file& file, const yaml_node& node,
                                                    std::string_view text,
                                                    const policy::provider_facts& facts);

// Calls `each` with the name of every {placeholder}. False: the braces do not pair.
template <class F>
bool for_each_placeholder(std::string_view text, F&& each)
{
    for (;;) {
        const std::size_t brace = text.find_first_of("{}");
        if (brace == std::string_view::npos) {
            return true;
        }
        const std::size_t close = text.find_first_of("{}", brace + 1);
        if (text[brace] == '}' || close == std::string_view::npos || text[close] == '{') {
            return false;
        }
        each(text.substr(brace + 1, close - brace - 1));
        text.remove_prefix(close + 1);
    }
}

}  // namespace sallyport::config
