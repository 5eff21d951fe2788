#include "proxy/hop.hpp"

#include "base/text.hpp"

namespace sallyport::proxy {

namespace {

constexpr unsigned both = 3;
constexpr unsigned request = static_cast<unsigned>(direction::to_provider);
constexpr unsigned answer = static_cast<unsigned>(direction::to_caller);

struct row {
    std::string_view name;  // One that ends in '-' stands for all that begin so.
    unsigned directions;
};

constexpr row rows[] = {
    {"alt-svc", answer},
    {"clear-site-data", answer},
    {"connection", both},
    {"connection-id", request},
    {"content-length", both},
    {"expect", request},
    {"host", request},
    {"http2-settings", request},
    {"keep-alive", both},
    {"proxy-", request},
    {"proxy-authenticate", answer},
    {"proxy-authentication-info", answer},
    {"proxy-connection", answer},
    {"sallyport-", both},
    {"strict-transport-security", answer},
    {"te", both},
    {"trailer", both},
    {"transfer-encoding", both},
    {"upgrade", both},
};

constexpr std::uint32_t bit_of(char c) noexcept
{
    const auto letter = static_cast<unsigned char>(to_lower(c) - 'a');
    return letter < 26 ? 1u << letter : 0;
}

// Most fields are told by their first letter.
constexpr std::uint32_t initials = [] {
    std::uint32_t bits = 0;
    for (const row& each : rows) {
        bits |= bit_of(each.name.front());
    }
    return bits;
}();

}  // namespace

bool ends_at_gate(std::string_view name, direction going) noexcept
{
    if ((initials & bit_of(name.front())) == 0) {
        return false;
    }
    for (const row& each : rows) {
        if ((each.directions & static_cast<unsigned>(going)) == 0 ||
            each.name.front() != to_lower(name.front())) {
            continue;
        }
        if (each.name.ends_with('-') ? starts_with_ignoring_case(name, each.name)
                                     : equal_ignoring_case(name, each.name)) {
            return true;
        }
    }
    return false;
}

}  // namespace sallyport::proxy
