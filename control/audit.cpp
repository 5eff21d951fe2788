// The trail over HTTP: searched page by page, newest first, and followed as it grows. Whoever asks
// sees the lines of the token's workspaces; lines without one are for tokens of every workspace.
#include <algorithm>
#include <charconv>
#include <limits>
#include <utility>

#include "audit/moment.hpp"
#include "audit/query.hpp"
#include "audit/scan.hpp"
#include "control/audit_desk.hpp"
#include "control/routes.hpp"

namespace sallyport::control {

namespace asio = boost::asio;

namespace {

constexpr std::size_t page_default = 100, page_max = 1000;
constexpr std::size_t page_bytes_max = std::size_t{8} << 20;  // but for one line

struct parameter {
    std::string_view name;
    std::string_view member;  // of a line
};

constexpr parameter parameters[] = {
    {"kind", "kind"},         {"workspace", "workspace"},
    {"user", "user"},         {"app", "app"},
    {"run", "run"},           {"connection", "connection_id"},
    {"provider", "provider"}, {"operation", "operation"},
    {"class", "class"},       {"code", "code"},
    {"status", "status"},     {"call", "call_id"},
    {"trace", "trace_id"},
};

struct search {
    audit::query what;
    std::size_t limit = page_default;
};

// A page ends at a line; its cursor is that line's time and id.
std::string cursor_of(std::string_view line)
{
    const auto frame = audit::read_frame(line);
    const auto time = frame ? parse_rfc3339(frame->time) : std::nullopt;
    return time ? std::to_string(*time) + '-' + std::string(frame->id) : std::string();
}

template <class T>
bool read_number(std::string_view text, T& out)
{
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
    return error == std::errc{} && end == text.data() + text.size();
}

bool read_cursor(std::string_view text, audit::query& into)
{
    const std::size_t dash = text.find('-');
    if (dash == std::string_view::npos || text.size() - dash - 1 != ulid::text_size ||
        !read_number(text.substr(0, dash), into.until)) {
        return false;
    }
    into.before_id = text.substr(dash + 1);
    return std::all_of(into.before_id.begin(), into.before_id.end(),
                       [](char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z'); });
}

answer wrong_query(std::string_view name, std::string_view why)
{
    return problem(400, "bad_request",
                   "The query's `" + std::string(name) + "` " + std::string(why) + ".");
}

// What of the query is not a condition. An answer: it cannot be understood.
std::optional<answer> read_frame_of(const request& call, search& into)
{
    const unix_micros now = now_micros();
    for (const auto& [name, bound] :
         {std::pair{"since", &into.what.from}, std::pair{"until", &into.what.until}}) {
        const auto text = call.query(name);
        const auto time = text ? audit::parse_moment(*text, now) : std::nullopt;
        if (text && !time) {
            return wrong_query(name, "takes " + std::string(audit::moments));
        }
        *bound = time.value_or(*bound);
    }
    if (const auto text = call.query("limit")) {
        if (!read_number(*text, into.limit) || into.limit < 1 || into.limit > page_max) {
            return wrong_query("limit", "is a number from 1 to " + std::to_string(page_max));
        }
    }
    if (const auto text = call.query("cursor")) {
        audit::query place;
        if (!read_cursor(*text, place)) {
            return wrong_query("cursor", "is not a `next` of this list");
        }
        if (place.until <= into.what.until) {
            into.what.until = place.until;
            into.what.before_id = place.before_id;
        }
    }
    return std::nullopt;
}

std::optional<answer> read_search(const request& call, search& into)
{
    constexpr std::string_view others[] = {"since", "until", "limit", "cursor"};
    bool names_workspace = false;
    for (const auto& [name, value] : call.queries) {
        const auto* const found =
            std::find_if(std::begin(parameters), std::end(parameters),
                         [&](const parameter& one) { return one.name == name; });
        if (found != std::end(parameters)) {
            into.what.all.push_back({std::string(found->member), {value}});
            names_workspace = names_workspace || found->name == "workspace";
        } else if (std::find(std::begin(others), std::end(others), name) == std::end(others)) {
            // The name is the caller's and stays out of the answer.
            return problem(400, "bad_request",
                           "The query has a parameter that the trail is not searched by: it takes "
                           "since, until, workspace, user, app, run, connection, provider, "
                           "operation, class, code, status, kind, call, trace, limit and cursor.");
        }
    }
    if (names_workspace) {
        if (auto refusal = refuse_workspace(call, *call.query("workspace"))) {
            return refusal;
        }
    } else if (!call.who->everywhere) {
        into.what.all.push_back({"workspace", call.who->workspaces});
    }
    return read_frame_of(call, into);
}

// The page of these lines, which are oldest first and may be one more than fit.
std::string page_of(const std::vector<std::string>& lines, std::size_t limit)
{
    std::string text = R"({"items":[)";
    std::size_t count = 0;
    for (auto line = lines.rbegin(); line != lines.rend() && count < limit; ++line, ++count) {
        if (count != 0 && text.size() + line->size() > page_bytes_max) {
            break;
        }
        text += count == 0 ? "" : ",";
        text += *line;
    }
    const std::string next =
        count < lines.size() && count != 0 ? cursor_of(lines[lines.size() - count]) : "";
    return text + R"(],"next":)" + (next.empty() ? "null" : '"' + next + '"') + "}";
}

}  // namespace

asio::awaitable<answer> search_audit(request& call)
{
    if (call.gate.audit == nullptr) {
        co_return not_found();
    }
    search wanted;
    if (std::optional<answer> refusal = read_search(call, wanted)) {
        co_return std::move(*refusal);
    }
    const auto page = std::make_shared<std::string>();
    audit_desk::search work = [page, wanted](const std::string& directory,
                                             const std::atomic<bool>& abandoned) mutable {
        wanted.what.abandoned = &abandoned;
        *page = page_of(audit::find_newest(directory, wanted.what, wanted.limit + 1), wanted.limit);
    };
    auto searching = call.gate.audit->run(call.who->actor, std::move(work));
    const audit_desk::outcome ended = co_await std::move(searching);
    if (ended != audit_desk::outcome::done) {
        co_return search_refused(ended);
    }
    answer reply;
    reply.json_text = std::move(*page);
    co_return reply;
}

asio::awaitable<answer> stream_audit(request& call)
{
    if (call.gate.audit == nullptr) {
        co_return not_found();
    }
    for (const auto& [name, value] : call.queries) {
        if (name != "workspace") {
            co_return problem(400, "bad_request", "The stream takes no parameter but workspace.");
        }
    }
    const std::string workspace = call.query("workspace").value_or("");
    if (!workspace.empty()) {
        if (std::optional<answer> refusal = refuse_workspace(call, workspace)) {
            co_return std::move(*refusal);
        }
    }
    audit_desk::filter may_see = [who = *call.who, workspace](std::string_view of) {
        return workspace.empty() ? who.speaks_for(of) : of == workspace;
    };
    auto opening = call.gate.audit->open_stream(call.last_event_id, std::move(may_see));
    answer reply = co_await std::move(opening);
    co_return reply;
}

}  // namespace sallyport::control
