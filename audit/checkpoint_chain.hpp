// All checkpoints of a directory, read and proved: each is signed with the key that the one before
// it names, follows it by number and hash, and is whole.
//
// Threading: none. Memory: one entry a writer, and what a kept checkpoint lists.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "audit/checkpoint.hpp"

namespace sallyport::audit {

// Where a writer's chain must come by.
struct mark {
    std::uint64_t seq = 0;
    std::string hash;
    std::uint64_t checkpoint = 0;  // its number
};

class checkpoint_chain {
public:
    // Empty if sound; else "file:number: why".
    std::string read(int directory);

    // Heads kept elsewhere: the text of a file with one checkpoint or more, as this directory had
    // them. After read(). Empty if all of them stand in the directory; else why not.
    std::string expect(std::string_view kept);

    // By stem. Empty marks: the writer was announced and had no line yet.
    const std::map<std::string, std::vector<mark>>& writers() const noexcept { return writers_; }
    std::uint64_t count() const noexcept { return last_.number; }
    const std::vector<std::string>& warnings() const noexcept { return warnings_; }

private:
    std::string read_file(int directory, std::uint32_t number, bool is_last);
    std::string follow(const note& signed_note, const checkpoint& what, bool first_of_file);
    void take(const checkpoint& what);

    checkpoint last_;
    std::string last_hash_ = std::string(hash_text_size, '0');
    std::optional<note_key> key_;
    std::map<std::string, std::vector<mark>> writers_;
    std::map<std::string, std::uint64_t> by_hash_;  // of the note -> number
    std::vector<std::string> warnings_;
};

}  // namespace sallyport::audit
