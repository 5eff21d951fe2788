// Seals captured bodies with the workspaces' keys, which the control thread has: the trail's
// journal, on a thread of its own, asks it for them and seals for itself.
//
// Lifetime: keeper and io_context outlive it. Limits: waits for a key no longer than key_patience.
#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <memory>

#include "audit/body_journal.hpp"
#include "vault/keeper.hpp"

namespace sallyport::cli {

constexpr std::chrono::seconds key_patience{2};

std::unique_ptr<audit::body_sealer> make_body_sealer(boost::asio::io_context& control,
                                                     vault::keeper& keeper);

}  // namespace sallyport::cli
