#include "identity/strict_json.hpp"

#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/parse.hpp>
#include <algorithm>
#include <string>
#include <vector>

namespace sallyport::identity {

namespace {

namespace json = boost::json;
using boost::system::error_code;
using text = json::string_view;

// Sees every member name in turn; stops the parser at the first repetition. The other events
// need no answer: the document is built by a second, ordinary pass.
class repetition_finder {
public:
    static constexpr std::size_t max_object_size = json_members_max;
    static constexpr std::size_t max_array_size = json_elements_max;
    static constexpr std::size_t max_key_size = 1024;
    static constexpr std::size_t max_string_size = std::size_t(-1);  // the text is bounded

    bool on_document_begin(error_code&) { return true; }
    bool on_document_end(error_code&) { return true; }
    bool on_object_begin(error_code&)
    {
        names_.emplace_back();
        return true;
    }
    bool on_object_end(std::size_t, error_code&)
    {
        names_.pop_back();
        return true;
    }
    bool on_array_begin(error_code&) { return true; }
    bool on_array_end(std::size_t, error_code&) { return true; }
    bool on_key_part(text part, std::size_t, error_code&)
    {
        key_.append(part.data(), part.size());
        return true;
    }
    bool on_key(text part, std::size_t, error_code& error)
    {
        key_.append(part.data(), part.size());
        std::vector<std::string>& names = names_.back();
        if (std::find(names.begin(), names.end(), key_) != names.end()) {
            error = json::make_error_code(json::error::syntax);
            return false;
        }
        names.push_back(std::move(key_));
        key_.clear();
        return true;
    }
    bool on_string_part(text, std::size_t, error_code&) { return true; }
    bool on_string(text, std::size_t, error_code&) { return true; }
    bool on_number_part(text, error_code&) { return true; }
    bool on_int64(std::int64_t, text, error_code&) { return true; }
    bool on_uint64(std::uint64_t, text, error_code&) { return true; }
    bool on_double(double, text, error_code&) { return true; }
    bool on_bool(bool, error_code&) { return true; }
    bool on_null(error_code&) { return true; }
    bool on_comment_part(text, error_code&) { return true; }
    bool on_comment(text, error_code&) { return true; }

private:
    std::vector<std::vector<std::string>> names_;  // one list per open object
    std::string key_;
};

}  // namespace

std::optional<json::object> parse_object(std::string_view source)
{
    json::parse_options options;
    options.max_depth = json_depth_max;
    error_code error;
    json::basic_parser<repetition_finder> scan(options);
    scan.write_some(false, source.data(), source.size(), error);
    if (error || !scan.done()) {
        return std::nullopt;
    }
    json::value value = json::parse({source.data(), source.size()}, error, {}, options);
    if (error || !value.is_object()) {
        return std::nullopt;
    }
    return std::move(value.get_object());
}

}  // namespace sallyport::identity
