// Values that stand outside the configuration: `file:PATH` and `env:NAME`. This is the one place
// that reads key files and the environment. Problems name the file or variable, never its content.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "config/yaml.hpp"

namespace sallyport::config {

constexpr std::size_t referenced_bytes_max = 1 << 20;  // a bundle of certificates at the most

// What stood behind a reference. Wiped when it dies; take() hands the bytes on.
class referenced {
public:
    referenced(std::string bytes, bool exposed) : bytes_(std::move(bytes)), exposed_(exposed) {}
    referenced(referenced&& other) noexcept;
    referenced& operator=(referenced&& other) noexcept;
    ~referenced();

    std::string_view bytes() const noexcept { return bytes_; }
    bool exposed() const noexcept { return exposed_; }  // Group or others may use the file.
    std::string take() { return std::move(bytes_); }

private:
    std::string bytes_;
    bool exposed_;
};

class reference_reader {
public:
    // Relative paths are relative to `base`.
    reference_reader(yaml_file& file, std::filesystem::path base);

    std::string absolute(std::string_view path) const;

    // The reference at `node` with its path made absolute. Nullopt: it has another form; reported.
    std::optional<std::string> resolve(const yaml_node& node);

    // What a reference holds, less one trailing newline. Nullopt: absent, empty, too large or
    // unreadable; reported. Does not mind who else may read a file: see report_exposed.
    std::optional<referenced> read(const yaml_node& node);

    // The same, and reports a file that anybody but its owner may use.
    std::optional<referenced> read_secret(const yaml_node& node);

    // A file named by its path alone, such as a certificate.
    std::optional<referenced> read_file(const yaml_node& node, std::string_view path);

    void report_exposed(const yaml_node& node);

private:
    yaml_file& file_;
    std::filesystem::path base_;
};

}  // namespace sallyport::config
