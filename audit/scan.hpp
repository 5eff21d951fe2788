// Reads lines of the trail back, strictly: one flat JSON object as line_maker writes it, no white
// space, values that are texts, whole numbers or lists of texts. Other JSON is refused, so that a
// line has one reading. Nothing here recurses or allocates; views are into the line.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "audit/line.hpp"
#include "audit/sha256.hpp"

namespace sallyport::audit {

struct member {
    enum class type : std::uint8_t { text, number, list };
    std::string_view name;
    member::type type = type::text;
    std::string_view raw;  // a text without its quotes, still escaped; else the value as it stands
};

class line_scanner {
public:
    explicit line_scanner(std::string_view line) : rest_(line) {}

    // False at the end of the object, and where the line is not such an object.
    bool next(member& out);
    // After next() said false: the whole line was one object.
    bool complete() const noexcept { return complete_; }

private:
    bool take(char c) noexcept;
    bool take_text(std::string_view& out) noexcept;
    bool take_value(member& out) noexcept;

    std::string_view rest_;
    bool started_ = false, complete_ = false;
};

// What every line has.
struct line_frame {
    std::string_view id, time, kind, node, writer;  // node and writer still escaped
    std::uint64_t seq = 0;
    std::string_view prev, hash;
    std::string_view hashed;  // the bytes that `hash` is of
};

// Nullopt for anything that is not a whole line of the trail. Does not check the hash.
std::optional<line_frame> read_frame(std::string_view line);

// The raw text or number of a member, or nullopt.
std::optional<std::string_view> find_member(std::string_view line, std::string_view name);

// A raw text as what it stands for. `raw` must come from a scanner.
std::string unescape(std::string_view raw);

// Follows one writer's chain, line by line.
class chain_checker {
public:
    enum class start : std::uint8_t { at_first_line, anywhere };
    explicit chain_checker(start from = start::at_first_line) : anywhere_(from == start::anywhere)
    {
    }
    explicit chain_checker(const chain_head& behind) : anywhere_(false), head_(behind) {}

    // Empty if `line` is whole and the next one; else what is wrong with it, as fixed text.
    std::string_view check(std::string_view line);

    const chain_head& head() const noexcept { return head_; }
    // Of the line that was checked last; into that line.
    const line_frame& frame() const noexcept { return frame_; }

private:
    bool anywhere_;
    chain_head head_;
    line_frame frame_;
    std::string node_, writer_;  // once there was a line
    sha256 hash_;
};

}  // namespace sallyport::audit
