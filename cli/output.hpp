// What commands print for people: aligned columns and times as one says them.
//
// Names and texts come from files and from the gate; nothing of them that a terminal would obey is
// passed on.
#pragma once

#include <boost/json/value.hpp>

#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.hpp"

namespace sallyport::cli {

// Control characters become '?'.
std::string printable(std::string_view text);

class table {
public:
    explicit table(std::vector<std::string> headings) { add(std::move(headings)); }
    void add(std::vector<std::string> cells);
    void print(std::ostream& out) const;  // Columns two spaces apart, nothing after the last.

private:
    std::vector<std::vector<std::string>> rows_;
};

// "3m ago", "in 2h"; the time itself beyond a year.
std::string relative_time(unix_micros time, unix_micros now);
// The same of an RFC 3339 text; "-" if there is none.
std::string relative_time(std::string_view rfc3339, unix_micros now);

// A member of a JSON object as text; "" where it is absent, null or no text.
std::string text_of(const boost::json::value& object, std::string_view member);
// Its strings, joined by ", "; "-" where there are none.
std::string list_of(const boost::json::value& object, std::string_view member);
// The objects of an API's list.
std::vector<boost::json::value> items_of(const boost::json::value& list);

}  // namespace sallyport::cli
