#include "cli/output.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include <algorithm>
#include <ostream>

namespace sallyport::cli {

namespace json = boost::json;

namespace {

constexpr unix_micros second = 1'000'000;
constexpr unix_micros minute = 60 * second;
constexpr unix_micros hour = 60 * minute;
constexpr unix_micros day = 24 * hour;

const json::value* member_of(const json::value& object, std::string_view name)
{
    return object.is_object() ? object.get_object().if_contains(name) : nullptr;
}

// Of UTF-8, good enough to align names.
std::size_t width_of(std::string_view text)
{
    return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
        return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
    }));
}

}  // namespace

std::string printable(std::string_view text)
{
    std::string safe(text);
    for (std::size_t i = 0; i < safe.size(); ++i) {
        const auto byte = static_cast<unsigned char>(safe[i]);
        // U+0080 to U+009F are control characters, too: C2 80 to C2 9F.
        const bool c1 = byte == 0xC2 && i + 1 < safe.size() &&
                        (static_cast<unsigned char>(safe[i + 1]) & 0xE0) == 0x80;
        if (byte < 0x20 || byte == 0x7F) {
            safe[i] = '?';
        } else if (c1) {
            safe.replace(i, 2, "?");
        }
    }
    return safe;
}

void table::add(std::vector<std::string> cells)
{
    for (std::string& cell : cells) {
        cell = cell.empty() ? "-" : printable(cell);
    }
    rows_.push_back(std::move(cells));
}

void table::print(std::ostream& out) const
{
    std::vector<std::size_t> widths;
    for (const auto& row : rows_) {
        widths.resize(std::max(widths.size(), row.size()));
        for (std::size_t i = 0; i < row.size(); ++i) {
            widths[i] = std::max(widths[i], width_of(row[i]));
        }
    }
    for (const auto& row : rows_) {
        for (std::size_t i = 0; i < row.size(); ++i) {
            out << row[i];
            if (i + 1 < row.size()) {
                out << std::string(widths[i] - width_of(row[i]) + 2, ' ');
            }
        }
        out << '\n';
    }
}

std::string relative_time(unix_micros time, unix_micros now)
{
    const unix_micros distance = time > now ? time - now : now - time;
    std::string amount;
    if (distance < minute) {
        amount = std::to_string(distance / second) + "s";
    } else if (distance < hour) {
        amount = std::to_string(distance / minute) + "m";
    } else if (distance < 2 * day) {
        amount = std::to_string(distance / hour) + "h";
    } else if (distance < 365 * day) {
        amount = std::to_string(distance / day) + "d";
    } else {
        return rfc3339(time);
    }
    return time > now ? "in " + amount : amount + " ago";
}

std::string relative_time(std::string_view rfc3339_text, unix_micros now)
{
    const auto time = parse_rfc3339(rfc3339_text);
    return time ? relative_time(*time, now) : "-";
}

std::string text_of(const json::value& object, std::string_view member)
{
    const json::value* found = member_of(object, member);
    const json::string* text = found != nullptr ? found->if_string() : nullptr;
    return text != nullptr ? std::string(*text) : "";
}

std::string list_of(const json::value& object, std::string_view member)
{
    const json::value* found = member_of(object, member);
    std::string joined;
    if (found != nullptr && found->is_array()) {
        for (const json::value& item : found->get_array()) {
            if (const json::string* text = item.if_string()) {
                joined += (joined.empty() ? "" : ", ") + std::string(*text);
            }
        }
    }
    return joined.empty() ? "-" : joined;
}

std::vector<json::value> items_of(const json::value& list)
{
    const json::value* items = member_of(list, "items");
    if (items == nullptr || !items->is_array()) {
        return {};
    }
    return {items->get_array().begin(), items->get_array().end()};
}

}  // namespace sallyport::cli
