#include "policy/explain.hpp"

namespace sallyport::policy {
namespace {

std::string_view reason_for(verdict outcome) noexcept
{
    switch (outcome) {
        case verdict::allow: return "The scopes suffice.";
        case verdict::no_rule: return "No rule names this call.";
        case verdict::class_above_access:
            return "The operation's class is above the access asked for.";
        case verdict::scope_missing: return "The scopes do not suffice.";
        case verdict::tunnel: return "The call carries other calls, which no rule can see.";
        case verdict::needs_graphql: return "The GraphQL operation in the body decides.";
    }
    return "";
}

}  // namespace

explanation explain(const provider& provider, std::string_view host, std::string_view method,
                    std::string_view raw_path, const std::vector<std::string>& scopes,
                    std::string_view kind, std::string_view variant, operation_class access)
{
    const provider_facts& facts = provider.facts();
    explanation result;
    request_path path;
    const path_fault fault = path.parse(raw_path.substr(0, raw_path.find('?')), facts.paths);
    if (fault != path_fault::none) {
        result.reason = describe(fault);
        return result;
    }
    if (kind.empty() && !facts.credentials.empty()) {
        kind = facts.credentials.front().kind;
    }
    const scope_set granted = provider.closure(scopes);
    const grant grant{.kind = kind, .variant = variant, .granted = &granted, .access = access};
    const decision decided = provider.decide(
        {method, host.empty() ? std::string_view(facts.base.host) : host, &path}, grant);

    result.allowed = decided.outcome == verdict::allow;
    result.reason = reason_for(decided.outcome);
    if (decided.decided_by) {
        result.operation = decided.decided_by->operation;
        result.cls = to_string(decided.decided_by->cls);
        result.rule = decided.decided_by->source;
        result.alternatives = decided.decided_by->scopes;
    }
    if (decided.outcome == verdict::scope_missing) {
        result.missing_scopes = provider.missing(*decided.decided_by, grant, path);
    }
    return result;
}

}  // namespace sallyport::policy
