#include <array>
#include <charconv>
#include <map>

#include "audit/reader.hpp"
#include "audit/scan.hpp"

namespace sallyport::audit {

namespace {

constexpr std::string_view dim = "\x1b[2m";
constexpr std::string_view red = "\x1b[31m";
constexpr std::string_view green = "\x1b[32m";
constexpr std::string_view reset = "\x1b[0m";

// Escapes stay escaped and everything beyond ASCII is left out: neither a control character nor
// text that runs backwards reaches the terminal.
std::string printable(std::string_view raw)
{
    std::string out(raw);
    for (char& c : out) {
        c = c >= 0x20 && c < 0x7f ? c : '?';
    }
    return out;
}

using fields = std::map<std::string_view, std::string_view>;

// The value with `before` in front of it, nothing where the line has no such member.
std::string part(const fields& from, std::string_view name, std::string_view before = " ")
{
    const auto at = from.find(name);
    return at == from.end() ? std::string() : std::string(before) + printable(at->second);
}

std::string milliseconds(const fields& from)
{
    const auto at = from.find("duration_us");
    std::uint64_t micros = 0;
    if (at == from.end() ||
        std::from_chars(at->second.data(), at->second.data() + at->second.size(), micros).ec !=
            std::errc{}) {
        return {};
    }
    return ' ' + std::to_string(micros / 1000) + '.' + std::to_string(micros % 1000 / 100) + " ms";
}

std::string outcome(const fields& from, bool colour)
{
    const std::string status = part(from, "status", " -> ") + part(from, "code");
    const bool failed = from.contains("code");
    if (!colour || status.empty()) {
        return status;
    }
    return std::string(failed ? red : green) + status + std::string(reset);
}

}  // namespace

std::string human_line(std::string_view json_line, bool colour)
{
    fields found;
    line_scanner scanner(json_line.substr(0, line_bytes_max));
    member one;
    while (scanner.next(one)) {
        found.emplace(one.name, one.raw);
    }
    if (!scanner.complete()) {
        return printable(json_line.substr(0, line_bytes_max));
    }
    const std::string_view faint = colour ? dim : "", plain = colour ? reset : "";
    std::string out;
    out.append(faint).append(part(found, "time", "")).append(plain);
    std::string kind = part(found, "kind");
    constexpr std::size_t kind_width = 27;
    kind.resize(std::max(kind.size(), kind_width), ' ');
    out += kind;
    out += part(found, "workspace") + part(found, "app", "/") + part(found, "run", "/") +
           part(found, "user");
    out += part(found, "provider") + part(found, "connection_id") + part(found, "method") +
           part(found, "host") + part(found, "path", found.contains("host") ? "" : " ");
    out += part(found, "operation", " (") + (found.contains("operation") ? ")" : "");
    out += outcome(found, colour) + milliseconds(found);
    out += part(found, "count", " x") + part(found, "actor", " by ") + part(found, "detail", ": ");
    out.append(faint).append(part(found, "call_id")).append(plain);
    return out;
}

}  // namespace sallyport::audit
