// Metrics as Prometheus reads them: its text format, version 0.0.4.
//
// A family is announced before its samples, once; a histogram's buckets are given as they were
// counted and come out cumulative, as the format wants them.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sallyport::cli {

class exposition {
public:
    using labels = std::vector<std::pair<std::string_view, std::string_view>>;

    // `type` is counter, gauge or histogram; `help` one line.
    void family(std::string_view name, std::string_view type, std::string_view help);

    // Of the family announced last.
    void sample(const labels& with, std::uint64_t value);
    void sample(const labels& with, double value);
    void sample(std::uint64_t value) { sample({}, value); }
    // `bounds` in seconds, ascending; `counts` has one more, for what lies beyond them.
    void histogram(const labels& with, std::span<const double> bounds,
                   std::span<const std::uint64_t> counts, double sum);

    std::string take() { return std::move(text_); }

private:
    void line(std::string_view suffix, const labels& with, std::string_view value);

    std::string text_;
    std::string name_;
};

}  // namespace sallyport::cli
