#include "config/document.hpp"

#include <boost/json/basic_parser_impl.hpp>

#include <algorithm>
#include <charconv>
#include <fstream>

namespace sallyport::config {
namespace {

namespace json = boost::json;
using boost::system::error_code;
using text = json::string_view;

// The parser's events as nodes. It is fed line by line, so that a value's line is known.
class json_builder {
public:
    static constexpr std::size_t max_object_size = document_nodes_max;
    static constexpr std::size_t max_array_size = document_nodes_max;
    static constexpr std::size_t max_key_size = document_bytes_max;
    static constexpr std::size_t max_string_size = document_bytes_max;

    int line = 0;
    std::string why;  // of an error that is not the parser's own

    yaml_node take() { return std::move(root_); }

    bool on_document_begin(error_code&) { return true; }
    bool on_document_end(error_code&) { return true; }
    bool on_object_begin(error_code& error) { return open(yaml_node::type::map, error); }
    bool on_object_end(std::size_t, error_code& error)
    {
        return refuse_repeated_keys(error) && close();
    }
    bool on_array_begin(error_code& error) { return open(yaml_node::type::list, error); }
    bool on_array_end(std::size_t, error_code&) { return close(); }
    bool on_key_part(text part, std::size_t, error_code&) { return append(part); }
    bool on_key(text part, std::size_t, error_code&)
    {
        append(part);
        key_ = std::move(text_);
        text_.clear();
        key_line_ = line;
        return true;
    }
    bool on_string_part(text part, std::size_t, error_code&) { return append(part); }
    bool on_string(text part, std::size_t, error_code& error) { return scalar(part, true, error); }
    bool on_number_part(text part, error_code&) { return append(part); }
    bool on_int64(std::int64_t, text part, error_code& error) { return scalar(part, false, error); }
    bool on_uint64(std::uint64_t, text part, error_code& error)
    {
        return scalar(part, false, error);
    }
    bool on_double(double, text part, error_code& error) { return scalar(part, false, error); }
    bool on_bool(bool value, error_code& error)
    {
        return scalar(value ? "true" : "false", false, error);
    }
    bool on_null(error_code& error)
    {
        auto made = make(yaml_node::type::null, error);
        return made && add(std::move(*made));
    }
    bool on_comment_part(text, error_code&) { return true; }
    bool on_comment(text, error_code&) { return true; }

private:
    bool append(text part)
    {
        text_.append(part.data(), part.size());
        return true;
    }

    bool fail(error_code& error, std::string reason)
    {
        why = std::move(reason);
        error = json::make_error_code(json::error::syntax);
        return false;
    }

    std::optional<yaml_node> make(yaml_node::type type, error_code& error)
    {
        if (++nodes_ > document_nodes_max) {
            fail(error, "too many values in one file");
            return std::nullopt;
        }
        yaml_node node;
        node.is = type;
        node.line = line;
        node.column = 1;
        node.key = std::move(key_);
        node.key_line = key_line_;
        node.key_column = 1;
        key_.clear();
        return node;
    }

    bool scalar(text last, bool quoted, error_code& error)
    {
        append(last);
        auto made = make(yaml_node::type::scalar, error);
        if (!made) {
            return false;
        }
        made->quoted = quoted;
        made->text = std::move(text_);
        text_.clear();
        return add(std::move(*made));
    }

    bool open(yaml_node::type type, error_code& error)
    {
        auto made = make(type, error);
        if (!made) {
            return false;
        }
        stack_.push_back(std::move(*made));
        return true;
    }

    bool close()
    {
        yaml_node done = std::move(stack_.back());
        stack_.pop_back();
        return add(std::move(done));
    }

    bool add(yaml_node node)
    {
        (stack_.empty() ? root_ : stack_.back().items.emplace_back()) = std::move(node);
        return true;
    }

    bool refuse_repeated_keys(error_code& error)
    {
        std::vector<std::string_view> keys;
        for (const yaml_node& member : stack_.back().items) {
            keys.push_back(member.key);
        }
        std::sort(keys.begin(), keys.end());
        const auto twice = std::adjacent_find(keys.begin(), keys.end());
        return twice == keys.end() ||
               fail(error, "the key \"" + std::string(*twice) + "\" is repeated");
    }

    yaml_node root_;
    std::vector<yaml_node> stack_;
    std::string text_;
    std::string key_;
    int key_line_ = 0;
    std::size_t nodes_ = 0;
};

std::optional<yaml_node> parse_json(const std::string& name, std::string_view source,
                                    problems& found)
{
    json::parse_options options;
    options.max_depth = document_depth_max;
    json::basic_parser<json_builder> parser(options);
    json_builder& builder = parser.handler();
    error_code error;
    while (!source.empty() && !error) {
        const std::size_t size = std::min(source.find('\n'), source.size() - 1) + 1;
        ++builder.line;
        const bool more = size < source.size();
        const std::size_t used = parser.write_some(more, source.data(), size, error);
        if (!error && used < size && source.find_first_not_of(" \t\r\n", used) < size) {
            error = json::make_error_code(json::error::extra_data);
        }
        source.remove_prefix(size);
    }
    if (error || !parser.done()) {
        const std::string why = !builder.why.empty() ? builder.why
                                : error              ? "is no JSON: " + error.message()
                                                     : "is no JSON: it ends too early";
        found.push_back({name, builder.line, 1, why});
        return std::nullopt;
    }
    return builder.take();
}

}  // namespace

std::optional<yaml_node> parse_document(const std::string& name, std::string_view source,
                                        problems& found)
{
    constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";
    if (source.starts_with(byte_order_mark)) {
        source.remove_prefix(byte_order_mark.size());
    }
    if (source.size() > document_bytes_max) {
        found.push_back({name, 0, 0, "is larger than 32 MiB"});
        return std::nullopt;
    }
    const std::size_t first = source.find_first_not_of(" \t\r\n");
    if (first != std::string_view::npos && (source[first] == '{' || source[first] == '[')) {
        return parse_json(name, source, found);
    }
    yaml_file file(name, found, {document_bytes_max, document_nodes_max, document_depth_max});
    return file.parse(source) ? std::optional(file.take_root()) : std::nullopt;
}

std::optional<yaml_node> read_document(const std::string& file, problems& found)
{
    std::ifstream in(file, std::ios::binary);
    std::string bytes;
    constexpr std::size_t piece = 1 << 20;
    while (in && bytes.size() <= document_bytes_max) {
        const std::size_t size = bytes.size();
        bytes.resize(size + piece);
        in.read(bytes.data() + size, piece);
        bytes.resize(size + static_cast<std::size_t>(in.gcount()));
    }
    if (in.bad() || (!in.eof() && bytes.size() <= document_bytes_max)) {
        found.push_back({file, 0, 0, "cannot be read"});
        return std::nullopt;
    }
    return parse_document(file, bytes, found);
}

std::string pointer_token(std::string_view key)
{
    std::string token;
    for (const char c : key) {
        token += c == '~' ? "~0" : c == '/' ? "~1" : std::string(1, c);
    }
    return token;
}

namespace {

const yaml_node* item_at(const yaml_node& list, std::string_view index)
{
    std::size_t number = 0;
    const char* end = index.data() + index.size();
    const auto [stop, error] = std::from_chars(index.data(), end, number);
    return error == std::errc() && stop == end && number < list.items.size() ? &list.items[number]
                                                                             : nullptr;
}

}  // namespace

const yaml_node* find_pointer(const yaml_node& root, std::string_view pointer)
{
    const yaml_node* at = &root;
    while (at && !pointer.empty()) {
        if (pointer.front() != '/') {
            return nullptr;
        }
        pointer.remove_prefix(1);
        const std::string_view token = pointer.substr(0, pointer.find('/'));
        pointer.remove_prefix(token.size());
        std::string key;
        for (std::size_t i = 0; i < token.size(); ++i) {
            const bool escape = token[i] == '~' && i + 1 < token.size();
            key += !escape ? token[i] : token[++i] == '1' ? '/' : '~';
        }
        at = at->is == yaml_node::type::list ? item_at(*at, key) : at->find(key);
    }
    return at;
}

std::string text_at(const yaml_node& node, std::string_view key)
{
    const yaml_node* found = node.find(key);
    return found && found->is == yaml_node::type::scalar ? found->text : "";
}

const yaml_node& map_at(const yaml_node& node, std::string_view key)
{
    static const yaml_node empty;
    const yaml_node* found = node.find(key);
    return found && found->is == yaml_node::type::map ? *found : empty;
}

const yaml_node& list_at(const yaml_node& node, std::string_view key)
{
    static const yaml_node empty;
    const yaml_node* found = node.find(key);
    return found && found->is == yaml_node::type::list ? *found : empty;
}

std::vector<std::string> texts_of(const yaml_node& list)
{
    std::vector<std::string> texts;
    for (const yaml_node& item : list.items) {
        if (item.is == yaml_node::type::scalar) {
            texts.push_back(item.text);
        }
    }
    return texts;
}

}  // namespace sallyport::config
