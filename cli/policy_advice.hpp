// What `policy explain` says beyond a decision: what a grant comes to, the least that would have
// to be added to it, and what a call that no rule names comes close to.
//
// Everything is asked of provider::decide() or read off its facts, so that advice cannot tell
// another story than the gate. Pure; made for people, so not fast: it looks at every rule.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "policy/provider.hpp"

namespace sallyport::cli {

struct policy_question {
    std::string host;  // Empty: the base URL's.
    std::string method;
    std::string path;  // Without its query.
    std::vector<std::string> scopes;
    std::optional<std::vector<std::string>> run_scopes;
    std::string kind;
    std::string variant;
    policy::operation_class access = policy::operation_class::destructive;
};

struct policy_answer {
    bool allowed = false;
    std::string reason;     // A sentence.
    std::string operation;  // Empty, as cls and rule: no rule names the call.
    std::string cls;
    std::string rule;
    std::vector<std::vector<std::string>> alternatives;  // as the rule has them
    std::vector<std::vector<std::string>> missing;       // of each, less what is effective
    std::vector<std::string> effective;  // closure of those granted, cut down to the run's
    std::vector<std::string> ask_for;    // fewest scopes, then the gentlest
    std::vector<std::string> hints;      // near misses, each a sentence; at most hints_max
};

constexpr std::size_t policy_hints_max = 6;

// `question.kind` is one of the provider's.
policy_answer answer_policy(const policy::provider& provider, const policy_question& question);

}  // namespace sallyport::cli
