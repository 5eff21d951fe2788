// One thing that is wrong with a file somebody wrote by hand.
#pragma once

#include <string>
#include <vector>

namespace sallyport::config {

struct problem {
    std::string file;
    int line = 0;    // From 1; 0: the file as a whole.
    int column = 0;  // From 1.
    std::string message;

    std::string text() const  // file:line:column: message
    {
        return file + ":" + std::to_string(line) + ":" + std::to_string(column) + ": " + message;
    }
};

using problems = std::vector<problem>;

}  // namespace sallyport::config
