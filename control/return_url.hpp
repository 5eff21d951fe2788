// Where a browser may be sent once an authorisation is over: only where the configuration says
// (control.return_urls), so that the callback is no open redirector (RFC 9700, 4.11). Pure.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sallyport::control {

constexpr std::size_t return_url_bytes_max = 2048;

// What is wrong with an entry of the list; empty: nothing. An entry is an http(s) URL without user
// and fragment; one without a query stands for everything below its path as well:
// "https://app.example.com/connect" for ".../connect", ".../connect?step=2" and ".../connect/done".
std::string_view return_url_fault(std::string_view entry);

// `url` is one of the entries, or stands below one. URLs with a user, a fragment, dot segments,
// escaped slashes or dots, or parameters that the gate adds itself, never do.
bool is_return_url_allowed(const std::vector<std::string>& entries, std::string_view url);

// `url` with the parameters added to its query, escaped.
std::string with_parameters(std::string_view url,
                            const std::vector<std::pair<std::string, std::string>>& added);

}  // namespace sallyport::control
