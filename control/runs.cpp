// Runs: a token is minted, the live ones are listed, one is ended.
#include <openssl/crypto.h>

#include <algorithm>
#include <set>
#include <utility>

#include "base/text.hpp"
#include "control/connection_json.hpp"
#include "control/paging.hpp"
#include "control/requirements.hpp"
#include "control/routes.hpp"
#include "control/waiting.hpp"
#include "policy/provider.hpp"
#include "vault/error.hpp"

namespace sallyport::control {

namespace json = boost::json;
namespace asio = boost::asio;

namespace {

constexpr std::size_t run_connections_max = 64;
constexpr std::size_t run_providers_max = 64;
constexpr std::chrono::hours default_ttl{1};
constexpr std::chrono::seconds least_ttl{1};

struct run_wish {
    identity::run_claims claims;
    std::vector<std::pair<std::string, std::string>> connections;  // provider ("": any), id
    std::vector<requirement> connects;
    bool is_test = false;
};

std::string read_name(member_reader& members, std::string_view name)
{
    std::string text = members.required_text(name);
    if (!text.empty() && !is_name(text)) {
        members.complain(name, "must be 1 to 128 letters, digits or ._@:+-");
    }
    return text;
}

// A list of ids, or an object of provider and id as the claim has it.
void read_connections(const json::object& body, member_reader& members, run_wish& wish)
{
    const json::value* given = body.if_contains("connections");
    if (given != nullptr && given->is_array()) {
        for (std::string& id : members.texts("connections").value_or(std::vector<std::string>())) {
            wish.connections.emplace_back("", std::move(id));
        }
    } else {
        for (auto& [provider, id] : members.text_map("connections").value_or(variable_map())) {
            wish.connections.emplace_back(provider, id);
        }
    }
    if (wish.connections.size() > run_connections_max) {
        members.complain("connections", "are too many");
    }
    std::set<std::string_view> seen;
    for (const auto& [provider, id] : wish.connections) {
        if (!seen.insert(id).second) {
            members.complain("connections", "name one connection twice");
        }
    }
}

// A provider's name that nobody knows would narrow nothing, silently: it is refused.
void read_scopes(member_reader& members, const policy::catalogue& catalogue, run_wish& wish,
                 complaints& wrong)
{
    const json::object* given = members.object("scopes");
    if (given == nullptr) {
        return;
    }
    if (given->size() > run_providers_max) {
        members.complain("scopes", "name too many providers");
        return;
    }
    member_reader providers(*given, "/scopes", wrong);
    for (const auto& member : *given) {
        const std::string provider(member.key());
        std::optional<std::vector<std::string>> scopes = providers.texts(provider);
        if (catalogue.find(provider) == nullptr) {
            providers.complain(provider, "is not in the catalogue", complaint_code::provider);
        }
        if (!scopes || scopes->size() > scopes_max ||
            !std::all_of(scopes->begin(), scopes->end(),
                         [](const std::string& scope) { return is_scope(scope); })) {
            providers.complain(provider, "must be a list of scopes");
            continue;
        }
        wish.claims.scopes.emplace_back(provider, std::move(*scopes));
    }
}

void read_lifetime(member_reader& members, std::chrono::milliseconds max_ttl, run_wish& wish)
{
    const std::optional<std::string> text = members.text("ttl");
    std::chrono::milliseconds ttl = std::min<std::chrono::milliseconds>(default_ttl, max_ttl);
    if (text) {
        const auto parsed = parse_duration(*text);
        if (!parsed || *parsed < least_ttl || *parsed > max_ttl) {
            members.complain("ttl", "must be a duration such as 1h, up to run_tokens.max_ttl");
            return;
        }
        ttl = *parsed;
    }
    wish.claims.issued_at = now_micros();
    wish.claims.expires_at =
        wish.claims.issued_at + std::chrono::duration_cast<std::chrono::microseconds>(ttl).count();
}

run_wish read_wish(const json::object& body, const policy::catalogue& catalogue,
                   std::chrono::milliseconds max_ttl, complaints& wrong)
{
    run_wish wish;
    member_reader members(body, "", wrong);
    wish.claims.workspace = read_name(members, "workspace");
    wish.claims.user = read_name(members, "user");
    wish.claims.app = read_name(members, "app");
    wish.claims.run = read_name(members, "run");
    read_connections(body, members, wish);
    read_scopes(members, catalogue, wish, wrong);
    wish.claims.access = members.text("access").value_or("write");
    if (!policy::parse_operation_class(wish.claims.access)) {
        members.complain("access", "must be read, write or destructive");
    }
    read_lifetime(members, max_ttl, wish);
    wish.connects = read_requirements(members, "connects", wrong);
    wish.is_test = members.flag("is_test").value_or(false);
    members.refuse_others();
    return wish;
}

bool may_use(const vault::connection& record, const run_wish& wish, std::string_view provider)
{
    return record.workspace == wish.claims.workspace &&
           (record.shared || record.user == wish.claims.user) &&
           (provider.empty() || record.provider == provider);
}

// Turns the connections wished for into the claim: an object where each provider occurs once, else
// an array. Whatever may not be used reads like what does not exist.
asio::awaitable<result<void>> resolve_connections(request& call, run_wish& wish, complaints& wrong)
{
    std::vector<std::pair<std::string, std::string>> found;
    for (const auto& [provider, id] : wish.connections) {
        auto showing = call.gate.vault.show(id);
        const auto record = co_await std::move(showing);
        if (!record && record.error() != vault::errc::not_found) {
            co_return record.error();
        }
        if (!record || !may_use(*record, wish, provider)) {
            wrong.add("/connections", "name a connection that this user does not have");
            continue;
        }
        found.emplace_back(record->provider, id);
    }
    std::set<std::string_view> providers;
    for (const auto& [provider, id] : found) {
        providers.insert(provider);
    }
    if (providers.size() == found.size()) {
        wish.claims.connections_by_provider = std::move(found);
    } else {
        for (auto& [provider, id] : found) {
            wish.claims.connections.push_back(std::move(id));
        }
    }
    co_return result<void>();
}

// The 422 that names what is missing; nullopt where the run may start.
asio::awaitable<result<std::optional<answer>>> check_requirements(
    request& call, const run_wish& wish, std::shared_ptr<const policy::catalogue> catalogue)
{
    if (wish.connects.empty() || wish.is_test) {
        co_return std::optional<answer>();
    }
    auto listing = call.gate.vault.list(wish.claims.workspace, "");
    const auto connections = co_await std::move(listing);
    if (!connections) {
        co_return connections.error();
    }
    const requirement_report report =
        report_on(wish.connects, *catalogue, *connections, wish.claims.user);
    if (report.is_satisfied) {
        co_return std::optional<answer>();
    }
    answer refusal = problem(422, "requirements_unsatisfied",
                             "The user lacks connections that this run requires.");
    refusal.body.as_object()["requirements"] = missing_of(report);
    co_return std::optional<answer>(std::move(refusal));
}

audit::entry line_about(const identity::run_claims& claims)
{
    audit::entry line;
    line.kind = audit::kind::run_started;
    line.workspace = claims.workspace;
    line.user = claims.user;
    line.app = claims.app;
    line.run = claims.run;
    return line;
}

json::object to_json(const vault::run_record& run)
{
    json::object out;
    out["run"] = run.run;
    out["workspace"] = run.workspace;
    out["user"] = run.user;
    out["app"] = run.app;
    out["started_at"] = time_or_null(run.started_at);
    out["expires_at"] = time_or_null(run.expires_at);
    out["ended_at"] = time_or_null(run.ended_at);
    return out;
}

vault::run_record record_of(const identity::run_claims& claims)
{
    vault::run_record run;
    run.workspace = claims.workspace;
    run.run = claims.run;
    run.user = claims.user;
    run.app = claims.app;
    run.started_at = claims.issued_at;
    run.expires_at = claims.expires_at;
    return run;
}

// Records the run and hands out its token. The token is minted first and told last: one that could
// not be minted leaves no run behind.
asio::awaitable<answer> begin(request& call, const identity::run_claims& claims)
{
    result<std::string> token = call.gate.minter.mint(claims);
    if (!token) {
        co_return problem(500, "internal", "The gate could not mint a run token.");
    }
    const audit::entry line = line_about(claims);
    if (!record(call, line)) {
        co_return audit_unavailable();
    }
    auto starting = call.gate.vault.start_run(record_of(claims));
    const auto started = co_await std::move(starting);
    if (!started) {
        OPENSSL_cleanse(token->data(), token->size());
        co_return failed(call, line, started.error());
    }
    json::object out(wiping_storage());
    out["run"] = claims.run;
    out["token"] = *token;
    out["expires_at"] = rfc3339(claims.expires_at);
    OPENSSL_cleanse(token->data(), token->size());
    co_return created(std::move(out));
}

}  // namespace

asio::awaitable<answer> start_run(request& call)
{
    const std::shared_ptr<const policy::catalogue> catalogue = call.gate.catalogue();
    complaints wrong;
    run_wish wish = read_wish(call.body, *catalogue, call.gate.max_ttl, wrong);
    if (!wrong.empty()) {
        co_return problem(wrong);
    }
    if (std::optional<answer> refusal = refuse_workspace(call, wish.claims.workspace)) {
        co_return std::move(*refusal);
    }
    auto resolving = resolve_connections(call, wish, wrong);
    const auto resolved = co_await std::move(resolving);
    if (!resolved || !wrong.empty()) {
        co_return resolved ? problem(wrong) : problem(resolved.error());
    }
    auto checking = check_requirements(call, wish, catalogue);
    auto checked = co_await std::move(checking);
    if (!checked) {
        co_return problem(checked.error());
    }
    if (*checked) {
        co_return std::move(**checked);
    }
    auto beginning = begin(call, wish.claims);
    co_return co_await std::move(beginning);
}

asio::awaitable<answer> list_runs(request& call)
{
    const std::string workspace = call.query("workspace").value_or("");
    if (!is_name(workspace)) {
        co_return problem(400, "bad_request", "The query must name a `workspace`.");
    }
    page_wish page;
    std::optional<answer> refusal = refuse_workspace(call, workspace);
    if (!refusal) {
        refusal = read_page(call, page);
    }
    if (refusal) {
        co_return std::move(*refusal);
    }
    auto listing = call.gate.vault.list_runs(workspace, page.after, page.limit + 1);
    const auto runs = co_await std::move(listing);
    if (!runs) {
        co_return problem(runs.error());
    }
    json::array items;
    for (std::size_t i = 0; i < std::min(page.limit, runs->size()); ++i) {
        items.push_back(to_json((*runs)[i]));
    }
    co_return page_of(std::move(items),
                      runs->size() > page.limit ? (*runs)[page.limit - 1].run : "");
}

asio::awaitable<answer> end_run(request& call)
{
    const std::string workspace = call.query("workspace").value_or("");
    const std::string& run = call.named.front();
    if (!is_name(workspace) || !is_name(run)) {
        co_return problem(400, "bad_request",
                          "The path must name a run, the query its `workspace`.");
    }
    if (std::optional<answer> refusal = refuse_workspace(call, workspace)) {
        co_return std::move(*refusal);
    }
    if (std::optional<answer> refusal = refuse_wait(call)) {
        co_return std::move(*refusal);
    }
    audit::entry line;
    line.kind = audit::kind::run_ended;
    line.workspace = workspace;
    line.run = run;
    if (!record(call, line)) {
        co_return audit_unavailable();
    }
    // No token that exists now, wherever it was minted, is believed for longer than this.
    const auto longest = std::chrono::duration_cast<std::chrono::microseconds>(
        call.gate.max_ttl + 2 * identity::leeway);
    auto ending = call.gate.vault.end_run(workspace, run, now_micros() + longest.count());
    const auto ended = co_await std::move(ending);
    if (!ended) {
        co_return failed(call, line, ended.error());
    }
    auto settling = settle_if_asked(call);
    std::optional<answer> unsettled = co_await std::move(settling);
    if (unsettled) {
        co_return std::move(*unsettled);
    }
    co_return no_content();
}

}  // namespace sallyport::control
