// The trail in Redis (audit.stream): what audit's shipper ships, as streams that consumers read.
//
// For the trail of the node N, whose first checkpoint's hash begins with H (16 digits):
//   sallyport:audit                     set: the names of the streams of lines
//   sallyport:audit:N:H                 stream of {line}; the ids are places (audit/covered.hpp)
//   sallyport:audit:N:H:checkpoints     stream of {note}; the ids are NUMBER-0
// An emptied directory begins another trail, and so other streams: ids are never used again.
// What every consumer group of a stream has acknowledged is trimmed; without groups nothing is.
//
// Threading: called by the shipper's thread, works on one of its own. Limits: the Redis link's (two
// seconds a command). Throws at construction as parse_redis_url and redis_site do.
#pragma once

#include <memory>
#include <string>

#include "audit/ship.hpp"
#include "vault/settings.hpp"

namespace sallyport::cli {

std::unique_ptr<audit::stream_sink> make_trail_stream(const std::string& url,
                                                      const vault::redis_settings& redis,
                                                      const std::string& node);

}  // namespace sallyport::cli
