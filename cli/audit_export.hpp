// Lines of the trail in the forms that other programs take.
//
// ocsf: OCSF 1.3 events, one JSON object a line: calls as API Activity (class 6003) of the
//       Application Activity category, control actions as the same class with the action as its
//       operation. https://schema.ocsf.io/1.3.0/classes/api_activity
// csv:  RFC 4180, a header, one column a field of CONTRACT 6; lists joined by spaces. A value that
// a
//       spreadsheet would take for a formula gets an apostrophe before it.
// jsonl: the lines as they stand.
#pragma once

#include <string>
#include <string_view>

namespace sallyport::cli {

// Each without a line feed. `line` is one of the trail's; another gives nothing.
std::string to_ocsf(std::string_view line);
std::string csv_header();
std::string to_csv(std::string_view line);

}  // namespace sallyport::cli
