#include "cli/policy_advice.hpp"

#include <algorithm>
#include <array>
#include <set>

#include "cli/policy_near.hpp"

namespace sallyport::cli {
namespace {

constexpr std::array<const char*, 7> methods = {"GET",    "POST", "PUT",    "PATCH",
                                                "DELETE", "HEAD", "OPTIONS"};

std::vector<std::string> closure_of(const policy::provider_facts& facts,
                                    std::vector<std::string> scopes)
{
    std::set<std::string> seen(scopes.begin(), scopes.end());
    for (std::size_t i = 0; i < scopes.size(); ++i) {
        const auto implied = facts.scope_implies.find(scopes[i]);
        for (const std::string& scope :
             implied != facts.scope_implies.end() ? implied->second : std::vector<std::string>()) {
            if (seen.insert(scope).second) {
                scopes.push_back(scope);
            }
        }
    }
    return scopes;
}

bool has(const std::vector<std::string>& list, const std::string& item)
{
    return std::find(list.begin(), list.end(), item) != list.end();
}

std::vector<std::string> effective_of(const policy::provider_facts& facts,
                                      const policy_question& question)
{
    const std::vector<std::string> granted = closure_of(facts, question.scopes);
    if (!question.run_scopes) {
        return granted;
    }
    const std::vector<std::string> run = closure_of(facts, *question.run_scopes);
    if (has(granted, "*")) {
        return run;
    }
    std::vector<std::string> both;
    std::copy_if(granted.begin(), granted.end(), std::back_inserter(both),
                 [&](const std::string& scope) { return has(run, scope) || has(run, "*"); });
    return both;
}

int rank_of(const policy::provider_facts& facts, const std::string& id)
{
    constexpr std::array<std::string_view, 4> classes = {"identity", "read", "write",
                                                         "destructive"};
    const auto known = std::find_if(facts.scopes.begin(), facts.scopes.end(),
                                    [&](const auto& scope) { return scope.id == id; });
    const auto cls = known == facts.scopes.end()
                         ? classes.end()
                         : std::find(classes.begin(), classes.end(), known->class_name);
    return cls == classes.end() ? 2 : static_cast<int>(cls - classes.begin());  // as if it wrote
}

std::vector<std::string> least_of(const policy::provider_facts& facts,
                                  const std::vector<std::vector<std::string>>& missing)
{
    const auto cost = [&](const std::vector<std::string>& scopes) {
        int highest = 0;
        for (const std::string& scope : scopes) {
            highest = std::max(highest, rank_of(facts, scope));
        }
        return std::pair(scopes.size(), highest);
    };
    const auto least =
        std::min_element(missing.begin(), missing.end(),
                         [&](const auto& a, const auto& b) { return cost(a) < cost(b); });
    return least == missing.end() ? std::vector<std::string>() : *least;
}

class adviser {
public:
    adviser(const policy::provider& provider, const policy_question& question)
        : provider_(provider), facts_(provider.facts()), question_(question)
    {
        host_ = question.host.empty() ? facts_.base.host : question.host;
    }

    policy_answer answer()
    {
        policy_answer told;
        told.effective = effective_of(facts_, question_);
        const policy::path_fault fault = path_.parse(question_.path, facts_.paths);
        if (fault != policy::path_fault::none) {
            told.reason = policy::describe(fault);
            return told;
        }
        const policy::scope_set granted = provider_.closure(question_.scopes);
        const policy::scope_set run =
            provider_.closure(question_.run_scopes.value_or(std::vector<std::string>()));
        const policy::grant grant{question_.kind, question_.variant, &granted,
                                  question_.run_scopes ? &run : nullptr, question_.access};
        const policy::decision decided =
            provider_.decide({.method = question_.method, .host = host_, .path = &path_}, grant);
        describe(decided, grant, told);
        if (decided.outcome == policy::verdict::no_rule) {
            add_hints(told);
        }
        return told;
    }

private:
    void describe(const policy::decision& decided, const policy::grant& grant, policy_answer& told)
    {
        told.allowed = decided.outcome == policy::verdict::allow;
        told.reason = reason_for(decided);
        if (!decided.decided_by) {
            return;
        }
        const policy::rule& rule = *decided.decided_by;
        told.operation = rule.operation;
        told.cls = policy::to_string(rule.cls);
        told.rule = rule.source;
        told.alternatives.assign(rule.scopes.begin(), rule.scopes.end());
        if (decided.outcome != policy::verdict::scope_missing) {
            return;
        }
        told.missing = provider_.missing(rule, grant, path_);
        told.ask_for = least_of(facts_, told.missing);
        policy::grant whole = grant;
        whole.run = nullptr;
        const policy::decision without_run =
            provider_.decide({.method = question_.method, .host = host_, .path = &path_}, whole);
        if (without_run.outcome != policy::verdict::scope_missing) {
            told.reason = "The connection was granted enough, but the run is narrowed below it.";
        }
    }

    static std::string reason_for(const policy::decision& decided)
    {
        switch (decided.outcome) {
            case policy::verdict::allow:
                return decided.decided_by->scopes.empty() ? "No scope is needed."
                                                          : "The scopes suffice.";
            case policy::verdict::no_rule: return "No rule names this call.";
            case policy::verdict::class_above_access:
                return "The operation's class is above the access asked for.";
            case policy::verdict::scope_missing: return "The scopes do not suffice.";
            case policy::verdict::tunnel:
                return "The call carries other calls, which no rule sees.";
            case policy::verdict::needs_graphql:
                return "The GraphQL operation in the body decides.";
        }
        return "";
    }

    // The rule that names a call, whatever it asks for.
    const policy::rule* rule_for(std::string_view method, std::string_view host,
                                 std::string_view kind, std::string_view variant)
    {
        const policy::scope_set all = policy::scope_set::everything();
        const policy::grant grant{kind, variant, &all, nullptr,
                                  policy::operation_class::destructive};
        const policy::request_path* path = &path_;
        return provider_.decide({.method = method, .host = host, .path = path}, grant).decided_by;
    }

    void add_hints(policy_answer& told)
    {
        for (const char* method : methods) {
            if (const auto* rule = rule_for(method, host_, question_.kind, question_.variant)) {
                told.hints.push_back("no rule for " + question_.method + "; " + method + " is " +
                                     rule->operation + " (" + rule->source + ")");
            }
        }
        add_other_hosts(told);
        add_other_tables(told);
        for (const std::string& path :
             paths_near(provider_.facts(), question_.path, question_.kind, question_.variant)) {
            told.hints.push_back("did you mean " + path + "?");
        }
        told.hints.resize(std::min(told.hints.size(), policy_hints_max));
    }

    void add_other_hosts(policy_answer& told)
    {
        std::vector<std::string> hosts{facts_.base.host};
        for (const policy::upstream_host& host : facts_.hosts) {
            hosts.push_back(host.host);
        }
        for (const std::string& host : hosts) {
            const policy::rule* rule =
                host == host_ ? nullptr
                              : rule_for(question_.method, host, question_.kind, question_.variant);
            if (rule) {
                told.hints.push_back("at the host " + host + " it is " + rule->operation + " (" +
                                     rule->source + ")");
            }
        }
    }

    void add_other_tables(policy_answer& told)
    {
        std::set<std::pair<std::string, std::string>> selections;
        for (const policy::credential_kind& kind : facts_.credentials) {
            selections.emplace(kind.kind, "");
            for (const policy::rule_table& table : facts_.tables) {
                selections.emplace(kind.kind, table.variant);
            }
        }
        for (const auto& [kind, variant] : selections) {
            const policy::rule* rule = kind == question_.kind && variant == question_.variant
                                           ? nullptr
                                           : rule_for(question_.method, host_, kind, variant);
            if (rule) {
                told.hints.push_back("for a connection of the kind " + kind +
                                     (variant.empty() ? "" : ", variant " + variant) + ", it is " +
                                     rule->operation + " (" + rule->source + ")");
            }
        }
    }

    const policy::provider& provider_;
    const policy::provider_facts& facts_;
    const policy_question& question_;
    std::string host_;
    policy::request_path path_;
};

}  // namespace

policy_answer answer_policy(const policy::provider& provider, const policy_question& question)
{
    return adviser(provider, question).answer();
}

}  // namespace sallyport::cli
