// The shared store: one Redis (6 or later) behind one pipelined connection.
//
// Every change of several keys is a script (redis_scripts.hpp), so gates never see half of one.
// Since others can change the data, cached entries need a lease. What Redis acknowledges survives
// its own death only with an append-only file and `appendfsync always`: warnings() says where that
// is not so. A revoked credential's sealed bytes stay in that file until Redis rewrites it.
#pragma once

#include <boost/asio/io_context.hpp>
#include <memory>

#include "vault/redis_dial.hpp"
#include "vault/store.hpp"

namespace sallyport::vault {

// Whether Redis answers shows with the first question.
std::unique_ptr<store> open_redis_store(boost::asio::io_context& context,
                                        std::shared_ptr<redis_site> site);

}  // namespace sallyport::vault
