#include "proxy/plan.hpp"

#include <boost/json.hpp>
#include <algorithm>
#include <map>

#include "base/text.hpp"
#include "base/time.hpp"
#include "proxy/named_authority.hpp"
#include "proxy/signing.hpp"

namespace sallyport::proxy {

namespace {

using place = policy::injection::place;

void add_unique(std::vector<std::string>& list, std::string item)
{
    if (std::find(list.begin(), list.end(), item) == list.end()) {
        list.push_back(std::move(item));
    }
}

// Header values of the form "PREFIX {x}" can carry a run token; "Basic {basic}" carries it as the
// password. Templates with text behind the secret, or several secrets, cannot.
void add_places(provider_plan& plan, const injection_plan& injection)
{
    const auto& value = injection.value;
    if (value.empty() || !value.back().placeholder || value.size() > 2) {
        return;
    }
    const std::string prefix = value.size() == 2 ? value.front().text : std::string{};
    if (value.back().text == "basic") {
        plan.places.push_back({token_place::kind::basic, injection.name, prefix});
        plan.basic_place = true;
    } else if (injection.in == place::header) {
        plan.places.push_back({token_place::kind::header, injection.name, prefix});
    } else if (injection.in == place::query && prefix.empty()) {
        plan.places.push_back({token_place::kind::query, injection.name, {}});
    }
}

void add_removed(provider_plan& plan, const injection_plan& injection)
{
    switch (injection.in) {
        case place::header: add_unique(plan.removed_headers, lower(injection.name)); break;
        case place::query: add_unique(plan.removed_query, injection.name); break;
        case place::cookie: add_unique(plan.removed_cookies, injection.name); break;
        case place::body:
            add_unique(plan.removed_json, injection.name);
            add_unique(plan.removed_form, injection.name);
            break;
        case place::path: break;  // The caller's path never holds it.
    }
}

void add_carriers(provider_plan& plan)
{
    // Another verb than the one that is decided on. No list of who understands them is complete.
    for (const char* name : {"x-http-method-override", "x-http-method", "x-method-override"}) {
        add_unique(plan.removed_headers, name);
    }
    for (const policy::carrier& carrier : plan.provider->facts().strip) {
        // "Sec-WebSocket-Protocol openai-insecure-api-key.*": the field goes as a whole.
        const std::string name = carrier.name.substr(0, carrier.name.find(' '));
        switch (carrier.in) {
            case policy::carrier::place::header:
                add_unique(plan.removed_headers, lower(name));
                break;
            case policy::carrier::place::query: add_unique(plan.removed_query, name); break;
            case policy::carrier::place::form: add_unique(plan.removed_form, name); break;
            case policy::carrier::place::json: add_unique(plan.removed_json, name); break;
        }
    }
}

bool fits(const std::regex& pattern, std::string_view host)
{
    return std::regex_match(host.begin(), host.end(), pattern) ||
           std::regex_match("https://" + std::string(host), pattern);
}

listed_host list_host(const policy::upstream_host& host, const policy::provider_facts& facts)
{
    listed_host out;
    out.facts = &host;
    for (const std::string& prefix : host.path_prefixes) {
        out.prefixes.emplace_back(prefix, facts.path_case_insensitive);
    }
    for (const policy::variable& variable : facts.variables) {
        if (host.host != "{" + variable.name + "}") {
            continue;
        }
        out.whole = &variable;
        // A pattern that takes any name does not tell whose a host is.
        auto pattern = std::make_shared<const std::regex>(variable.pattern);
        if (!variable.pattern.empty() && !fits(*pattern, "nobody.invalid")) {
            out.pattern = std::move(pattern);
        }
    }
    return out;
}

provider_plan plan_provider(const policy::provider& provider)
{
    provider_plan plan;
    plan.provider = &provider;
    plan.hosts.push_back(list_host(provider.facts().base, provider.facts()));
    for (const policy::upstream_host& host : provider.facts().hosts) {
        plan.hosts.push_back(list_host(host, provider.facts()));
    }
    for (const policy::credential_kind& kind : provider.facts().credentials) {
        std::vector<injection_plan> injections;
        for (const policy::injection& injection : kind.inject) {
            injection_plan parsed{injection.in, injection.name, parse_template(injection.value),
                                  parse_template(kind.basic_username),
                                  parse_template(kind.basic_password)};
            add_places(plan, parsed);
            add_removed(plan, parsed);
            injections.push_back(std::move(parsed));
        }
        if (!kind.sign.service.empty()) {
            expect_signatures(plan);
        }
        plan.kinds.emplace_back(kind.kind, std::move(injections));
    }
    add_carriers(plan);
    if (provider.facts().capture.is_on()) {
        plan.capture = &provider.facts().capture;
    }
    plan.reads_bodies = !plan.removed_json.empty() || !plan.removed_form.empty();
    return plan;
}

std::string lane_key(const vault::connection& connection, const upstream& upstream,
                     const policy::provider_facts& facts)
{
    std::string key = connection.workspace;
    const auto add = [&](std::string_view part) {
        key += '\n';
        key += part;
    };
    add(connection.id);
    add(std::to_string(connection.credential_version));
    add(facts.id);
    add(upstream.to.tls == nullptr ? "http" : "https");
    add(upstream.to.host);
    add(std::to_string(upstream.to.port));
    add(facts.tls_ca);
    add(facts.private_addresses ? "private" : "public");
    return key;
}

// {"timeout": "30s", "headers": {"Name": "value"}, "rate_limit": {...}} of a connection's settings.
// Written by our own control plane, so anything unreadable is simply not applied.
void apply_settings(const std::string& text, connection_plan& plan)
{
    boost::json::error_code unreadable;
    const boost::json::value settings = boost::json::parse(text, unreadable);
    if (unreadable || !settings.is_object()) {
        return;
    }
    if (const auto* timeout = settings.as_object().if_contains("timeout");
        timeout != nullptr && timeout->is_string()) {
        plan.timeout = parse_duration(timeout->as_string()).value_or(std::chrono::milliseconds{0});
    }
    if (const auto* headers = settings.as_object().if_contains("headers");
        headers != nullptr && headers->is_object()) {
        for (const auto& [name, value] : headers->as_object()) {
            if (value.is_string()) {
                plan.headers.emplace_back(name, value.as_string());
            }
        }
    }
    if (const auto* rate = settings.as_object().if_contains("rate_limit");
        rate != nullptr && rate->is_object()) {
        plan.rate = policy::read_call_rate(rate->as_object()).value_or(policy::call_rate());
    }
}

bool is_default_port(const net::destination& to) noexcept
{
    return to.port == (to.tls == nullptr ? 80 : 443);
}

}  // namespace

bool listed_host::could_be(std::string_view host) const
{
    if (whole == nullptr) {
        return host_could_match(facts->host, host);
    }
    constexpr std::size_t host_bytes_max = 253;  // Matching costs stack for each byte.
    return equal_ignoring_case(host_in(whole->default_value), host) ||
           (pattern != nullptr && host.size() <= host_bytes_max && fits(*pattern, lower(host)));
}

bool listed_host::covers(const policy::request_path& path) const noexcept
{
    return prefixes.empty() ||
           std::any_of(prefixes.begin(), prefixes.end(), [&](const policy::path_prefix& prefix) {
               return prefix.admits(path.segments());
           });
}

std::vector<template_piece> parse_template(std::string_view text)
{
    std::vector<template_piece> out;
    while (!text.empty()) {
        const std::size_t open = text.find('{');
        const std::size_t close = open == std::string_view::npos ? open : text.find('}', open);
        if (close == std::string_view::npos) {
            out.push_back({false, std::string(text)});
            break;
        }
        if (open > 0) {
            out.push_back({false, std::string(text.substr(0, open))});
        }
        out.push_back({true, std::string(text.substr(open + 1, close - open - 1))});
        text.remove_prefix(close + 1);
    }
    return out;
}

result<std::shared_ptr<const snapshot>> snapshot::make(
    std::shared_ptr<const policy::catalogue> catalogue, std::string& why,
    provider_register* numbers)
{
    const auto made = std::make_shared<snapshot>();
    std::map<std::string, net::ssl_context> contexts;  // by CA file
    for (const auto& provider : catalogue->all()) {
        if (!provider->facts().enabled) {
            continue;
        }
        provider_plan plan = plan_provider(*provider);
        if (!provider->facts().plain_http) {
            net::ssl_context& context = contexts[provider->facts().tls_ca];
            if (context == nullptr) {
                auto loaded = net::make_client_context(provider->facts().tls_ca);
                if (!loaded) {
                    why = "provider " + provider->facts().id + ": tls_ca cannot be read";
                    return loaded.error();
                }
                context = *loaded;
            }
            plan.tls = context;
        }
        if (numbers != nullptr) {
            plan.number = numbers->number_of(provider->facts().id);
            made->numbers_ = std::max<std::size_t>(made->numbers_, plan.number + 1u);
        }
        made->plans_.push_back(std::move(plan));
    }
    std::sort(made->plans_.begin(), made->plans_.end(), [](const auto& a, const auto& b) {
        return a.provider->facts().id < b.provider->facts().id;
    });
    made->catalogue_ = std::move(catalogue);
    return std::shared_ptr<const snapshot>(made);
}

const provider_plan* snapshot::find(std::string_view provider_id) const noexcept
{
    const auto at = std::lower_bound(plans_.begin(), plans_.end(), provider_id,
                                     [](const provider_plan& plan, std::string_view id) {
                                         return plan.provider->facts().id < id;
                                     });
    return at != plans_.end() && at->provider->facts().id == provider_id ? &*at : nullptr;
}

const upstream* connection_plan::find(std::string_view host, unsigned port) const noexcept
{
    if (host.empty()) {
        return &upstreams.front();
    }
    for (const upstream& candidate : upstreams) {
        if (equal_ignoring_case(candidate.to.host, host) &&
            (port == 0 ? is_default_port(candidate.to) || candidate.listed == upstreams[0].listed
                       : candidate.to.port == port)) {
            return &candidate;
        }
    }
    return nullptr;
}

std::string_view host_in(std::string_view value) noexcept { return authority_in(value).host; }

bool expand_variables(std::string_view text, const std::map<std::string, std::string>& variables,
                      const policy::provider_facts& facts, std::string& out)
{
    out.clear();
    for (const template_piece& piece : parse_template(text)) {
        if (!piece.placeholder) {
            out += piece.text;
            continue;
        }
        const auto given = variables.find(piece.text);
        if (given != variables.end()) {
            out += given->second;
            continue;
        }
        const auto declared =
            std::find_if(facts.variables.begin(), facts.variables.end(),
                         [&](const policy::variable& v) { return v.name == piece.text; });
        if (declared == facts.variables.end() || declared->default_value.empty()) {
            return false;
        }
        out += declared->default_value;
    }
    return true;
}

bool host_could_match(std::string_view pattern, std::string_view host) noexcept
{
    const std::size_t open = pattern.find('{');
    if (open == std::string_view::npos) {
        return equal_ignoring_case(pattern, host);
    }
    const std::string_view before = pattern.substr(0, open);
    const std::size_t close = pattern.rfind('}');
    const std::string_view after =
        close == std::string_view::npos ? std::string_view{} : pattern.substr(close + 1);
    return host.size() > before.size() + after.size() && starts_with_ignoring_case(host, before) &&
           equal_ignoring_case(host.substr(host.size() - after.size()), after);
}

std::shared_ptr<const connection_plan> make_connection_plan(std::shared_ptr<const snapshot> from,
                                                            const provider_plan& provider,
                                                            const vault::connection& connection,
                                                            net::pool& pool)
{
    const auto plan = std::make_shared<connection_plan>();
    const policy::provider_facts& facts = provider.provider->facts();
    for (const auto& [kind, injections] : provider.kinds) {
        if (kind == connection.kind) {
            plan->injections = &injections;
        }
    }
    if (plan->injections == nullptr ||
        !plan_signature(provider.provider->kind(connection.kind)->sign, connection, facts,
                        plan->signature)) {
        return nullptr;
    }
    const auto add = [&](const listed_host& listed) {
        upstream next;
        next.listed = &listed;
        if (!expand_variables(listed.facts->host, connection.variables, facts, next.to.host)) {
            return false;
        }
        const named_authority named = authority_in(next.to.host);
        if (named.host.empty()) {
            return false;
        }
        next.to.port = named.port != 0 ? named.port : listed.facts->port;
        next.to.host = lower(named.host);
        next.to.tls = provider.tls;
        next.to.private_addresses = facts.private_addresses;
        const bool v6 = next.to.host.find(':') != std::string::npos;
        next.authority = v6 ? "[" + next.to.host + "]" : next.to.host;
        if (!is_default_port(next.to)) {
            next.authority += ":" + std::to_string(next.to.port);
        }
        const std::string key = lane_key(connection, next, facts);
        next.lane = pool.find(key, [&] { return next.to; });
        plan->upstreams.push_back(std::move(next));
        return true;
    };
    for (const listed_host& listed : provider.hosts) {
        // An optional variable that is not set: this host is simply not there.
        if (!add(listed) && &listed == &provider.hosts.front()) {
            return nullptr;
        }
    }
    plan->provider = &provider;
    plan->granted = provider.provider->closure(connection.scopes_granted);
    apply_settings(connection.settings_json, *plan);
    plan->made_from = std::move(from);
    return plan;
}

}  // namespace sallyport::proxy
