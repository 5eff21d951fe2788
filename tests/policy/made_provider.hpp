// Providers made in a line, for the tests of this folder.
#pragma once

#include "policy/provider.hpp"

#include <string>
#include <utility>
#include <vector>

namespace sallyport::policy {

using texts = std::vector<std::string>;

inline rule make_rule(std::string operation, texts methods, std::string path,
                      std::vector<texts> scopes = {}, operation_class cls = operation_class::read)
{
    rule made;
    made.source = "test.yaml:" + operation;
    made.operation = std::move(operation);
    made.methods = std::move(methods);
    made.path = std::move(path);
    made.scopes = std::move(scopes);
    made.cls = cls;
    return made;
}

inline provider_facts facts_with(std::vector<rule> rules)
{
    provider_facts facts;
    facts.id = "test";
    facts.base.host = "api.test";
    facts.credentials = {{"bearer", {}}};
    facts.rules = std::move(rules);
    return facts;
}

}  // namespace sallyport::policy
