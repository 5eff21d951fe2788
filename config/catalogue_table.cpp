#include "config/catalogue_table.hpp"

#include "base/text.hpp"
#include "policy/path_template.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <unordered_map>
#include <unordered_set>

namespace sallyport::config {
namespace {

std::vector<std::string_view> split(std::string_view text, char separator)
{
    std::vector<std::string_view> parts;
    for (;;) {
        const std::size_t at = text.find(separator);
        parts.push_back(text.substr(0, at));
        if (at == std::string_view::npos) {
            return parts;
        }
        text.remove_prefix(at + 1);
    }
}

// Reads as much of a file as a table may have, and one byte more.
std::optional<std::string> read_bytes(const std::string& file)
{
    std::error_code error;
    std::ifstream in(file, std::ios::binary);
    if (!in || !std::filesystem::is_regular_file(file, error)) {
        return std::nullopt;
    }
    std::string bytes(
        std::min<std::uintmax_t>(std::filesystem::file_size(file, error), table_bytes_max) + 1,
        '\0');
    in.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    bytes.resize(static_cast<std::size_t>(in.gcount()));
    return in.bad() ? std::nullopt : std::optional(std::move(bytes));
}

// Generated tables hold a few `{id}}`: the placeholder is meant.
std::string without_stray_braces(std::string_view path)
{
    std::string fixed(path);
    for (std::size_t at = fixed.find("}}"); at != std::string::npos; at = fixed.find("}}", at)) {
        fixed.erase(at, 1);
    }
    return fixed;
}

struct table_base {
    std::string path;
    std::string host;                         // Empty: the base URL's.
    std::vector<std::string_view> templates;  // Empty: all others.
};

class table_reader {
public:
    table_reader(const std::string& file, const policy::provider_facts& facts,
                 const row_classes& classes, std::vector<policy::rule>& rows, problems& found)
        : file_(file),
          name_(std::filesystem::path(file).filename().string()),
          facts_(facts),
          classes_(classes),
          rows_(rows),
          found_(found)
    {
    }

    void read(std::string_view text)
    {
        const std::vector<std::string_view> lines = split(text, '\n');
        for (std::string_view line : lines) {
            ++line_;
            if (line.ends_with('\r')) {
                line.remove_suffix(1);
            }
            if (line.starts_with("# base:")) {
                read_bases(line.substr(7));
            } else if (!line.empty() && !line.starts_with('#')) {
                read_row(line);
            }
        }
    }

private:
    void report(std::string_view line, std::string_view where, std::string message)
    {
        const auto column = where.data() >= line.data() && where.data() <= line.data() + line.size()
                                ? where.data() - line.data() + 1
                                : 1;
        found_.push_back({file_, line_, static_cast<int>(column), std::move(message)});
    }

    void read_bases(std::string_view text)
    {
        if (!bases_.empty() || !seen_.empty()) {
            report(text, text, "the base must be given once and before the rows");
            return;
        }
        for (const std::string_view part : split(text, ';')) {
            const bool is_remark = !bases_.empty() && !trim(part).starts_with("https://");
            if (!is_remark) {
                read_base(trim(part));
            }
        }
        std::stable_sort(bases_.begin(), bases_.end(), [](const auto& a, const auto& b) {
            return a.templates.size() > b.templates.size();
        });
    }

    void read_base(std::string_view text)
    {
        constexpr std::string_view scheme = "https://";
        const std::string_view url = text.substr(0, text.find(' '));
        const std::size_t path = url.find('/', std::min(scheme.size(), url.size()));
        if (!url.starts_with(scheme) || url.size() == scheme.size()) {
            report(text, text, "the base is no https URL");
            return;
        }
        table_base& base = bases_.emplace_back();
        const std::string host = lower(url.substr(scheme.size(), path - scheme.size()));
        const bool known = std::any_of(
            facts_.hosts.begin(), facts_.hosts.end(),
            [&](const auto& listed) { return listed.host == host && !listed.is_alias; });
        base.host = known && host != facts_.base.host ? host : "";
        base.path = path == std::string_view::npos ? "" : url.substr(path);
        if (base.path.ends_with('/')) {
            base.path.pop_back();
        }
        constexpr std::string_view marker = " for: ";
        const std::size_t list = text.find(marker);
        if (list != std::string_view::npos) {
            for (const std::string_view covered : split(text.substr(list + marker.size()), ' ')) {
                base.templates.push_back(covered);
            }
        }
    }

    const table_base& base_of(std::string_view path) const
    {
        static const table_base origin;
        for (const table_base& base : bases_) {
            if (base.templates.empty() || std::find(base.templates.begin(), base.templates.end(),
                                                    path) != base.templates.end()) {
                return base;
            }
        }
        return origin;
    }

    void read_row(std::string_view line)
    {
        const std::vector<std::string_view> columns = split(line, '\t');
        if (columns.size() != 3) {
            report(line, line, "expected METHOD, TEMPLATE and SCOPES, separated by tabs");
            return;
        }
        const std::string_view method = columns[0];
        const std::string_view path = columns[1];
        if (method.empty() || !std::all_of(method.begin(), method.end(),
                                           [](char c) { return c >= 'A' && c <= 'Z'; })) {
            report(line, method, "expected a method in capital letters");
            return;
        }
        if (rows_.size() == table_rows_max) {
            report(line, line, "too many rows");
            return;
        }
        policy::rule row;
        row.operation = std::string(method) + " " + std::string(path);
        const table_base& base = base_of(path);
        row.path = base.path + without_stray_braces(path);
        row.methods = method_list(method);
        row.source = name_ + ":" + std::to_string(line_);
        row.cls = class_of(method, path, row.path);
        if (!base.host.empty()) {
            row.hosts = {base.host};
        }
        if (!seen_.insert(row.operation).second) {
            report(line, line, "this method and template stand in an earlier row");
            return;
        }
        try {
            policy::parse_template(row.path);
        } catch (const std::invalid_argument& error) {
            report(line, path, error.what());
            return;
        }
        const auto known = scopes_.find(columns[2]);
        if (known != scopes_.end()) {
            row.scopes = known->second;
        } else if (std::vector<std::vector<std::string>> scopes;
                   read_scopes(line, columns[2], scopes)) {
            row.scopes = scopes_.emplace(columns[2], std::move(scopes)).first->second;
        } else {
            return;
        }
        rows_.push_back(std::move(row));
    }

    policy::shared_list<std::string> method_list(std::string_view method)
    {
        const auto known = methods_.find(method);
        return known != methods_.end()
                   ? known->second
                   : methods_.emplace(method, std::vector{std::string(method)}).first->second;
    }

    bool read_scopes(std::string_view line, std::string_view text,
                     std::vector<std::vector<std::string>>& alternatives)
    {
        if (text == "-") {
            return true;
        }
        for (const std::string_view alternative : split(text, '|')) {
            std::vector<std::string>& all = alternatives.emplace_back();
            if (alternative == "-") {
                continue;
            }
            for (const std::string_view scope : split(alternative, '+')) {
                if (scope.empty() || scope == "-" || scope == "*" ||
                    scope.find(' ') != std::string_view::npos) {
                    report(line, scope, "expected a scope");
                    return false;
                }
                all.emplace_back(scope);
            }
        }
        return true;
    }

    policy::operation_class class_of(std::string_view method, std::string_view path,
                                     std::string_view whole) const
    {
        for (const auto& [cls, pattern] : classes_.named) {
            if (fits_pattern(pattern, path) || fits_pattern(pattern, whole)) {
                return cls;
            }
        }
        for (const std::string& reading : classes_.read_over_post) {
            const std::string_view pattern =
                std::string_view(reading).substr(reading.find(' ') + 1);
            if (reading.starts_with(std::string(method) + " ") &&
                (fits_pattern(pattern, path) || fits_pattern(pattern, whole))) {
                return policy::operation_class::read;
            }
        }
        if (method == "GET" || method == "HEAD") {
            return policy::operation_class::read;
        }
        return method == "DELETE" ? policy::operation_class::destructive
                                  : policy::operation_class::write;
    }

    const std::string& file_;
    std::string name_;
    const policy::provider_facts& facts_;
    const row_classes& classes_;
    std::vector<policy::rule>& rows_;
    problems& found_;
    int line_ = 0;
    std::vector<table_base> bases_;
    std::unordered_set<std::string> seen_;
    // Rows repeat them.
    std::map<std::string, policy::shared_list<std::string>, std::less<>> methods_;
    std::unordered_map<std::string_view, policy::shared_list<std::vector<std::string>>> scopes_;
};

bool fits_segments(const std::vector<std::string_view>& pattern, std::size_t at,
                   const std::vector<std::string_view>& path, std::size_t position)
{
    if (at == pattern.size()) {
        return position == path.size();
    }
    if (pattern[at] == "**") {
        for (std::size_t next = position; next <= path.size(); ++next) {
            if (fits_segments(pattern, at + 1, path, next)) {
                return true;
            }
        }
        return false;
    }
    const bool placeholder = pattern[at].starts_with('{') && pattern[at].ends_with('}');
    return position < path.size() && (placeholder || pattern[at] == path[position]) &&
           fits_segments(pattern, at + 1, path, position + 1);
}

// What of a provider's file the rows depend on.
std::string reading_of(const policy::provider_facts& facts, const row_classes& classes)
{
    std::string text = facts.base.host;
    for (const policy::upstream_host& host : facts.hosts) {
        text += host.is_alias ? "" : ' ' + host.host;
    }
    for (const auto& [cls, pattern] : classes.named) {
        text += '\n' + std::string(policy::to_string(cls)) + ' ' + pattern;
    }
    for (const std::string& pattern : classes.read_over_post) {
        text += "\nreads " + pattern;
    }
    return text;
}

}  // namespace

bool fits_pattern(std::string_view pattern, std::string_view path)
{
    return fits_segments(split(pattern, '/'), 0, split(path, '/'), 0);
}

policy::shared_list<policy::rule> table_store::read(const std::string& file,
                                                    const policy::provider_facts& facts,
                                                    const row_classes& classes, problems& found)
{
    const std::string key = file + '\n' + reading_of(facts, classes);
    if (const auto known = sound_.find(key); known != sound_.end()) {
        return known->second;
    }
    const std::optional<std::string> bytes = read_bytes(file);
    if (!bytes) {
        found.push_back({file, 0, 0, "cannot be read"});
        return {};
    }
    if (bytes->size() > table_bytes_max) {
        found.push_back({file, 0, 0, "is larger than 16 MiB"});
        return {};
    }
    const std::size_t before = found.size();
    std::vector<policy::rule> rows;
    table_reader(file, facts, classes, rows, found).read(*bytes);
    rows.shrink_to_fit();
    policy::shared_list<policy::rule> shared(std::move(rows));
    if (found.size() == before) {
        sound_.emplace(key, shared);
    }
    return shared;
}

}  // namespace sallyport::config
