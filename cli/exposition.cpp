#include "cli/exposition.hpp"

#include <charconv>
#include <cmath>

namespace sallyport::cli {

namespace {

std::string text_of(double value)
{
    if (std::isinf(value)) {
        return value > 0 ? "+Inf" : "-Inf";
    }
    char digits[32];
    const auto [end, error] = std::to_chars(digits, digits + sizeof digits, value);
    return {digits, end};
}

void append_escaped(std::string& out, std::string_view text)
{
    for (const char c : text) {
        if (c == '\n') {
            out += "\\n";
        } else {
            out += c == '"' || c == '\\' ? "\\" : "";
            out += c;
        }
    }
}

}  // namespace

void exposition::family(std::string_view name, std::string_view type, std::string_view help)
{
    name_ = name;
    text_.append("# HELP ").append(name).append(" ").append(help).append("\n# TYPE ");
    text_.append(name).append(" ").append(type).append("\n");
}

void exposition::line(std::string_view suffix, const labels& with, std::string_view value)
{
    text_.append(name_).append(suffix);
    char separator = '{';
    for (const auto& [name, label] : with) {
        text_ += separator;
        text_.append(name).append("=\"");
        append_escaped(text_, label);
        text_ += '"';
        separator = ',';
    }
    text_.append(with.empty() ? " " : "} ").append(value).append("\n");
}

void exposition::sample(const labels& with, std::uint64_t value)
{
    line("", with, std::to_string(value));
}

void exposition::sample(const labels& with, double value) { line("", with, text_of(value)); }

void exposition::histogram(const labels& with, std::span<const double> bounds,
                           std::span<const std::uint64_t> counts, double sum)
{
    labels bounded = with;
    bounded.emplace_back("le", "");
    std::uint64_t so_far = 0;
    for (std::size_t i = 0; i < counts.size(); ++i) {
        so_far += counts[i];
        const std::string bound = i < bounds.size() ? text_of(bounds[i]) : "+Inf";
        bounded.back().second = bound;
        line("_bucket", bounded, std::to_string(so_far));
    }
    line("_sum", with, text_of(sum));
    line("_count", with, std::to_string(so_far));
}

}  // namespace sallyport::cli
