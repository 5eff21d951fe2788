#include "control/json.hpp"

#include <openssl/crypto.h>

#include <boost/json/array.hpp>
#include <boost/json/serializer.hpp>
#include <algorithm>
#include <array>
#include <utility>

namespace sallyport::control {

namespace json = boost::json;

wiped_string serialized(const json::value& value)
{
    json::serializer writer;
    writer.reset(&value);
    wiped_string text;
    std::array<char, 4096> piece{};
    while (!writer.done()) {
        text += std::string_view(writer.read(piece.data(), piece.size()));
    }
    OPENSSL_cleanse(piece.data(), piece.size());
    return text;
}

void complaints::add(std::string pointer, std::string detail, std::string_view code)
{
    if (list_.size() < complaints_max) {
        list_.push_back({std::move(pointer), std::move(detail), code});
    }
}

bool complaints::has(std::string_view code) const noexcept
{
    return std::any_of(list_.begin(), list_.end(),
                       [&](const complaint& one) { return one.code == code; });
}

std::string pointer_to(std::string_view parent, std::string_view name)
{
    std::string pointer(parent);
    pointer += '/';
    for (const char c : name) {
        if (c == '~') {
            pointer += "~0";
        } else if (c == '/') {
            pointer += "~1";
        } else {
            pointer += c;
        }
    }
    return pointer;
}

member_reader::member_reader(const json::object& object, std::string pointer, complaints& wrong)
    : object_(object), pointer_(std::move(pointer)), wrong_(wrong)
{
}

void member_reader::complain(std::string_view name, std::string detail, std::string_view code)
{
    wrong_.add(pointer_to(pointer_, name), std::move(detail), code);
}

const json::value* member_reader::value(std::string_view name)
{
    known_.push_back(name);
    const json::value* found = object_.if_contains(name);
    return found != nullptr && !found->is_null() ? found : nullptr;
}

std::optional<std::string> member_reader::text(std::string_view name)
{
    const json::value* found = value(name);
    if (found == nullptr) {
        return std::nullopt;
    }
    const json::string* string = found->if_string();
    if (string == nullptr) {
        complain(name, "must be a string", complaint_code::shape);
        return std::nullopt;
    }
    return std::string(*string);
}

std::string member_reader::required_text(std::string_view name)
{
    const json::value* found = value(name);
    if (found == nullptr) {
        complain(name, "is required", complaint_code::shape);
        return {};
    }
    std::optional<std::string> found_text = text(name);
    if (found_text && found_text->empty()) {
        complain(name, "must not be empty");
    }
    return found_text.value_or(std::string());
}

std::optional<bool> member_reader::flag(std::string_view name)
{
    const json::value* found = value(name);
    if (found == nullptr) {
        return std::nullopt;
    }
    if (!found->is_bool()) {
        complain(name, "must be true or false", complaint_code::shape);
        return std::nullopt;
    }
    return found->get_bool();
}

std::optional<std::vector<std::string>> member_reader::texts(std::string_view name)
{
    const json::array* found = array(name);
    if (found == nullptr) {
        return std::nullopt;
    }
    std::vector<std::string> list;
    for (std::size_t i = 0; i < found->size(); ++i) {
        const json::string* string = (*found)[i].if_string();
        if (string == nullptr) {
            wrong_.add(pointer_to(pointer_to(pointer_, name), std::to_string(i)),
                       "must be a string", complaint_code::shape);
        } else {
            list.emplace_back(*string);
        }
    }
    return list;
}

std::optional<std::map<std::string, std::string>> member_reader::text_map(std::string_view name)
{
    const json::object* found = object(name);
    if (found == nullptr) {
        return std::nullopt;
    }
    std::map<std::string, std::string> map;
    for (const auto& member : *found) {
        const json::string* string = member.value().if_string();
        if (string == nullptr) {
            wrong_.add(pointer_to(pointer_to(pointer_, name), member.key()), "must be a string",
                       complaint_code::shape);
        } else {
            map.emplace(member.key(), *string);
        }
    }
    return map;
}

const json::object* member_reader::object(std::string_view name)
{
    const json::value* found = value(name);
    if (found != nullptr && !found->is_object()) {
        complain(name, "must be an object", complaint_code::shape);
    }
    return found != nullptr ? found->if_object() : nullptr;
}

const json::array* member_reader::array(std::string_view name)
{
    const json::value* found = value(name);
    if (found != nullptr && !found->is_array()) {
        complain(name, "must be an array", complaint_code::shape);
    }
    return found != nullptr ? found->if_array() : nullptr;
}

void member_reader::refuse_others()
{
    for (const auto& member : object_) {
        if (std::find(known_.begin(), known_.end(), std::string_view(member.key())) ==
            known_.end()) {
            complain(member.key(), "is not a member known here", complaint_code::shape);
        }
    }
}

}  // namespace sallyport::control
