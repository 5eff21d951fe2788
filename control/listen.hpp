// A listener's socket: a unix socket for its owner alone, or TCP.
#pragma once

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <string>

#include "net/settings.hpp"

namespace sallyport::control {

// Sessions need not know which of the two they stand on.
using protocol = boost::asio::generic::stream_protocol;
using acceptor_type = boost::asio::basic_socket_acceptor<protocol>;

// Binds and listens. Returns unix:PATH, http://HOST:PORT, or https://HOST:PORT for an address that
// asks for TLS, which is the caller's to speak. Throws std::runtime_error with one clear sentence
// that begins with `key`, the configuration's name of the listener.
std::string listen_on(const net::listen_address& address, acceptor_type& acceptor,
                      const std::string& key);

// The caller's address for the trail: "127.0.0.1:41873", or "unix".
std::string name_of_peer(const protocol::socket& peer);

}  // namespace sallyport::control
