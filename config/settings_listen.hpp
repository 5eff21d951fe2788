// Listen addresses: "127.0.0.1:8080", "unix:gate.sock" or
// {address, tls: {certificate, key, client_ca}, plain}. Private to the settings reader.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "config/reference.hpp"
#include "config/yaml.hpp"
#include "net/settings.hpp"

namespace sallyport::config {

class listen_reader {
public:
    listen_reader(yaml_file& file, reference_reader& references)
        : file_(file), references_(references)
    {
    }

    // Nullopt: reported. An address that was read before, too: nothing can listen there twice.
    std::optional<net::listen_address> read(const yaml_node& node);

    // A list of them; one that is no list stands for itself.
    std::vector<net::listen_address> read_list(const yaml_node& node);

private:
    bool read_address(const yaml_node& node, net::listen_address& address);
    bool read_host_and_port(const yaml_node& node, std::string_view text,
                            net::listen_address& address);
    void read_tls(const yaml_node& node, net::listen_address& address);
    std::optional<referenced> read_pem(const yaml_node& node, std::string& path,
                                       std::string_view (*fault)(std::string_view));

    yaml_file& file_;
    reference_reader& references_;
    std::set<std::string> taken_;
};

}  // namespace sallyport::config
