// The security schemes of an OpenAPI document, as kinds of credentials.
//
// A requirement names schemes that are needed together; a list of requirements, alternatives. Each
// set of schemes becomes one kind: OAuth ones together `oauth2`, a single other one the kind that
// it is, several together `custom` with a field for each. A kind has one set: what another set
// would need in its place is left out. Part of read_openapi().
#pragma once

#include "config/import.hpp"

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace sallyport::config {

using scope_alternatives = std::vector<std::vector<std::string>>;

class security_schemes {
public:
    // `schemes`: components/securitySchemes or securityDefinitions. References are not followed.
    security_schemes(const std::string& file, const std::string& pointer, const yaml_node& schemes,
                     imported_provider& made);

    // Kind -> alternatives of what a list of requirements asks. A requirement of nothing stands
    // under every kind. Nullopt: none of them can be met with what we know.
    std::optional<std::map<std::string, scope_alternatives>> read(const yaml_node& requirements);

    // Makes `kind` known: for documents that say less than they should.
    void add_kind(policy::credential_kind kind);

    // The credentials that `made` has already.
    void take_given();

    // Where no call named any scheme: all that are described.
    void add_unnamed();

    const std::vector<std::string>& kinds() const noexcept { return kinds_; }

private:
    struct scheme {
        std::string kind;  // Empty: it has no counterpart.
        policy::injection place;
    };

    scheme read_scheme(const yaml_node& node);
    void read_oauth2(const yaml_node& node);
    void read_flow(const yaml_node& flow);
    std::optional<std::string> kind_of(const std::set<std::string>& names);
    bool claim(const std::string& kind, const std::set<std::string>& names);

    const std::string& file_;
    std::string pointer_;
    imported_provider& made_;
    std::map<std::string, scheme> schemes_;
    std::map<std::string, std::set<std::string>> set_of_kind_;
    std::vector<std::string> kinds_;  // in the order in which calls named them
};

}  // namespace sallyport::config
