// The compiled halves of Boost.Asio and Boost.Beast (BOOST_*_SEPARATE_COMPILATION): once for the
// whole program, which saves seconds in every file that includes them.
#include <boost/asio/impl/src.hpp>
#include <boost/asio/ssl/impl/src.hpp>
#include <boost/beast/src.hpp>
