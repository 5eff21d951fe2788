#include "cli/gate.hpp"

#include <spdlog/spdlog.h>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <iostream>
#include <stdexcept>
#include <thread>

#include "audit/ship.hpp"
#include "audit/trail.hpp"
#include "cli/metrics.hpp"
#include "cli/sandbox.hpp"
#include "cli/service_manager.hpp"
#include "cli/trail_stream.hpp"
#include "config/catalogue.hpp"
#include "control/audit_desk.hpp"
#include "control/server.hpp"
#include "identity/run_token.hpp"
#include "proxy/server.hpp"
#include "vault/keeper.hpp"

namespace sallyport::cli {

namespace asio = boost::asio;

namespace {

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

template <class T>
T or_throw(result<T> made, const char* what)
{
    if (!made) {
        throw std::runtime_error(std::string(what) + ": " + made.error().message());
    }
    return std::move(*made);
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

std::shared_ptr<const policy::catalogue> load_catalogue(const config::settings& settings)
{
    const config::loaded_catalogue loaded = config::load_catalogue(settings.catalogue);
    for (const config::problem& problem : loaded.problems) {
        spdlog::error("left out of the catalogue: {}", problem.text());
    }
    return loaded.catalogue;
}

proxy::settings proxy_settings(const config::settings& settings)
{
    proxy::settings out = settings.proxy;
    out.connect_page = settings.control.connect_page;
    return out;
}

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
          proxy(proxy_settings(settings), proxy_services()),
          desk(io, settings.audit.directory),
          control(io, settings.control, control_services()),
          signals(io, SIGTERM, SIGINT, SIGHUP)
    {
        for (const std::string& warning : vault->warnings()) {
            spdlog::warn("{}", warning);
        }
        if (!settings.audit.stream.empty()) {
            shipper = ship_trail(settings);
        }
        trail->keep(shipper ? [this] { return shipper->shipped_checkpoint(); }
                            : std::function<std::uint64_t()>());
    }

    proxy::services proxy_services()
    {
        return {[this](asio::io_context& worker) { return vault->make_resolver(worker); },
                trail.get(), &verifier, make_snapshot(catalogue, providers)};
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
        std::vector<std::string> reasons;
        if (const std::string trouble = vault->trouble(); !trouble.empty()) {
            reasons.push_back(trouble);
        }
        return reasons;
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
                             .audit_behind = shipper ? shipper->behind() : 0});
    }

    asio::awaitable<control::reload_outcome> reload();
    asio::awaitable<control::reload_outcome> read_anew();
    asio::awaitable<void> reload_on_signal();
    asio::awaitable<std::string> change_master_keys(const vault::settings& fresh);
    void record(audit::kind kind, std::string_view detail);
    bool try_record(audit::kind kind, std::string_view detail, std::string_view code);
    void wait_for_signal();
    void begin_stop();

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
    proxy::provider_register providers;
    control::tally tally;
    gate_metrics metrics;
    proxy::server proxy;
    control::audit_desk desk;
    control::server control;
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
    auto changing = change_master_keys(fresh.settings.vault);
    why = co_await std::move(changing);
    if (!why.empty()) {
        outcome.problems.push_back({file, 0, 0, why});
        co_return outcome;
    }
    settings.catalogue = fresh.settings.catalogue;
    settings.proxy = fresh.settings.proxy;
    settings.control.connect_page = fresh.settings.control.connect_page;
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
        asio::co_spawn(io, reload_on_signal(), [](std::exception_ptr bug) {
            if (bug) {
                std::rethrow_exception(bug);
            }
        });
        wait_for_signal();
    });
}

// Draining waits for calls, and calls may wait for the vault on this thread: so another one waits.
void gate::parts::begin_stop()
{
    tell_service_manager("STOPPING=1");
    spdlog::info("stopping: {} callers connected", proxy.callers());
    stopping = std::thread([this] {
        proxy.stop();
        asio::post(io, [this] {
            control.stop();
            record(audit::kind::gate_stopped, "");
            io.stop();
        });
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
    if (confined) {
        confine_process();
    }
    parts_->record(audit::kind::gate_started, "");
    parts_->proxy.start();
    parts_->wait_for_signal();
    for (const std::string& address : proxies) {
        std::cout << "listening proxy " << address << '\n';
    }
    std::cout << "listening control " << control << std::endl;
    tell_service_manager("READY=1");
    parts_->io.run();
    parts_->stopping.join();
}

}  // namespace sallyport::cli
