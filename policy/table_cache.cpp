#include "policy/table_cache.hpp"

namespace sallyport::policy {

std::shared_ptr<const rule_index> table_cache::compile(const shared_list<rule>& rows,
                                                       const rule_index::options& how)
{
    // Types of object are one provider's own.
    if (how.objects || rows.empty()) {
        return std::make_shared<const rule_index>(rows, how);
    }
    const auto [known, is_new] = kept_.try_emplace(std::tuple(&rows[0], how.fold, how.every_verb));
    if (is_new) {
        known->second.rows = rows;
        known->second.index = std::make_shared<const rule_index>(rows, how);
    }
    return known->second.index;
}

}  // namespace sallyport::policy
