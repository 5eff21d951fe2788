// The result of anything that can fail: a value or an error_code (Boost.System, the error type of
// Asio and Beast). Only `if (!r)`, `*r`, `r->` and `r.error()` are used, so that a later move to
// std::expected stays mechanical.
#pragma once

#include <boost/system/error_code.hpp>
#include <boost/system/result.hpp>

namespace sallyport {

using boost::system::error_code;
template <class T>
using result = boost::system::result<T>;

}  // namespace sallyport
