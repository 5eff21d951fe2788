// The catalogue that ships with the program, loaded once for all tests of it.
#pragma once

#include <string>

#include "config/catalogue.hpp"

namespace sallyport::config {

inline const loaded_catalogue& shipped()
{
    static const loaded_catalogue loaded =
        load_catalogue({std::string(SALLYPORT_SOURCE_DIR) + "/config/catalogue"});
    return loaded;
}

}  // namespace sallyport::config
