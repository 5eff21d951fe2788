// Strict reading of YAML files written by hand. Everything that is wrong is collected with its
// position and nothing is thrown, so that a reader can report all problems of a file at once.
//
// Accepted is the plain part of YAML 1.2: one document of maps, lists and scalars. Anchors,
// aliases and tags are refused, as are repeated keys, deep nesting and large files: a file that
// grows when it is read cannot be written in what is left. This header is the only way to YAML;
// the library behind it is named in yaml_parse.cpp alone.
//
//     yaml_file file("sallyport.yaml", problems);
//     if (file.load()) {
//         yaml_map top(file, file.root());
//         top.read("node", settings.node);
//         if (const yaml_node* limits = top.find("limits")) {
//             yaml_map map(file, *limits);
//             map.read_size("header_bytes", settings.header_bytes, 1024, 1 << 20);
//         }
//     }   // here every key that nobody asked for has been reported
//
// Reading functions leave their target as it is when the key is absent or its value is wrong (in
// which case they have reported it): the target's initial value is the default.
#pragma once

#include "config/problem.hpp"

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sallyport::config {

constexpr std::size_t yaml_file_bytes_max = 1 << 20;
constexpr std::size_t yaml_nodes_max = 100'000;
constexpr std::size_t yaml_depth_max = 32;

// What a text may hold. Those above are for files written by hand.
struct yaml_limits {
    std::size_t bytes = yaml_file_bytes_max;
    std::size_t nodes = yaml_nodes_max;
    std::size_t depth = yaml_depth_max;
};

// A value and where it stands. Members of a map are its items, each with its key.
struct yaml_node {
    enum class type : std::uint8_t { null, scalar, list, map };

    type is = type::null;
    bool quoted = false;  // A scalar in quotes or a block: never a number, a bool or null.
    int line = 0;
    int column = 0;
    std::string text;  // of a scalar
    std::vector<yaml_node> items;

    std::string key;  // of a member of a map
    int key_line = 0;
    int key_column = 0;

    const yaml_node* find(std::string_view name) const noexcept;
};

// One file being read. Not thread-safe; `found` must outlive it.
class yaml_file {
public:
    yaml_file(std::string name, problems& found, yaml_limits limits = {});

    bool load();                        // Reads and parses the file of that name.
    bool parse(std::string_view text);  // The same for a text at hand.

    const std::string& name() const noexcept { return name_; }
    const yaml_node& root() const noexcept { return root_; }
    bool failed() const noexcept { return failed_; }  // Whether anything was reported.
    const yaml_limits& limits() const noexcept { return limits_; }
    yaml_node take_root() noexcept { return std::move(root_); }

    void report(const yaml_node& where, std::string message);
    void report_key(const yaml_node& where, std::string message);  // At the key of a member.
    void report_at(int line, int column, std::string message);

    // Of one value. Nullopt: reported.
    std::optional<std::string> string(const yaml_node& node);
    std::optional<bool> boolean(const yaml_node& node);
    std::optional<std::int64_t> integer(const yaml_node& node, std::int64_t min, std::int64_t max);
    std::optional<std::chrono::milliseconds> duration(const yaml_node& node,
                                                      std::chrono::milliseconds min,
                                                      std::chrono::milliseconds max);
    std::optional<std::uint64_t> size(const yaml_node& node, std::uint64_t min, std::uint64_t max);
    std::optional<std::vector<std::string>> strings(const yaml_node& node);
    bool expect_map(const yaml_node& node);
    bool expect_list(const yaml_node& node);

private:
    std::string name_;
    problems& found_;
    yaml_limits limits_;
    yaml_node root_;
    bool failed_ = false;
};

// One map being read. Whatever it was never asked for is reported when it goes out of scope. A
// node that is no map is reported at once and reads as an empty one.
class yaml_map {
public:
    yaml_map(yaml_file& file, const yaml_node& node);
    ~yaml_map();
    yaml_map(const yaml_map&) = delete;
    yaml_map& operator=(const yaml_map&) = delete;

    // The value of `key`, or null. Members are known once they were looked for.
    const yaml_node* find(std::string_view key);
    const yaml_node* require(std::string_view key);  // Reports an absent key.

    // Each returns whether the target was set.
    bool read(std::string_view key, std::string& target);
    bool read(std::string_view key, bool& target);
    bool read(std::string_view key, std::vector<std::string>& target);
    bool read(std::string_view key, std::chrono::milliseconds& target,
              std::chrono::milliseconds min, std::chrono::milliseconds max);
    template <std::integral T>
    bool read(std::string_view key, T& target, std::int64_t min, std::int64_t max);
    template <std::integral T>
    bool read_size(std::string_view key, T& target, std::uint64_t min, std::uint64_t max);

private:
    yaml_file& file_;
    const yaml_node* node_;  // Null: it was no map.
    std::vector<bool> known_;
};

template <std::integral T>
bool yaml_map::read(std::string_view key, T& target, std::int64_t min, std::int64_t max)
{
    const yaml_node* node = find(key);
    const auto value = node ? file_.integer(*node, min, max) : std::nullopt;
    if (value) {
        target = static_cast<T>(*value);
    }
    return value.has_value();
}

template <std::integral T>
bool yaml_map::read_size(std::string_view key, T& target, std::uint64_t min, std::uint64_t max)
{
    const yaml_node* node = find(key);
    const auto value = node ? file_.size(*node, min, max) : std::nullopt;
    if (value) {
        target = static_cast<T>(*value);
    }
    return value.has_value();
}

}  // namespace sallyport::config
