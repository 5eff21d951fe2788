// Reading JSON that a caller sent (base/strict_json.hpp) and saying everything that is wrong with
// it at once.
#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/strict_json.hpp"
#include "base/wiping.hpp"

namespace sallyport::control {

constexpr std::size_t complaints_max = 64;  // further ones are not listed

// In memory that is wiped.
wiped_string serialized(const boost::json::value& value);

// The codes of what can be wrong with a body. One complaint about its shape makes the answer 400;
// otherwise the first complaint's code is the answer's.
namespace complaint_code {
constexpr std::string_view shape =
    "bad_request";  // an unknown or missing member, a wrong type: 400
constexpr std::string_view value = "invalid_request";  // 422, and so are the others
constexpr std::string_view credential = "invalid_credential";
constexpr std::string_view provider = "unknown_provider";
constexpr std::string_view credential_required = "credential_required";
}  // namespace complaint_code

struct complaint {
    std::string pointer;  // RFC 6901, from the body's root
    std::string detail;   // a sentence; never holds a value that was sent
    std::string_view code;
};

class complaints {
public:
    void add(std::string pointer, std::string detail,
             std::string_view code = complaint_code::value);
    bool empty() const noexcept { return list_.empty(); }
    bool has(std::string_view code) const noexcept;
    const std::vector<complaint>& list() const noexcept { return list_; }

private:
    std::vector<complaint> list_;
};

// `name` as a reference token of a JSON pointer, after a slash.
std::string pointer_to(std::string_view parent, std::string_view name);

// Reads the members of one object by name and type; each function marks its member as known. A
// member that is null counts as absent. Borrows the object and the complaints.
class member_reader {
public:
    member_reader(const boost::json::object& object, std::string pointer, complaints& wrong);

    std::optional<std::string> text(std::string_view name);
    std::string required_text(std::string_view name);  // "" once complained about
    std::optional<bool> flag(std::string_view name);
    std::optional<std::vector<std::string>> texts(std::string_view name);
    std::optional<std::map<std::string, std::string>> text_map(std::string_view name);
    const boost::json::object* object(std::string_view name);
    const boost::json::array* array(std::string_view name);
    const boost::json::value* value(std::string_view name);

    // Complains about every member that nobody asked for.
    void refuse_others();

    void complain(std::string_view name, std::string detail,
                  std::string_view code = complaint_code::value);

private:
    const boost::json::object& object_;
    std::string pointer_;
    complaints& wrong_;
    std::vector<std::string_view> known_;
};

}  // namespace sallyport::control
