// Providers made in a line, for the tests of this folder.
#pragma once

#include "policy/provider.hpp"

#include <gtest/gtest.h>

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

// What decides on a GET that may do everything; "" where nothing does.
inline std::string operation_at(const provider& provider, std::string_view raw)
{
    request_path path;
    EXPECT_EQ(path.parse(raw, provider.facts().paths), path_fault::none) << raw;
    const scope_set all = scope_set::everything();
    const decision decided = provider.decide(
        {"GET", "api.test", &path},
        {.kind = "bearer", .granted = &all, .access = operation_class::destructive});
    return decided.decided_by ? decided.decided_by->operation : "";
}

}  // namespace sallyport::policy
