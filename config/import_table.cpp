// A table of scope rules as catalogue_table.hpp has it, for which the provider's file is missing.
#include "config/import.hpp"

#include "base/text.hpp"
#include "config/catalogue_table.hpp"

#include <algorithm>
#include <fstream>

namespace sallyport::config {
namespace {

std::string header_value(std::string_view line, std::string_view name)
{
    const std::string lead = "# " + std::string(name) + ":";
    return line.starts_with(lead) ? std::string(trim(line.substr(lead.size()))) : "";
}

std::vector<std::vector<std::string>> alternatives_of(std::string_view text)
{
    std::vector<std::vector<std::string>> alternatives(1);
    std::string scope;
    const auto end_scope = [&] {
        if (scope != "-") {
            alternatives.back().push_back(scope);
        }
        scope.clear();
    };
    for (const char c : text) {
        if (c != '|' && c != '+') {
            scope += c;
            continue;
        }
        end_scope();
        if (c == '|') {
            alternatives.emplace_back();
        }
    }
    end_scope();
    return alternatives;
}

class table_importer {
public:
    table_importer(const std::string& file, imported_table& table, problems& wrong)
        : file_(file), table_(table), wrong_(wrong), rows_(file, wrong)
    {
    }

    std::string provider;  // what the first lines say
    std::string base;

    void read(std::string_view text)
    {
        while (!text.empty()) {
            const std::size_t size = std::min(text.find('\n'), text.size());
            std::string_view line = text.substr(0, size);
            text.remove_prefix(std::min(size + 1, text.size()));
            ++where_.line;
            line.remove_suffix(line.ends_with('\r') ? 1 : 0);
            if (line.starts_with('#')) {
                provider = provider.empty() ? header_value(line, "provider") : provider;
                base = base.empty() ? header_value(line, "base") : base;
            } else if (!line.empty()) {
                read_row(line);
            }
        }
    }

private:
    void read_row(std::string_view line)
    {
        const std::size_t first = line.find('\t');
        const std::size_t second = first == line.npos ? first : line.find('\t', first + 1);
        if (second == line.npos || line.find('\t', second + 1) != line.npos) {
            wrong_.push_back(
                {file_, where_.line, 1, "expected METHOD, TEMPLATE and SCOPES, separated by tabs"});
            return;
        }
        imported_row row{std::string(line.substr(0, first)),
                         std::string(line.substr(first + 1, second - first - 1)),
                         alternatives_of(line.substr(second + 1))};
        const std::string call = row.method + " " + row.path;
        rows_.add(std::move(row), where_, call, table_.rows);
    }

    const std::string& file_;
    imported_table& table_;
    problems& wrong_;
    row_collector rows_;
    yaml_node where_;
};

std::optional<std::string> read_text(const std::string& file, problems& wrong)
{
    std::ifstream in(file, std::ios::binary | std::ios::ate);
    const auto size = in ? static_cast<std::streamoff>(in.tellg()) : -1;
    if (size < 0 || size > static_cast<std::streamoff>(table_bytes_max)) {
        wrong.push_back({file, 0, 0, size < 0 ? "cannot be read" : "is larger than 16 MiB"});
        return std::nullopt;
    }
    std::string text(static_cast<std::size_t>(size), '\0');
    in.seekg(0);
    in.read(text.data(), size);
    if (!in) {
        wrong.push_back({file, 0, 0, "cannot be read"});
        return std::nullopt;
    }
    return text;
}

}  // namespace

bool read_table_file(const std::string& file, const import_options& options,
                     imported_provider& made, problems& wrong)
{
    auto text = read_text(file, wrong);
    if (!text) {
        return false;
    }
    imported_table table;
    table_importer importer(file, table, wrong);
    importer.read(*text);
    if (table.rows.empty() && wrong.empty()) {
        wrong.push_back({file, 0, 0, "holds no rows"});
    }
    const std::string title = importer.provider.substr(0, importer.provider.find_first_of(" ,;("));
    const std::string base = importer.base.substr(0, importer.base.find_first_of(" ;"));
    if (!wrong.empty() || !take_options(file, options, title, made, wrong) ||
        !take_base(file, options, base, made, wrong)) {
        return false;
    }
    if (!take_credential(file, options, "oauth2", made, wrong)) {
        return false;
    }
    made.notes = {"The table says nothing of how a credential is sent: check `credentials`."};
    table.file = made.id + ".tsv";
    table.kinds = {made.credentials.front().kind};
    table.verbatim = std::move(*text);
    if (importer.base.empty() || !options.base_url.empty()) {
        table.verbatim.clear();  // It is written anew, with its base.
    }
    made.tables.push_back(std::move(table));
    return true;
}

}  // namespace sallyport::config
