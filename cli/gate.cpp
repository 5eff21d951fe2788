#include "cli/gate.hpp"

#include <spdlog/spdlog.h>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <algorithm>
#include <csignal>
#include <iostream>
#include <stdexcept>
#include <thread>

#include "audit/body_journal.hpp"
#include "audit/ship.hpp"
#include "audit/trail.hpp"
#include "cli/body_sealer.hpp"
#include "cli/errands.hpp"
#include "cli/metrics.hpp"
#include "cli/openings.hpp"
#include "cli/sandbox.hpp"
#include "cli/service_manager.hpp"
#include "config/catalogue.hpp"
#include "control/audit_desk.hpp"
#include "control/housekeeping.hpp"
#include "control/public_server.hpp"
#include "control/server.hpp"
#include "identity/run_token.hpp"
#include "net/http_client.hpp"
#include "oauth/endpoint.hpp"
#include "proxy/server.hpp"
#include "vault/keeper.hpp"

namespace sallyport::cli {

namespace asio = boost::asio;

namespace {

// Beyond what is left of the drain timeout, for deeds that calls have left behind.
constexpr std::chrono::seconds deeds_limit{8};
constexpr std::chrono::milliseconds deeds_poll{20};

}  // namespace

// In the order of dependence: what stands further down borrows from what stands above.
struct gate::parts {
    parts(std::string configuration, config::settings given)
        : file(std::move(configuration)),
          settings(std::move(given)),
          trail(open_trail(settings)),
          control_trail(or_throw(trail->open_writer("control"), "cannot open the trail")),
          vault(vault::keeper::open(io, settings.vault)),
          verifier(or_throw(identity::token_verifier::make(settings.run_tokens), "run_tokens")),
          minter(or_throw(identity::token_minter::make(settings.run_tokens), "run_tokens")),
          catalogue(load_catalogue(settings)),
          bodies(settings.audit, make_body_sealer(io, *vault),
                 [this](const auto& call, const error_code& why) { report_lost(call, why); }),
          proxy(proxy_settings(settings), proxy_services()),
          desk(io, settings.audit.directory),
          http(io),
          authorities(std::make_shared<oauth::endpoint>(
              http, [this] { return catalogue; }, take_clients(settings))),
          chores(io, settings, *vault, *control_trail, http, *authorities,
                 [this] { return catalogue; }),
          control(io, settings.control, control_services()),
          outside(io, settings.control, control_services()),
          house(io, control_services()),
          signals(io, SIGTERM, SIGINT, SIGHUP)
    {
        for (const std::string& warning : vault->warnings()) {
            spdlog::warn("{}", warning);
        }
        vault->use_tokens(
            authorities,
            [this](const vault::lifecycle_event& event) {
                metrics.record_refresh(event.what);
                house.tell(event);
            },
            [this](const vault::connection& about) { return house.record_refreshing(about); });
        if (!settings.audit.stream.empty()) {
            shipper = ship_trail(settings);
        }
        trail->keep(shipper ? [this] { return shipper->shipped_checkpoint(); }
                            : std::function<std::uint64_t()>());
    }

    proxy::services proxy_services()
    {
        return {[this](asio::io_context& worker) { return vault->make_resolver(worker); },
                trail.get(), &verifier, make_snapshot(catalogue, providers), &bodies};
    }

    control::services control_services()
    {
        return {*vault,
                *control_trail,
                minter,
                [this] { return catalogue; },
                settings.run_tokens.max_ttl,
                [this] { return reload(); },
                [this] { return not_ready(); },
                [this] { return metrics_text(); },
                &desk,
                audit_behind(),
                authorities.get(),
                &http,
                &settings.control,
                [this](const std::string&) { chores.revoke_soon(); },
                [this](control::webhook event) { return chores.take(std::move(event)); },
                [this](std::string_view kind, const vault::connection& about) {
                    chores.tell(kind, about);
                },
                &tally};
    }

    std::function<std::uint64_t()> audit_behind() const
    {
        if (settings.audit.stream.empty()) {
            return {};
        }
        return [this] { return shipper ? shipper->behind() : 0; };
    }

    std::vector<std::string> not_ready() const
    {
        const std::string trouble = vault->trouble();
        return std::vector<std::string>(trouble.empty() ? 0 : 1, trouble);
    }

    std::string metrics_text() const
    {
        return metrics.text({.proxy = proxy,
                             .vault = *vault,
                             .providers = providers,
                             .catalogue = *catalogue,
                             .control = tally,
                             .durability = settings.audit.durability,
                             .is_ready = not_ready().empty(),
                             .has_stream = shipper != nullptr,
                             .audit_behind = shipper ? shipper->behind() : 0,
                             .chores = &chores});
    }

    asio::awaitable<control::reload_outcome> reload();
    asio::awaitable<control::reload_outcome> read_anew();
    asio::awaitable<void> reload_on_signal();
    asio::awaitable<std::string> change_master_keys(const vault::settings& fresh);
    void record(audit::kind kind, std::string_view detail);
    void report_lost(const audit::body_journal::kept_call& call, const error_code& why);
    bool try_record(audit::kind kind, std::string_view detail, std::string_view code);
    void wait_for_signal();
    void begin_stop();
    asio::awaitable<void> finish_deeds(std::chrono::steady_clock::time_point drained);

    std::string file;
    config::settings settings;
    asio::io_context io{1};
    std::unique_ptr<audit::shipper> shipper;  // ships the trail's last checkpoint too
    std::unique_ptr<audit::trail> trail;
    std::unique_ptr<audit::writer> control_trail;
    std::unique_ptr<vault::keeper> vault;
    identity::token_verifier verifier;
    identity::token_minter minter;
    std::shared_ptr<const policy::catalogue> catalogue;
    audit::body_journal bodies;
    proxy::provider_register providers;
    control::tally tally;
    gate_metrics metrics;
    proxy::server proxy;
    control::audit_desk desk;
    net::http_client http;
    std::shared_ptr<oauth::endpoint> authorities;  // shared with the vault's refreshes
    errands chores;
    control::server control;
    control::public_server outside;
    control::housekeeper house;
    asio::signal_set signals;
    std::thread stopping;
};

bool gate::parts::try_record(audit::kind kind, std::string_view detail, std::string_view code)
{
    audit::entry line;
    line.kind = kind;
    line.actor = "gate";
    line.detail = detail;
    line.code = code;
    return control_trail->append(line) && control_trail->flush();
}

void gate::parts::record(audit::kind kind, std::string_view detail)
{
    if (!try_record(kind, detail, {})) {
        throw std::runtime_error("cannot write the trail in " + settings.audit.directory);
    }
}

// Called on the journal's thread; the outcome's line has said that they were captured.
void gate::parts::report_lost(const audit::body_journal::kept_call& call, const error_code& why)
{
    spdlog::warn("the captured bodies of call {} could not be kept: {}", call.call_id,
                 why.message());
    asio::post(
        io, [this, call_id = call.call_id, workspace = call.workspace,
             connection_id = call.connection_id, provider = call.provider, told = why.message()] {
            audit::entry line;
            line.kind = audit::kind::body_lost;
            line.actor = "gate";
            line.call_id = call_id;
            line.workspace = workspace;
            line.connection_id = connection_id;
            line.provider = provider;
            line.detail = told;
            if (!control_trail->append(line) || !control_trail->flush()) {
                spdlog::warn("nor does the trail say so: it cannot be written");
            }
        });
}

// Why not; empty: done.
asio::awaitable<std::string> gate::parts::change_master_keys(const vault::settings& fresh)
{
    std::string why;
    try {
        auto changing = vault->keys().change_masters(fresh);
        const result<void> changed = co_await std::move(changing);
        if (!changed) {
            why = "the master keys stay as they are: " + changed.error().message();
        }
    } catch (const boost::system::system_error& error) {
        why = error.what();
    }
    co_return why;
}

// The new configuration takes the old one's place only as a whole. Listeners, tokens, trail and
// vault stay as they were started, but for the vault's master keys.
asio::awaitable<control::reload_outcome> gate::parts::read_anew()
{
    control::reload_outcome outcome;
    config::loaded_settings fresh = config::load_settings(file);
    outcome.problems = std::move(fresh.problems);
    if (!outcome.problems.empty()) {
        co_return outcome;
    }
    config::loaded_catalogue loaded = config::load_catalogue(fresh.settings.catalogue);
    outcome.problems = std::move(loaded.problems);
    if (!outcome.problems.empty()) {
        co_return outcome;
    }
    std::string why;
    auto snapshot = proxy::snapshot::make(loaded.catalogue, why, &providers);
    if (!snapshot) {
        outcome.problems.push_back({file, 0, 0, why});
        co_return outcome;
    }
    errands::webhooks webhooks;
    why = chores.prepare(fresh.settings, webhooks);
    if (why.empty()) {
        auto changing = change_master_keys(fresh.settings.vault);
        why = co_await std::move(changing);
    }
    if (!why.empty()) {
        outcome.problems.push_back({file, 0, 0, why});
        co_return outcome;
    }
    settings.catalogue = fresh.settings.catalogue;
    settings.proxy = fresh.settings.proxy;
    settings.control.connect_page = fresh.settings.control.connect_page;
    settings.control.return_urls = fresh.settings.control.return_urls;
    settings.control.authorization_lifetime = fresh.settings.control.authorization_lifetime;
    chores.use(fresh.settings.control);
    settings.control.webhooks = fresh.settings.control.webhooks;
    chores.change(std::move(webhooks));
    authorities->use_clients(take_clients(fresh.settings));
    catalogue = std::move(loaded.catalogue);
    proxy.replace(*snapshot, proxy_settings(settings));
    outcome.applied = true;
    co_return outcome;
}

asio::awaitable<control::reload_outcome> gate::parts::reload()
{
    auto reading = read_anew();
    control::reload_outcome outcome = co_await std::move(reading);
    tally.reloaded_at = now_micros();
    tally.reload_applied = outcome.applied;
    co_return outcome;
}

asio::awaitable<void> gate::parts::reload_on_signal()
{
    auto reloading = reload();
    const control::reload_outcome outcome = co_await std::move(reloading);
    for (const config::problem& problem : outcome.problems) {
        spdlog::error("not reloaded: {}", problem.text());
    }
    const bool recorded = outcome.applied ? try_record(audit::kind::config_reloaded, "", "")
                                          : try_record(audit::kind::config_reloaded, "not done",
                                                       "invalid_configuration");
    if (!recorded) {
        spdlog::error("the trail cannot be written: the reload is not in it");
    }
    if (outcome.applied) {
        spdlog::info("configuration and catalogue reloaded");
    }
}

void gate::parts::wait_for_signal()
{
    signals.async_wait([this](const boost::system::error_code& error, int signal) {
        if (error) {
            return;
        }
        if (signal != SIGHUP) {
            begin_stop();
            return;
        }
        asio::co_spawn(io, reload_on_signal(), rethrow);
        wait_for_signal();
    });
}

// Draining waits for calls, and calls may wait for the vault on this thread: so another one waits.
void gate::parts::begin_stop()
{
    tell_service_manager("STOPPING=1");
    spdlog::info("stopping: {} callers connected", proxy.callers());
    const auto drained = std::chrono::steady_clock::now() + settings.proxy.drain_timeout;
    stopping = std::thread([this, drained] {
        proxy.stop();
        bodies.stop();
        asio::co_spawn(io, finish_deeds(drained), rethrow);
    });
}

// What was asked of a provider may have been done there: its answer is awaited and stored.
asio::awaitable<void> gate::parts::finish_deeds(std::chrono::steady_clock::time_point drained)
{
    control.stop();
    outside.stop();
    const auto deadline = std::max(drained, std::chrono::steady_clock::now() + deeds_limit);
    asio::steady_timer pause(io);
    while ((control.is_busy() || outside.is_busy() || vault->is_refreshing()) &&
           std::chrono::steady_clock::now() < deadline) {
        pause.expires_after(deeds_poll);
        co_await pause.async_wait(asio::use_awaitable);
    }
    house.stop();
    chores.stop([this] {
        record(audit::kind::gate_stopped, "");
        io.stop();
    });
}

gate::gate(std::string file, config::settings settings)
    : parts_(std::make_unique<parts>(std::move(file), std::move(settings)))
{
}

gate::~gate()
{
    if (parts_->stopping.joinable()) {
        parts_->stopping.join();
    }
}

void gate::run(bool confined)
{
    std::signal(SIGPIPE, SIG_IGN);
    std::signal(SIGXFSZ, SIG_IGN);  // A full trail is an error to answer with, not a death.
    const std::vector<std::string> proxies = parts_->proxy.open();
    const std::string control = parts_->control.open();
    const std::vector<std::string> outside = parts_->outside.open();
    if (confined) {
        confine_process();
    }
    parts_->record(audit::kind::gate_started, "");
    parts_->proxy.start();
    parts_->house.start();
    parts_->chores.start();
    parts_->wait_for_signal();
    for (const std::string& address : proxies) {
        std::cout << "listening proxy " << address << '\n';
    }
    for (const std::string& address : outside) {
        std::cout << "listening public " << address << '\n';
    }
    std::cout << "listening control " << control << std::endl;
    tell_service_manager("READY=1");
    parts_->io.run();
    parts_->stopping.join();
}

}  // namespace sallyport::cli
