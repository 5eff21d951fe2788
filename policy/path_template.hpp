// A rule's path template, taken apart (CONTRACT.md 5 "Rules").
//
// `{x}` is one segment that is not empty, `{+x}` one or more of which the first and the last are
// not empty, `**` (only at the end) whatever is left, also nothing. Text beside placeholders inside
// a segment is literal: `{id}:batchUpdate`, and `{+path}:` ends with the segment that ends in ':'.
// Literals are compared with decoded segments as they stand. "/a/" ends in an empty literal: a
// trailing slash is told apart.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sallyport::policy {

// In the order of specificity. `some_until` is `{+x}text`; `end` ranks the template that stops
// where another goes on.
enum class segment_kind : std::uint8_t {
    literal,
    partly_literal,
    one,
    some_until,
    some,
    end,
    rest
};

struct template_segment {
    segment_kind kind = segment_kind::literal;
    // literal: its text. partly_literal: the literal texts around the placeholders, so one more
    // than there are placeholders, the first and the last possibly empty. some_until: the text that
    // the last segment ends with.
    std::vector<std::string> texts;

    bool operator==(const template_segment&) const = default;
};

using path_template = std::vector<template_segment>;

// Throws std::invalid_argument, whose text is a sentence for a person, for a malformed template.
path_template parse_template(std::string_view text);

// Whether a segment fits `{a}literal{b}`: each placeholder takes at least one byte. Linear in the
// segment for each text. `texts` in lower case where `fold` is set.
bool fits(const std::vector<std::string>& texts, std::string_view segment, bool fold) noexcept;

// Whether a segment can be the last one of `{+x}text`: at least one byte, then the text.
bool fits_end(std::string_view text, std::string_view segment, bool fold) noexcept;

}  // namespace sallyport::policy
