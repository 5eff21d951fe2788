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

    // Other webhooks from now on: made ready before anything else is changed. prepare() answers why
    // not; empty: change() can take them.
    struct webhooks {
        control::event_outbox::receivers receivers;
        control::webhook_inbox::secrets accept;
        std::shared_ptr<control::webhook_publisher> stream;
    };
    std::string prepare(const config::settings& settings, webhooks& into) const;
    void change(webhooks fresh);

    void start();
    // Calls `then` once nothing is left to be kept.
    void stop(std::function<void()> then);
    // What a reload changes of it.
    void use(const control::settings& settings);

    void tell(std::string_view kind, const vault::connection& record);
    void revoke_soon() { revoker_.wake(); }
    boost::asio::awaitable<control::answer> take(control::webhook event);

    control::event_outbox::counts told() const { return outbox_.totals(); }
    control::grant_revoker::counts revoked() const { return revoker_.totals(); }
    const control::webhook_inbox::counts& taken() const { return inbox_.totals(); }
    std::uint64_t expiring() const { return watch_.expiring(); }

private:
    boost::asio::io_context& io_;
    control::event_outbox outbox_;
    control::grant_revoker revoker_;
    control::expiry_watch watch_;
    control::use_saver uses_;
    control::webhook_inbox inbox_;
};

}  // namespace sallyport::cli
