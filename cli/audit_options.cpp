#include "cli/audit_options.hpp"

#include <sys/resource.h>

#include "audit/moment.hpp"
#include "cli/command.hpp"

namespace sallyport::cli {

namespace {

struct option {
    const char* name;
    const char* member;
    const char* description;
};

constexpr option options[] = {
    {"--kind", "kind", "call.refused, connection.revoked ..."},
    {"--workspace", "workspace", "Of this workspace"},
    {"--user", "user", "For this user"},
    {"--app", "app", "By this App"},
    {"--run", "run", "In this run"},
    {"--connection", "connection_id", "With this connection"},
    {"--provider", "provider", "At this provider"},
    {"--operation", "operation", "This operation"},
    {"--class", "class", "read, write or destructive"},
    {"--method", "method", "GET, POST ..."},
    {"--code", "code", "With this code: scope_missing, upstream_timeout ..."},
    {"--status", "status", "With this HTTP status"},
    {"--decision", "decision", "allow or deny"},
    {"--actor", "actor", "By this actor of a control action"},
    {"--call", "call_id", "The lines of this call (Sallyport-Call-Id)"},
    {"--trace", "trace_id", "The calls of this trace (W3C trace id)"},
};

unix_micros moment(const std::string& text, const char* option)
{
    if (const auto time = audit::parse_moment(text, now_micros())) {
        return *time;
    }
    throw command_error(exit_status::misused,
                        std::string(option) + " takes " + std::string(audit::moments));
}

}  // namespace

void audit_selection::add_to(CLI::App& command)
{
    command.add_option("DIR", directory, "The trail's directory (default: the configuration's)");
    add_config_option(command, config);
    command.add_option("--since", since, "From this time on: 24h, 7d, 2026-11-20, RFC 3339");
    command.add_option("--until", until, "Before this time");
    for (const option& one : options) {
        command.add_option(one.name, members[one.member], one.description)
            ->delimiter(',')
            ->type_name("TEXT[,TEXT]...");
    }
}

audit::query audit_selection::query() const
{
    audit::query out;
    if (!since.empty()) {
        out.from = moment(since, "--since");
    }
    if (!until.empty()) {
        out.until = moment(until, "--until");
    }
    for (const auto& [member, values] : members) {
        if (!values.empty()) {
            out.all.push_back({member, values});
        }
    }
    return out;
}

std::string audit_selection::where() const
{
    return directory.empty() ? settings_without_secrets(require_config(config)).audit.directory
                             : directory;
}

void allow_many_files() noexcept
{
    rlimit files{};
    if (::getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        static_cast<void>(::setrlimit(RLIMIT_NOFILE, &files));
    }
}

}  // namespace sallyport::cli
