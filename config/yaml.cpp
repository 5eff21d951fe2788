#include "config/yaml.hpp"

#include "base/time.hpp"

#include <charconv>

namespace sallyport::config {
namespace {

// What YAML reads as something other than a string unless it stands in quotes.
bool is_plain_non_string(const yaml_node& node)
{
    if (node.quoted) {
        return false;
    }
    if (node.text == "true" || node.text == "false") {
        return true;
    }
    double number = 0;
    const char* end = node.text.data() + node.text.size();
    const auto [stop, error] = std::from_chars(node.text.data(), end, number);
    return error == std::errc() && stop == end;
}

}  // namespace

const yaml_node* yaml_node::find(std::string_view name) const noexcept
{
    for (const yaml_node& item : items) {
        if (is == type::map && item.key == name) {
            return &item;
        }
    }
    return nullptr;
}

void yaml_file::report(const yaml_node& where, std::string message)
{
    report_at(where.line, where.column, std::move(message));
}

void yaml_file::report_key(const yaml_node& where, std::string message)
{
    report_at(where.key_line, where.key_column, std::move(message));
}

void yaml_file::report_at(int line, int column, std::string message)
{
    failed_ = true;
    found_.push_back({name_, line, column, std::move(message)});
}

std::optional<std::string> yaml_file::string(const yaml_node& node)
{
    if (node.is != yaml_node::type::scalar) {
        report(node, "expected a string");
        return std::nullopt;
    }
    if (is_plain_non_string(node)) {
        report(node, "expected a string; put it in quotes");
        return std::nullopt;
    }
    return node.text;
}

std::optional<bool> yaml_file::boolean(const yaml_node& node)
{
    if (node.is == yaml_node::type::scalar && !node.quoted) {
        if (node.text == "true") {
            return true;
        }
        if (node.text == "false") {
            return false;
        }
    }
    report(node, "expected true or false");
    return std::nullopt;
}

std::optional<std::int64_t> yaml_file::integer(const yaml_node& node, std::int64_t min,
                                               std::int64_t max)
{
    std::int64_t value = 0;
    const char* end = node.text.data() + node.text.size();
    const auto [stop, error] = std::from_chars(node.text.data(), end, value);
    if (node.is != yaml_node::type::scalar || node.quoted || error != std::errc() || stop != end) {
        report(node, "expected a whole number");
        return std::nullopt;
    }
    if (value < min || value > max) {
        report(node, "must be from " + std::to_string(min) + " to " + std::to_string(max));
        return std::nullopt;
    }
    return value;
}

std::optional<std::chrono::milliseconds> yaml_file::duration(const yaml_node& node,
                                                             std::chrono::milliseconds min,
                                                             std::chrono::milliseconds max)
{
    const auto value =
        node.is == yaml_node::type::scalar ? parse_duration(node.text) : std::nullopt;
    if (!value) {
        report(node, "expected a duration such as 250ms, 10s, 5m or 24h");
        return std::nullopt;
    }
    if (*value < min || *value > max) {
        report(node, "must be from " + std::to_string(min.count()) + "ms to " +
                         std::to_string(max.count()) + "ms");
        return std::nullopt;
    }
    return value;
}

std::optional<std::uint64_t> yaml_file::size(const yaml_node& node, std::uint64_t min,
                                             std::uint64_t max)
{
    const auto value = node.is == yaml_node::type::scalar ? parse_size(node.text) : std::nullopt;
    if (!value) {
        report(node, "expected a size such as 64KiB or 10MiB");
        return std::nullopt;
    }
    if (*value < min || *value > max) {
        report(node,
               "must be from " + std::to_string(min) + " to " + std::to_string(max) + " bytes");
        return std::nullopt;
    }
    return value;
}

std::optional<std::vector<std::string>> yaml_file::strings(const yaml_node& node)
{
    if (!expect_list(node)) {
        return std::nullopt;
    }
    std::vector<std::string> values;
    for (const yaml_node& item : node.items) {
        if (auto value = string(item)) {
            values.push_back(std::move(*value));
        }
    }
    return values.size() == node.items.size() ? std::optional(std::move(values)) : std::nullopt;
}

bool yaml_file::expect_map(const yaml_node& node)
{
    if (node.is != yaml_node::type::map) {
        report(node, "expected a map");
        return false;
    }
    return true;
}

bool yaml_file::expect_list(const yaml_node& node)
{
    if (node.is != yaml_node::type::list) {
        report(node, "expected a list");
        return false;
    }
    return true;
}

yaml_map::yaml_map(yaml_file& file, const yaml_node& node)
    : file_(file), node_(file.expect_map(node) ? &node : nullptr)
{
    known_.resize(node_ ? node_->items.size() : 0);
}

yaml_map::~yaml_map()
{
    for (std::size_t i = 0; i < known_.size(); ++i) {
        if (!known_[i]) {
            file_.report_key(node_->items[i], "unknown key \"" + node_->items[i].key + "\"");
        }
    }
}

const yaml_node* yaml_map::find(std::string_view key)
{
    const yaml_node* first = nullptr;
    for (std::size_t i = 0; i < known_.size(); ++i) {
        if (node_->items[i].key == key) {
            known_[i] = true;
            first = first ? first : &node_->items[i];
        }
    }
    return first;
}

const yaml_node* yaml_map::require(std::string_view key)
{
    const yaml_node* node = find(key);
    if (!node && node_) {
        file_.report(*node_, "the key \"" + std::string(key) + "\" is missing");
    }
    return node;
}

bool yaml_map::read(std::string_view key, std::string& target)
{
    const yaml_node* node = find(key);
    auto value = node ? file_.string(*node) : std::nullopt;
    if (value) {
        target = std::move(*value);
    }
    return value.has_value();
}

bool yaml_map::read(std::string_view key, bool& target)
{
    const yaml_node* node = find(key);
    const auto value = node ? file_.boolean(*node) : std::nullopt;
    if (value) {
        target = *value;
    }
    return value.has_value();
}

bool yaml_map::read(std::string_view key, std::vector<std::string>& target)
{
    const yaml_node* node = find(key);
    auto value = node ? file_.strings(*node) : std::nullopt;
    if (value) {
        target = std::move(*value);
    }
    return value.has_value();
}

bool yaml_map::read(std::string_view key, std::chrono::milliseconds& target,
                    std::chrono::milliseconds min, std::chrono::milliseconds max)
{
    const yaml_node* node = find(key);
    const auto value = node ? file_.duration(*node, min, max) : std::nullopt;
    if (value) {
        target = *value;
    }
    return value.has_value();
}

}  // namespace sallyport::config
