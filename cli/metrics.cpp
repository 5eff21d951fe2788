#include "cli/metrics.hpp"

#include <dirent.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <ctime>
#include <fstream>
#include <limits>
#include <optional>
#include <vector>

#include "cli/exposition.hpp"

namespace sallyport::cli {

namespace {

constexpr double micros_a_second = 1e6;

using proxy::histogram;
using counts = proxy::provider_counts<std::uint64_t>;

double seconds(std::uint64_t micros) { return static_cast<double>(micros) / micros_a_second; }

void add_histogram(exposition& out, const exposition::labels& with,
                   const histogram<std::uint64_t>& from)
{
    std::array<double, histogram<std::uint64_t>::bounds> bounds{};
    for (std::size_t i = 0; i < bounds.size(); ++i) {
        bounds[i] = seconds(histogram<std::uint64_t>::bound_us(i));
    }
    out.histogram(with, bounds, from.buckets, seconds(from.sum_us));
}

bool was_asked(const counts& of)
{
    return std::any_of(of.provider_time.buckets.begin(), of.provider_time.buckets.end(),
                       [](std::uint64_t calls) { return calls != 0; });
}

// Once for each provider that has been called, "" among them: those that no file names.
template <class Add>
void each_provider(const proxy::provider_register& names, const proxy::metrics_totals& sums,
                   Add add)
{
    for (std::size_t i = 0; i < sums.providers.size() && i < names.names().size(); ++i) {
        add(std::string_view(names.names()[i]), sums.providers[i]);
    }
}

void add_calls(exposition& out, const proxy::provider_register& names,
               const proxy::metrics_totals& sums)
{
    out.family("sallyport_calls_total", "counter",
               "Calls by provider, class of the operation, and how they ended");
    each_provider(names, sums, [&](std::string_view provider, const counts& of) {
        for (std::size_t c = 0; c < proxy::call_classes; ++c) {
            for (std::size_t o = 0; o < proxy::outcomes; ++o) {
                if (of.calls[c][o] != 0) {
                    out.sample({{"provider", provider},
                                {"class", proxy::call_class_name(c)},
                                {"code", proxy::outcome_name(o)}},
                               of.calls[c][o]);
                }
            }
        }
    });
    out.family("sallyport_answers_total", "counter", "Answers of providers by status");
    each_provider(names, sums, [&](std::string_view provider, const counts& of) {
        constexpr std::string_view statuses[] = {"0xx", "1xx", "2xx", "3xx", "4xx", "5xx"};
        for (std::size_t i = 1; i < of.answers.size(); ++i) {
            if (of.answers[i] != 0) {
                out.sample({{"provider", provider}, {"status", statuses[i]}}, of.answers[i]);
            }
        }
    });
    out.family("sallyport_request_bytes_total", "counter", "Bytes of requests' bodies");
    each_provider(names, sums, [&](std::string_view provider, const counts& of) {
        if (was_asked(of)) {
            out.sample({{"provider", provider}}, of.request_bytes);
        }
    });
    out.family("sallyport_response_bytes_total", "counter", "Bytes of answers' bodies");
    each_provider(names, sums, [&](std::string_view provider, const counts& of) {
        if (was_asked(of)) {
            out.sample({{"provider", provider}}, of.response_bytes);
        }
    });
    out.family("sallyport_provider_seconds", "histogram",
               "From the request sent to the head of the provider's answer");
    each_provider(names, sums, [&](std::string_view provider, const counts& of) {
        if (was_asked(of)) {
            add_histogram(out, {{"provider", provider}}, of.provider_time);
        }
    });
    out.family("sallyport_gate_seconds", "histogram",
               "From the request read to it being sent on, or refused; connecting included");
    add_histogram(out, {}, sums.all.gate_time);
}

void add_connections(exposition& out, const proxy::server& proxy,
                     const proxy::worker_counts<std::uint64_t>& sums)
{
    out.family("sallyport_workers", "gauge", "Event loops");
    out.sample(proxy.workers());
    out.family("sallyport_callers", "gauge", "Callers connected");
    out.sample(proxy.callers());
    out.family("sallyport_callers_refused_total", "counter",
               "Callers beyond proxy.limits.connections");
    out.sample(sums.callers_refused);
    out.family("sallyport_upstream_idle", "gauge", "Connections to providers kept for reuse");
    out.sample(sums.connections_idle);
    out.family("sallyport_upstream_connections_total", "counter",
               "Connections to providers that calls got, or did not");
    out.sample({{"how", "dialled"}}, sums.connections_dialled);
    out.sample({{"how", "reused"}}, sums.connections_reused);
    out.sample({{"how", "failed"}}, sums.dials_failed);
    out.family("sallyport_credential_lookups_total", "counter",
               "Where calls found their credential");
    out.sample({{"from", "cache"}}, sums.credentials_cached);
    out.sample({{"from", "store"}}, sums.credentials_fetched);
}

void add_trail(exposition& out, const gate_metrics::sources& from,
               const proxy::worker_counts<std::uint64_t>& sums)
{
    const std::string_view durability =
        from.durability == audit::durability::fsync ? "fsync" : "write";
    out.family("sallyport_trail_lines_total", "counter", "Lines of calls");
    out.sample(sums.trail_lines);
    out.family("sallyport_trail_lines_refused_total", "counter",
               "Lines that could not be queued: their calls were refused");
    out.sample(sums.trail_lines_refused);
    out.family("sallyport_trail_flushes_total", "counter",
               "Batches of lines; each is one write, with durability fsync one fdatasync too");
    out.sample({{"durability", durability}, {"result", "written"}}, sums.trail_flushes);
    out.sample({{"durability", durability}, {"result", "failed"}}, sums.trail_flushes_failed);
    out.family("sallyport_trail_refusals_folded_total", "counter",
               "Refusals of strangers that share a line with others");
    out.sample(sums.refusals_folded);
    if (from.has_stream) {
        out.family("sallyport_trail_behind_lines", "gauge", "Lines that audit.stream lacks");
        out.sample(from.audit_behind);
    }
}

void add_errands(exposition& out, const errands& chores)
{
    const control::event_outbox::counts told = chores.told();
    out.family("sallyport_events_total", "counter", "Events for receivers, one for each");
    out.sample({{"outcome", "told"}}, told.told);
    out.sample({{"outcome", "delivered"}}, told.delivered);
    out.sample({{"outcome", "failed"}}, told.failed);
    out.sample({{"outcome", "given_up"}}, told.given_up);
    out.sample({{"outcome", "dropped"}}, told.dropped);
    const control::webhook_inbox::counts taken = chores.taken();
    out.family("sallyport_provider_events_total", "counter", "Events that providers sent");
    out.sample({{"outcome", "published"}}, taken.accepted);
    out.sample({{"outcome", "repeated"}}, taken.repeated);
    out.sample({{"outcome", "refused"}}, taken.refused);
    out.sample({{"outcome", "failed"}}, taken.failed);
    const control::grant_revoker::counts ended = chores.revoked();
    out.family("sallyport_provider_revocations_total", "counter",
               "Grants ended at their providers");
    out.sample({{"outcome", "done"}}, ended.done);
    out.sample({{"outcome", "not_supported"}}, ended.not_supported);
    out.sample({{"outcome", "failed"}}, ended.failed);
    out.family("sallyport_provider_revocations_waiting", "gauge", "Grants still to be ended");
    out.sample(ended.waiting);
    out.family("sallyport_connections_expiring", "gauge", "Connections about to end for good");
    out.sample(chores.expiring());
}

void add_vault(exposition& out, const vault::keeper& vault,
               const std::array<std::uint64_t, 4>& refreshes, const control::tally& control)
{
    out.family("sallyport_vault_up", "gauge", "1: the store answers");
    out.sample(vault.trouble().empty() ? 1 : 0);
    out.family("sallyport_vault_lease_seconds", "gauge",
               "How long cached credentials may be used without hearing from the store");
    const std::optional<std::chrono::milliseconds> left = vault.lease_left();
    out.sample({}, left ? static_cast<double>(left->count()) / 1e3
                        : std::numeric_limits<double>::infinity());
    out.family("sallyport_refreshes_total", "counter", "Access tokens asked for anew");
    constexpr std::string_view outcomes[] = {"refreshed", "failed", "reauth_required", "orphaned"};
    for (std::size_t i = 0; i < refreshes.size(); ++i) {
        out.sample({{"outcome", outcomes[i]}}, refreshes[i]);
    }
    out.family("sallyport_key_rotation_running", "gauge", "1: a rotation of keys is not finished");
    out.sample(control.rotation_under_way ? 1 : 0);
    out.family("sallyport_key_rotation_done", "gauge",
               "Keys wrapped anew, or records sealed anew, by the newest rotation so far");
    out.sample(control.rotated);
}

void add_control(exposition& out, const gate_metrics::sources& from)
{
    out.family("sallyport_ready", "gauge", "1: calls can be served (GET /readyz says why not)");
    out.sample(from.is_ready ? 1 : 0);
    out.family("sallyport_catalogue_providers", "gauge", "Providers in force, disabled ones too");
    out.sample(from.catalogue.all().size());
    out.family("sallyport_reload_success", "gauge",
               "0: the newest reading of the configuration failed");
    out.sample(from.control.reload_applied ? 1 : 0);
    out.family("sallyport_reload_time_seconds", "gauge",
               "When it was read anew, as Unix time; 0: not since the start");
    out.sample({}, seconds(static_cast<std::uint64_t>(from.control.reloaded_at)));
    out.family("sallyport_control_answers_total", "counter", "Answers of the control listener");
    constexpr std::string_view statuses[] = {"0xx", "1xx", "2xx", "3xx", "4xx", "5xx"};
    for (std::size_t i = 2; i < from.control.answers.size(); ++i) {
        out.sample({{"status", statuses[i]}}, from.control.answers[i]);
    }
    out.family("sallyport_control_logins_refused_total", "counter",
               "Wrong control tokens, and those told to wait after too many wrong ones");
    out.sample({{"why", "wrong"}}, from.control.logins_refused);
    out.sample({{"why", "limited"}}, from.control.logins_limited);
}

// Nothing where /proc tells nothing: it belongs to root once a process is not dumpable.
std::optional<std::uint64_t> open_descriptors()
{
    DIR* const listing = ::opendir("/proc/self/fd");
    if (listing == nullptr) {
        return std::nullopt;
    }
    std::uint64_t entries = 0;
    while (::readdir(listing) != nullptr) {
        ++entries;
    }
    ::closedir(listing);
    return entries < 3 ? 0 : entries - 3;  // Less ".", ".." and the listing itself.
}

void add_process(exposition& out, unix_micros started_at)
{
    std::uint64_t pages = 0, resident = 0;
    std::ifstream("/proc/self/statm") >> pages >> resident;
    const auto page_bytes = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
    out.family("process_virtual_memory_bytes", "gauge", "Virtual memory");
    out.sample(pages * page_bytes);
    out.family("process_resident_memory_bytes", "gauge", "Memory in use");
    out.sample(resident * page_bytes);
    std::timespec used{};
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    out.family("process_cpu_seconds_total", "counter", "Processor time");
    out.sample({}, static_cast<double>(used.tv_sec) + static_cast<double>(used.tv_nsec) / 1e9);
    out.family("process_start_time_seconds", "gauge", "When it was started, as Unix time");
    out.sample({}, seconds(static_cast<std::uint64_t>(started_at)));
    if (const auto open = open_descriptors()) {
        out.family("process_open_fds", "gauge", "Open descriptors");
        out.sample(*open);
    }
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        out.family("process_max_fds", "gauge", "Descriptors that it may have");
        out.sample(limit.rlim_cur);
    }
}

}  // namespace

std::string gate_metrics::text(const sources& from) const
{
    exposition out;
    out.family("sallyport_build_info", "gauge", "1, with what runs as labels");
    out.sample({{"version", SALLYPORT_VERSION}, {"compiler", __VERSION__}}, std::uint64_t{1});
    const proxy::metrics_totals sums = from.proxy.metrics();
    add_calls(out, from.providers, sums);
    add_connections(out, from.proxy, sums.all);
    add_trail(out, from, sums.all);
    add_vault(out, from.vault, refreshes_, from.control);
    if (from.chores != nullptr) {
        add_errands(out, *from.chores);
    }
    add_control(out, from);
    add_process(out, started_at_);
    return out.take();
}

}  // namespace sallyport::cli
