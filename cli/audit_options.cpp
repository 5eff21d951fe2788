#include "cli/audit_options.hpp"

#include <sys/resource.h>

#include <charconv>

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
};

// `90m`, `7d`: so long ago. `2026-11-20`: midnight UTC. Else RFC 3339.
unix_micros moment(const std::string& text, const char* option)
{
    if (const auto ago = parse_duration(text)) {
        return now_micros() - std::chrono::microseconds(*ago).count();
    }
    if (text.ends_with('d')) {
        unix_micros days = 0;
        const char* const end = text.data() + text.size() - 1;
        if (const auto read = std::from_chars(text.data(), end, days);
            read.ec == std::errc() && read.ptr == end && days >= 0 && days < 36500) {
            return now_micros() - days * 86'400'000'000;
        }
    }
    if (const auto time = parse_rfc3339(text.size() == 10 ? text + "T00:00:00Z" : text)) {
        return *time;
    }
    throw command_error(exit_status::misused,
                        std::string(option) +
                            " takes a time (2026-11-20, 2026-11-20T10:00:00Z) or how long ago "
                            "(90m, 24h, 7d)");
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
