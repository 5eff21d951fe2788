#include "base/strict_json.hpp"

#include <boost/json/array.hpp>
#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value_stack.hpp>

#include "base/wiping.hpp"

namespace sallyport {

namespace json = boost::json;

namespace {

// Feeds a value_stack, and counts members: an object keeps one of two members with the same name,
// so a document with a duplicate has fewer members than were read.
struct counting_handler {
    constexpr static std::size_t max_object_size = json::object::max_size();
    constexpr static std::size_t max_array_size = json::array::max_size();
    constexpr static std::size_t max_key_size = json::string::max_size();
    constexpr static std::size_t max_string_size = json::string::max_size();

    json::value_stack stack{wiping_storage()};
    std::size_t members = 0;

    bool on_document_begin(error_code&) { return true; }
    bool on_document_end(error_code&) { return true; }
    bool on_array_begin(error_code&) { return true; }
    bool on_array_end(std::size_t count, error_code&)
    {
        stack.push_array(count);
        return true;
    }
    bool on_object_begin(error_code&) { return true; }
    bool on_object_end(std::size_t count, error_code&)
    {
        members += count;
        stack.push_object(count);
        return true;
    }
    bool on_string_part(json::string_view part, std::size_t, error_code&)
    {
        stack.push_chars(part);
        return true;
    }
    bool on_string(json::string_view part, std::size_t, error_code&)
    {
        stack.push_string(part);
        return true;
    }
    bool on_key_part(json::string_view part, std::size_t, error_code&)
    {
        stack.push_chars(part);
        return true;
    }
    bool on_key(json::string_view part, std::size_t, error_code&)
    {
        stack.push_key(part);
        return true;
    }
    bool on_number_part(json::string_view, error_code&) { return true; }
    bool on_int64(std::int64_t number, json::string_view, error_code&)
    {
        stack.push_int64(number);
        return true;
    }
    bool on_uint64(std::uint64_t number, json::string_view, error_code&)
    {
        stack.push_uint64(number);
        return true;
    }
    bool on_double(double number, json::string_view, error_code&)
    {
        stack.push_double(number);
        return true;
    }
    bool on_bool(bool truth, error_code&)
    {
        stack.push_bool(truth);
        return true;
    }
    bool on_null(error_code&)
    {
        stack.push_null();
        return true;
    }
    bool on_comment_part(json::string_view, error_code&) { return true; }
    bool on_comment(json::string_view, error_code&) { return true; }
};

// Recursion is bounded by json_depth_max.
std::size_t count_members(const json::value& value)
{
    std::size_t count = 0;
    if (const json::object* object = value.if_object()) {
        count = object->size();
        for (const auto& member : *object) {
            count += count_members(member.value());
        }
    } else if (const json::array* array = value.if_array()) {
        for (const json::value& element : *array) {
            count += count_members(element);
        }
    }
    return count;
}

}  // namespace

result<json::value> parse_strictly(std::string_view text)
{
    json::parse_options options;
    options.max_depth = json_depth_max;
    json::basic_parser<counting_handler> parser(options);
    json::value_stack& stack = parser.handler().stack;
    stack.reset(wiping_storage());
    error_code error;
    const std::size_t parsed = parser.write_some(false, text.data(), text.size(), error);
    if (!error && parsed != text.size()) {
        error = json::error::extra_data;
    }
    if (error) {
        return error;
    }
    json::value value = stack.release();
    if (count_members(value) != parser.handler().members) {
        return error_code(json::error::syntax);
    }
    return value;
}

}  // namespace sallyport
