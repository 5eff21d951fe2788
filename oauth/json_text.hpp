// JSON that holds secrets, as text, by way of memory that is wiped.
#pragma once

#include <boost/json/value.hpp>

#include "base/wiping.hpp"

namespace sallyport::oauth {

// `value` is best made in wiping_storage().
wiped_string json_text(const boost::json::value& value);

}  // namespace sallyport::oauth
