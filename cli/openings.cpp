#include "cli/openings.hpp"

#include <openssl/crypto.h>
#include <spdlog/spdlog.h>

#include <stdexcept>
#include <utility>

#include "cli/trail_stream.hpp"
#include "config/catalogue.hpp"

namespace sallyport::cli {

std::unique_ptr<audit::trail> open_trail(const config::settings& settings)
{
    std::string where;
    auto trail = audit::open_trail(settings.audit, settings.node, &where);
    if (!trail) {
        throw std::runtime_error("cannot open the trail in " + settings.audit.directory + ": " +
                                 trail.error().message() + (where.empty() ? "" : ": " + where));
    }
    const audit::trail::recovery& found = (*trail)->recovered();
    if (found.torn_bytes != 0 || found.unfinished_calls != 0) {
        spdlog::warn(
            "the trail was recovered: {} bytes of a torn line set aside, {} calls closed as "
            "outcome_unknown",
            found.torn_bytes, found.unfinished_calls);
    }
    return std::move(*trail);
}

std::unique_ptr<audit::shipper> ship_trail(const config::settings& settings)
{
    std::unique_ptr<audit::stream_sink> sink;
    try {
        sink = make_trail_stream(settings.audit.stream, settings.vault.redis, settings.node);
    } catch (const std::exception& fault) {
        throw std::runtime_error(std::string("audit.stream: ") + fault.what());
    }
    const auto told = [](const std::string& trouble) {
        if (trouble.empty()) {
            spdlog::info("the trail is being shipped to audit.stream");
        } else {
            spdlog::warn("the trail is not being shipped to audit.stream: {}", trouble);
        }
    };
    return std::make_unique<audit::shipper>(settings.audit.directory, std::move(sink), told);
}

std::shared_ptr<const oauth::clients> take_clients(config::settings& settings)
{
    auto made = std::make_shared<oauth::clients>();
    for (auto& [provider, given] : settings.oauth_clients) {
        oauth::client one;
        one.id = given.client_id;
        one.secret = vault::secret(given.client_secret);
        one.private_key = vault::secret(given.private_key);
        one.hosts = std::move(given.hosts);
        OPENSSL_cleanse(given.client_secret.data(), given.client_secret.size());
        OPENSSL_cleanse(given.private_key.data(), given.private_key.size());
        made->add(provider, std::move(one));
    }
    settings.oauth_clients.clear();
    return made;
}

std::shared_ptr<const policy::catalogue> load_catalogue(const config::settings& settings)
{
    const config::loaded_catalogue loaded = config::load_catalogue(settings.catalogue);
    for (const config::problem& problem : loaded.problems) {
        spdlog::error("left out of the catalogue: {}", problem.text());
    }
    return loaded.catalogue;
}

std::shared_ptr<const proxy::snapshot> make_snapshot(
    std::shared_ptr<const policy::catalogue> catalogue, proxy::provider_register& numbers)
{
    std::string why;
    auto made = proxy::snapshot::make(std::move(catalogue), why, &numbers);
    if (!made) {
        throw std::runtime_error(why);
    }
    return *made;
}

proxy::settings proxy_settings(const config::settings& settings)
{
    proxy::settings out = settings.proxy;
    out.connect_page = settings.control.connect_page;
    return out;
}

}  // namespace sallyport::cli
