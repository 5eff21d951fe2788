// Why a call would be allowed or refused: `policy explain`. Pure, and made of the same parts as a
// real decision (request_path, provider::decide), so that it cannot tell another story.
#pragma once

#include "policy/provider.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace sallyport::policy {

struct explanation {
    bool allowed = false;
    std::string operation;  // Empty: no rule names the call.
    std::string cls;        // read | write | destructive; empty with no rule
    std::string rule;       // "github.tsv:118": where the rule that decided stands
    std::string reason;     // A sentence.
    std::vector<std::vector<std::string>> missing_scopes;  // one array per alternative
    std::vector<std::vector<std::string>> alternatives;    // as the rule has them
};

// `host` empty: the base URL's. `scopes` are those granted; the run does not narrow. An empty
// `kind` is the provider's first.
explanation explain(const provider& provider, std::string_view host, std::string_view method,
                    std::string_view raw_path, const std::vector<std::string>& scopes,
                    std::string_view kind, std::string_view variant, operation_class access);

}  // namespace sallyport::policy
