// From vault.store to a store.
#pragma once

#include <boost/asio/io_context.hpp>
#include <memory>
#include <string>

#include "vault/settings.hpp"
#include "vault/store.hpp"

namespace sallyport::vault {

// sqlite:PATH, or redis:// and its kin (redis_address.hpp). Throws boost::system::system_error with
// one clear sentence that holds no password.
std::unique_ptr<store> open_store(boost::asio::io_context& context, const std::string& where,
                                  const redis_settings& redis = {});

}  // namespace sallyport::vault
