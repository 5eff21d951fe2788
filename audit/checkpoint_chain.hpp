// All checkpoints of a directory, read and proved: each is signed with the key that the one before
// it names, follows it by number and hash, and is whole.
//
// A file's first checkpoint brings its own key, which anybody could have made. So what one file
// says never stands for what an earlier one said: a writer must come by the last head of every
// file.
//
// Threading: none. Memory: one entry a writer and file, and what a kept checkpoint lists.
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
    std::uint32_t file = 0;        // that it stands in; 0: kept elsewhere
};

class checkpoint_chain {
public:
    // Heads kept elsewhere: the text of a file with one checkpoint or more, as this directory had
    // them. Before read(), which then looks for all of them. Empty if it is such a text.
    std::string expect(std::string_view kept);

    // Empty if sound; else "file:number: why".
    std::string read(int directory);

    // By stem. Empty marks: the writer was announced and had no line yet.
    const std::map<std::string, std::vector<mark>>& writers() const noexcept { return writers_; }
    // By stem: where a writer's chain may begin, since the gate took away what stood before. In the
    // order in which it did.
    const std::map<std::string, std::vector<chain_head>>& pruned() const noexcept
    {
        return pruned_;
    }
    std::uint64_t count() const noexcept { return last_.number; }
    const std::vector<std::string>& warnings() const noexcept { return warnings_; }

private:
    std::string read_file(int directory, std::uint32_t number, bool is_last);
    std::string follow(const note& signed_note, const checkpoint& what, bool first_of_file);
    void take(const checkpoint& what, std::uint32_t file);

    checkpoint last_;
    std::string last_hash_ = std::string(hash_text_size, '0');
    std::optional<note_key> key_;
    std::map<std::string, std::vector<mark>> writers_;
    std::map<std::string, std::vector<chain_head>> pruned_;
    std::map<std::string, checkpoint> expected_;  // by the note's hash; not come by yet
    std::vector<std::string> warnings_;
};

}  // namespace sallyport::audit
