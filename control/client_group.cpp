#include "control/client_group.hpp"

#include <boost/asio/ip/address_v6.hpp>
#include <algorithm>

#include "base/result.hpp"

namespace sallyport::control {

std::string group_of(std::string_view client)
{
    std::string_view host = client.substr(0, client.rfind(':'));
    if (!host.starts_with('[') || !host.ends_with(']')) {
        return std::string(host);
    }
    host = host.substr(1, host.size() - 2);
    error_code not_an_address;
    const auto address = boost::asio::ip::make_address_v6(std::string(host), not_an_address);
    if (not_an_address) {
        return std::string(host);
    }
    auto bytes = address.to_bytes();
    std::fill(bytes.begin() + bytes.size() / 2, bytes.end(), static_cast<unsigned char>(0));
    return boost::asio::ip::address_v6(bytes).to_string();
}

}  // namespace sallyport::control
