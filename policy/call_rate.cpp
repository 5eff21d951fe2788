#include "policy/call_rate.hpp"

#include "base/time.hpp"

namespace sallyport::policy {

std::optional<call_rate> read_call_rate(const boost::json::object& from)
{
    call_rate rate;
    if (from.empty()) {
        return rate;
    }
    const boost::json::value* const requests = from.if_contains("requests");
    const boost::json::value* const per = from.if_contains("per");
    if (from.size() != 2 || requests == nullptr || !requests->is_int64() || per == nullptr ||
        !per->is_string()) {
        return std::nullopt;
    }
    const std::int64_t count = requests->get_int64();
    const auto length = parse_duration(per->get_string());
    if (count < 1 || count > rate_requests_max || !length || *length < rate_per_min ||
        *length > rate_per_max) {
        return std::nullopt;
    }
    rate.requests = static_cast<std::uint32_t>(count);
    rate.per = *length;
    return rate;
}

}  // namespace sallyport::policy
