#include "vault/refresh_history.hpp"

#include <boost/json.hpp>
#include <algorithm>

#include "base/text.hpp"
#include "vault/core.hpp"
#include "vault/error.hpp"
#include "vault/notebook.hpp"

namespace sallyport::vault {
namespace {

namespace json = boost::json;

constexpr std::string_view kind = "refreshes";
constexpr lifecycle_kind kinds[] = {lifecycle_kind::refreshed, lifecycle_kind::refresh_failed,
                                    lifecycle_kind::reauth_required};

std::optional<lifecycle_kind> kind_from(std::string_view text)
{
    const auto* const found =
        std::find_if(std::begin(kinds), std::end(kinds),
                     [text](lifecycle_kind one) { return to_string(one) == text; });
    return found == std::end(kinds) ? std::nullopt : std::optional(*found);
}

// Written member by member: a reason may have been cut within a character.
void append(std::string& out, const refresh_outcome& outcome)
{
    out += R"({"at":)" + std::to_string(outcome.at) + R"(,"what":)";
    append_json_string(out, to_string(outcome.what));
    out += R"(,"reason":)";
    append_json_string(out, outcome.reason);
    out += R"(,"retry_after":)" + std::to_string(outcome.retry_after.count());
    out += R"(,"expires_at":)" + std::to_string(outcome.expires_at) + "}";
}

std::optional<refresh_outcome> outcome_from(const json::value& one)
{
    const json::object* const members = one.if_object();
    if (members == nullptr) {
        return std::nullopt;
    }
    const auto text = [members](const char* name) -> std::string_view {
        const json::value* found = members->if_contains(name);
        return found != nullptr && found->is_string() ? std::string_view(found->get_string()) : "";
    };
    const auto number = [members](const char* name) -> std::int64_t {
        const json::value* found = members->if_contains(name);
        return found != nullptr && found->is_int64() ? found->get_int64() : 0;
    };
    const std::optional<lifecycle_kind> what = kind_from(text("what"));
    if (!what) {
        return std::nullopt;
    }
    return refresh_outcome{number("at"), *what, std::string(text("reason")),
                           std::chrono::seconds(number("retry_after")), number("expires_at")};
}

}  // namespace

std::string to_text(const std::vector<refresh_outcome>& outcomes)
{
    std::string out = "[";
    for (const refresh_outcome& one : outcomes) {
        out += out.size() > 1 ? "," : "";
        append(out, one);
    }
    return out + "]";
}

std::optional<std::vector<refresh_outcome>> refresh_outcomes_from(std::string_view text)
{
    error_code error;
    const json::value parsed = json::parse(text, error);
    if (error || !parsed.is_array()) {
        return std::nullopt;
    }
    std::vector<refresh_outcome> outcomes;
    for (const json::value& one : parsed.get_array()) {
        std::optional<refresh_outcome> outcome = outcome_from(one);
        if (!outcome) {
            return std::nullopt;
        }
        outcomes.push_back(std::move(*outcome));
    }
    return outcomes;
}

refresh_outcome outcome_of(const lifecycle_event& event, unix_micros now)
{
    refresh_outcome outcome;
    outcome.at = now;
    outcome.what = event.what;
    outcome.reason = event.reason.substr(0, reason_bytes_max);
    outcome.retry_after = event.retry_after;
    if (event.what == lifecycle_kind::refreshed) {
        outcome.expires_at = event.record.expires_at;
    }
    return outcome;
}

task<std::vector<refresh_outcome>> read_outcomes(std::shared_ptr<core> shared, std::string id)
{
    notebook notes(shared);
    auto reading = notes.read(std::string(kind), std::move(id));
    const result<note> found = co_await std::move(reading);
    if (!found && found.error() != errc::not_found) {
        co_return found.error();
    }
    std::vector<refresh_outcome> outcomes;
    if (found) {
        outcomes = refresh_outcomes_from(found->text).value_or(std::vector<refresh_outcome>());
    }
    co_return outcomes;
}

task<void> add_outcome(std::shared_ptr<core> shared, std::string id, std::string workspace,
                       refresh_outcome newest)
{
    auto reading = read_outcomes(shared, id);
    result<std::vector<refresh_outcome>> outcomes = co_await std::move(reading);
    if (!outcomes) {
        co_return outcomes.error();
    }
    outcomes->push_back(std::move(newest));
    if (outcomes->size() > outcomes_kept) {
        outcomes->erase(outcomes->begin(), outcomes->end() - outcomes_kept);
    }
    notebook notes(shared);
    note changed{std::string(kind), std::move(id), std::move(workspace), to_text(*outcomes),
                 now_micros() + std::chrono::microseconds(outcomes_kept_for).count()};
    auto writing = notes.replace(std::move(changed));
    const result<void> written = co_await std::move(writing);
    co_return written;
}

task<void> forget_outcomes(std::shared_ptr<core> shared, std::string id)
{
    notebook notes(shared);
    auto dropping = notes.drop(std::string(kind), std::move(id));
    const result<void> dropped = co_await std::move(dropping);
    co_return dropped;
}

}  // namespace sallyport::vault
