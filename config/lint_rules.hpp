// The part of lint() that looks at rules one by one.
#pragma once

#include "config/lint.hpp"
#include "policy/provider.hpp"

#include <string>
#include <vector>

namespace sallyport::config {

template <class F>
void for_each_rule(const policy::provider_facts& facts, F&& each)
{
    for (const policy::rule& rule : facts.rules) {
        each(rule);
    }
    for (const policy::rule_table& table : facts.tables) {
        for (const policy::rule& rule : table.rows) {
            each(rule);
        }
    }
}

// `file` is the provider's; tables stand beside it.
void lint_rules(const std::string& file, const policy::provider& provider,
                std::vector<lint_finding>& findings);

}  // namespace sallyport::config
