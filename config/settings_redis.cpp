// vault.redis: what a Redis store needs besides its URL.
#include "config/settings_keys.hpp"
#include "config/settings_reader.hpp"

namespace sallyport::config {

void settings_reader::read_redis(const yaml_node& node)
{
    yaml_map map(file_, node);
    vault::redis_settings& redis = into_.vault.redis;
    map.read("accept_data_loss", redis.accept_data_loss);
    read_pem(map, "ca", redis.ca, certificate_fault);
    const auto certificate = read_pem(map, "certificate", redis.certificate, certificate_fault);
    const auto key = read_pem(map, "key", redis.key, private_key_fault);
    if (key && key->exposed()) {
        references_.report_exposed(*map.find("key"));
    }
    if (redis.certificate.empty() != redis.key.empty()) {
        file_.report(node, "certificate and key belong together: one is missing");
    } else if (certificate && key && !certificate_has_key(certificate->bytes(), key->bytes())) {
        file_.report(node, "the key does not belong to the certificate");
    }
    const bool tls = into_.vault.store.starts_with("rediss");
    if (!tls && !(redis.ca.empty() && redis.certificate.empty() && redis.key.empty())) {
        file_.report(node, "names files for TLS, but vault.store is not rediss://");
    }
}

// "" stands for none, as an absent key does.
std::optional<referenced> settings_reader::read_pem(yaml_map& map, std::string_view key,
                                                    std::string& path,
                                                    std::string_view (*fault)(std::string_view))
{
    std::string text;
    const yaml_node* const node = map.find(key);
    if (!node || !map.read(key, text) || text.empty()) {
        return std::nullopt;
    }
    path = references_.absolute(text);
    std::optional<referenced> found = references_.read_file(*node, path);
    const std::string_view wrong = found ? fault(found->bytes()) : "";
    if (!wrong.empty()) {
        file_.report(*node, std::string(wrong));
        return std::nullopt;
    }
    return found;
}

}  // namespace sallyport::config
