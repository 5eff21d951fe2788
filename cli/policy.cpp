#include "cli/policy.hpp"

#include <boost/json/object.hpp>

namespace sallyport::cli {

boost::json::array problems_json(const config::problems& problems)
{
    boost::json::array items;
    for (const config::problem& problem : problems) {
        items.push_back(boost::json::object{{"file", problem.file},
                                            {"line", problem.line},
                                            {"column", problem.column},
                                            {"message", problem.message}});
    }
    return items;
}

void add_policy_commands(CLI::App& app)
{
    CLI::App* family = add_family(app, "policy", "What would be allowed, without a gate");
    add_policy_explain(*family);
    add_policy_import(*family);
    add_policy_lint(*family);
}

}  // namespace sallyport::cli
