// The lists of the Redis store, page by page: what a page costs does not depend on how much there
// is behind it (redis_list_scripts.hpp names the keys).
//
// The first page of a list sees to it that all there is stands in order; where the store was
// written by a program that kept no order, that is made up for then, in steps that leave Redis free
// in between.
//
// Threading, lifetime and failure are those of store.hpp, whose object this belongs to.
#pragma once

#include <string>
#include <vector>

#include "vault/redis_commands.hpp"
#include "vault/redis_list_scripts.hpp"

namespace sallyport::vault {

class redis_lists {
public:
    explicit redis_lists(redis_commands& redis);

    // As store::list and list_runs.
    task<std::vector<connection>> connections(std::string workspace, std::string user,
                                              std::string after, std::size_t limit);
    task<std::vector<run_record>> runs(std::string workspace, std::string after, std::size_t limit);

private:
    task<void> order(std::string workspace);
    task<void> order_one(std::string workspace);
    task<void> walk(const redis_script* step, words command, std::string workspace);

    redis_commands& redis_;
    const redis_script unordered_{redis_scripts::unordered};
    const redis_script put_in_order_;
    const redis_script tidy_{redis_scripts::tidy};
    const redis_script list_{redis_scripts::list};
    const redis_script put_runs_in_order_{redis_scripts::put_runs_in_order};
    const redis_script list_runs_{redis_scripts::list_runs};
};

}  // namespace sallyport::vault
