// From vault.store to a store.
#pragma once

#include <boost/asio/io_context.hpp>
#include <memory>
#include <string>

#include "vault/store.hpp"

namespace sallyport::vault {

// sqlite:PATH or redis://[user:password@]host:port[/db]. Throws boost::system::system_error with
// one clear sentence that holds no password.
std::unique_ptr<store> open_store(boost::asio::io_context& context, const std::string& where);

}  // namespace sallyport::vault
