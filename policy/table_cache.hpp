// The compiled form of tables that several providers have in common, kept while a catalogue is
// read: Microsoft Graph's are in five files. Not thread-safe.
#pragma once

#include "policy/rule_index.hpp"

#include <map>
#include <memory>
#include <tuple>

namespace sallyport::policy {

class table_cache {
public:
    // Equal rows are those of one shared list. Throws as rule_index does.
    std::shared_ptr<const rule_index> compile(const shared_list<rule>& rows,
                                              const rule_index::options& how);

private:
    // The rows are kept so that their address stays theirs.
    struct kept {
        shared_list<rule> rows;
        std::shared_ptr<const rule_index> index;
    };
    std::map<std::tuple<const rule*, bool, bool>, kept> kept_;
};

}  // namespace sallyport::policy
