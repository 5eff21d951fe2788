// One block of a provider's file, read by itself.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "config/catalogue_file.hpp"

namespace sallyport::config {

// What `read` says is wrong with the text; `facts` as they were read.
inline std::string block_problems(void (*read)(yaml_file&, yaml_map&, policy::provider_facts&),
                                  std::string_view text, policy::provider_facts& facts)
{
    problems found;
    yaml_file file("p.yaml", found);
    EXPECT_TRUE(file.parse(text));
    {
        yaml_map top(file, file.root());
        read(file, top, facts);
    }
    std::string all;
    for (const problem& problem : found) {
        all += problem.text() + "\n";
    }
    return all;
}

}  // namespace sallyport::config
