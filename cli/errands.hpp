// What a gate does for connections beside serving calls: it tells receivers what happens, ends
// grants at their providers, watches what expires, and takes providers' events.
//
// Threading: the control thread. Lifetime: what it borrows outlives it.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <string_view>

#include "config/settings.hpp"
#include "control/event_outbox.hpp"
#include "control/expiry_watch.hpp"
#include "control/grant_revoker.hpp"
#include "control/server.hpp"
#include "control/use_saver.hpp"
#include "control/webhook_inbox.hpp"

namespace sallyport::cli {

class errands {
public:
    using catalogue_source = std::function<std::shared_ptr<const policy::catalogue>()>;

    // Throws std::runtime_error with one clear sentence where the settings cannot be used.
    errands(boost::asio::io_context& io, const config::settings& settings, vault::keeper& vault,
            audit::writer& trail, net::http_client& http, oauth::endpoint& authorities,
            catalogue_source catalogue);

    void start();
    // Calls `then` once nothing is left to be kept.
    void stop(std::function<void()> then);
    // What a reload changes of it.
    void use(const control::settings& settings);

    void tell(std::string_view kind, const vault::connection& record);
    void revoke_soon() { revoker_.wake(); }
    // For control::services; empty where no provider's events are taken.
    std::function<boost::asio::awaitable<control::answer>(control::webhook)> taker();

    control::event_outbox::counts told() const { return outbox_.totals(); }
    control::grant_revoker::counts revoked() const { return revoker_.totals(); }
    control::webhook_inbox::counts taken() const;
    std::uint64_t expiring() const { return watch_.expiring(); }

private:
    boost::asio::awaitable<control::answer> take(control::webhook event);

    control::event_outbox outbox_;
    control::grant_revoker revoker_;
    control::expiry_watch watch_;
    control::use_saver uses_;
    std::unique_ptr<control::webhook_publisher> stream_;
    std::unique_ptr<control::webhook_inbox> inbox_;
};

}  // namespace sallyport::cli
