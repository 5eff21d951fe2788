// One line of the trail from an entry: formatted, chained, hashed (CONTRACT.md 6).
//
// The members stand in the order of the contract; those of an entry that the contract does not
// name come after them; `prev` and `hash` are last. About a microsecond a line and no allocation
// once the batch has grown to its working size.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "audit/sha256.hpp"
#include "audit/trail.hpp"
#include "base/ulid.hpp"

namespace sallyport::audit {

// More of one text, or of one list of texts, is cut off. The gate's own limits are far below.
constexpr std::size_t text_bytes_max = 16 * 1024;

// What no line can exceed: every text at its limit, every byte escaped. Readers skip or refuse
// more.
constexpr std::size_t line_bytes_max = 4u << 20;

// Where a chain stands: what the next line follows.
struct chain_head {
    std::uint64_t seq = 0;
    std::array<char, hash_text_size> hash;

    chain_head() { hash.fill('0'); }
    std::string_view hash_text() const noexcept { return {hash.data(), hash.size()}; }
};

// Lines that wait to be written, in one block that is kept from batch to batch.
class batch {
public:
    std::string_view text() const noexcept { return {data_.get(), size_}; }
    std::size_t size() const noexcept { return size_; }
    void clear() noexcept { size_ = 0; }

    // The end of the text, with room for `more` bytes behind it.
    char* room(std::size_t more);
    void grew_to(const char* end) noexcept { size_ = static_cast<std::size_t>(end - data_.get()); }

private:
    std::unique_ptr<char[]> data_;
    std::size_t size_ = 0, capacity_ = 0;
};

// Makes the lines of one writer. Not thread-safe.
class line_maker {
public:
    line_maker(std::string_view node, std::string_view writer);

    // Appends the line that follows `head`, with its line feed, and moves `head` on to it.
    void append(batch& to, const entry& from, chain_head& head);

private:
    std::string names_;  // ,"node":"...","writer":"...","seq":
    ulid_source ids_;
    sha256 hash_;
    std::string escaped_;
};

}  // namespace sallyport::audit
