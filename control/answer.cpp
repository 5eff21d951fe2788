#include "control/answer.hpp"

#include <boost/json/array.hpp>
#include <algorithm>
#include <utility>

#include "vault/error.hpp"

namespace sallyport::control {

namespace json = boost::json;

namespace {

struct phrase {
    unsigned status;
    std::string_view title;
};

constexpr phrase phrases[] = {
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {411, "Length Required"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {422, "Unprocessable Content"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {503, "Service Unavailable"},
};

std::string_view title_of(unsigned status) noexcept
{
    const auto* const found = std::find_if(std::begin(phrases), std::end(phrases),
                                           [&](const phrase& p) { return p.status == status; });
    return found != std::end(phrases) ? found->title : "Error";
}

struct failure {
    vault::errc error;
    unsigned status;
    std::string_view code;
    std::string_view detail;
};

constexpr failure unforeseen{vault::errc::unavailable, 503, "vault_unavailable",
                             "The vault could not be asked."};
constexpr failure failures[] = {
    {vault::errc::not_found, 404, "not_found", "There is nothing here."},
    {vault::errc::already_exists, 409, "already_exists", "The id or the name is taken."},
    {vault::errc::version_conflict, 409, "version_conflict",
     "Somebody else changed it at the same time. Read it again."},
    {vault::errc::invalid_credential, 422, "invalid_credential",
     "The credential cannot be sent: it is empty or holds control characters."},
    {vault::errc::invalid_id, 422, "invalid_request", "The id is not one of a connection."},
    {vault::errc::revoked, 409, "connection_revoked",
     "The connection is revoked; its id is kept as a tombstone. Add another."},
    {vault::errc::refresh_failed, 503, "refresh_failed",
     "The provider gave no fresh tokens. It is tried again later."},
    {vault::errc::cannot_refresh, 409, "cannot_refresh",
     "The connection has nothing to be refreshed with: it has to be authorised again."},
    {vault::errc::unrecorded, 503, "audit_unavailable",
     "The trail cannot be written: nothing was done."},
    {vault::errc::corrupted, 503, "vault_unavailable", "The vault's record of it is damaged."},
};

const failure& failure_of(const error_code& error) noexcept
{
    if (error.category() == vault::category()) {
        for (const failure& known : failures) {
            if (static_cast<int>(known.error) == error.value()) {
                return known;
            }
        }
    }
    return unforeseen;
}

}  // namespace

answer ok(json::value body)
{
    answer result;
    result.body = std::move(body);
    return result;
}

answer created(json::value body)
{
    answer result = ok(std::move(body));
    result.status = 201;
    return result;
}

answer no_content()
{
    answer result;
    result.status = 204;
    return result;
}

answer list_of(json::array items)
{
    json::object list;
    list["items"] = std::move(items);
    list["next"] = nullptr;
    return ok(std::move(list));
}

answer problem(unsigned status, std::string_view code, std::string_view detail)
{
    json::object body;
    body["type"] = "about:blank";
    body["title"] = title_of(status);
    body["status"] = status;
    body["detail"] = detail;
    body["code"] = code;
    answer result;
    result.status = status;
    result.body = std::move(body);
    result.is_problem = true;
    return result;
}

answer problem(const complaints& wrong)
{
    json::array errors;
    for (const complaint& one : wrong.list()) {
        json::object error;
        error["pointer"] = one.pointer;
        error["detail"] = one.detail;
        errors.push_back(std::move(error));
    }
    const bool is_malformed = wrong.has(complaint_code::shape);
    const std::string_view code = is_malformed ? complaint_code::shape : wrong.list().front().code;
    answer result = problem(is_malformed ? 400 : 422, code,
                            "The request's body cannot be accepted. See `errors`.");
    result.body.as_object()["errors"] = std::move(errors);
    return result;
}

answer problem(const error_code& error)
{
    const failure& known = failure_of(error);
    return problem(known.status, known.code, known.detail);
}

answer not_found() { return problem(404, "not_found", "There is nothing here."); }

answer audit_unavailable()
{
    return problem(503, "audit_unavailable", "The trail cannot be written, so nothing was done.");
}

std::string_view code_of(const error_code& error) noexcept { return failure_of(error).code; }

}  // namespace sallyport::control
