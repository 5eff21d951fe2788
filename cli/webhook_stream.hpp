// Providers' events in Redis Streams: sallyport:webhooks:{provider}, each event once.
//
// An entry has the fields provider, id, event, received_at and body (the bytes as they came). What
// was published is remembered for a week under sallyport:webhook:{provider}:{id}. Consumers read
// with groups of their own and acknowledge; a stream keeps its newest webhook_entries_max or so.
//
// Threading: the io_context's thread. Lifetime: outlives what is asked of it.
#pragma once

#include <boost/asio/io_context.hpp>
#include <memory>
#include <string>

#include "control/webhook_inbox.hpp"
#include "vault/settings.hpp"

namespace sallyport::cli {

constexpr unsigned webhook_entries_max = 100'000;

// Throws std::runtime_error with one clear sentence where the URL or the certificates are not
// usable.
std::unique_ptr<control::webhook_publisher> make_webhook_stream(boost::asio::io_context& context,
                                                                const std::string& url,
                                                                const vault::redis_settings& redis);

}  // namespace sallyport::cli
