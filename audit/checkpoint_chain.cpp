#include "audit/checkpoint_chain.hpp"

#include <algorithm>

namespace sallyport::audit {

namespace {

// Sorted by seq. Of what is said twice, one is kept.
void add_mark(std::vector<mark>& to, const writer_head& head, std::uint64_t number,
              std::uint32_t file)
{
    if (head.head.seq == 0) {
        return;
    }
    to.push_back({head.head.seq, std::string(head.head.hash_text()), number, file});
    std::stable_sort(to.begin(), to.end(),
                     [](const mark& a, const mark& b) { return a.seq < b.seq; });
    const auto last = std::unique(to.begin(), to.end(), [](const mark& a, const mark& b) {
        return a.seq == b.seq && a.hash == b.hash;
    });
    to.erase(last, to.end());
}

}  // namespace

std::string checkpoint_chain::read(int directory)
{
    const auto numbers = list_checkpoint_files(directory);
    if (!numbers) {
        return ".:0: the directory cannot be read";
    }
    for (const std::uint32_t number : *numbers) {
        std::string bad = read_file(directory, number, number == numbers->back());
        if (!bad.empty()) {
            return bad;
        }
    }
    if (!expected_.empty()) {
        const checkpoint& missing = expected_.begin()->second;
        return "checkpoint " + std::to_string(missing.number) + " of " + rfc3339(missing.time) +
               ", which was kept elsewhere, is not in the directory: it was rolled back or "
               "rewritten";
    }
    return {};
}

std::string checkpoint_chain::read_file(int directory, std::uint32_t number, bool is_last)
{
    const std::string name = checkpoint_file_name(number);
    checkpoint_reader reader(open_regular(directory, name));
    for (std::uint64_t count = 1;; ++count) {
        const auto bad = [&](std::string_view why) {
            return name + ':' + std::to_string(count) + ": the checkpoint " + std::string(why);
        };
        switch (reader.next()) {
            case checkpoint_reader::state::note: break;
            case checkpoint_reader::state::end: return {};
            case checkpoint_reader::state::failed: return bad("cannot be read");
            case checkpoint_reader::state::bad: return bad("is not one of a trail");
            case checkpoint_reader::state::torn:
                if (is_last) {
                    warnings_.push_back(bad("is cut off"));
                }
                return {};
        }
        const std::string why = follow(reader.note(), reader.checkpoint(), count == 1);
        if (!why.empty()) {
            return bad(why);
        }
        take(reader.checkpoint(), number);
        last_hash_ = hash_of(reader.note().bytes);
        expected_.erase(last_hash_);
    }
}

std::string checkpoint_chain::follow(const note& signed_note, const checkpoint& what,
                                     bool first_of_file)
{
    if (what.number != last_.number + 1) {
        return what.number > last_.number ? "follows others that are missing"
                                          : "stands after one that follows it";
    }
    if (what.previous != last_hash_) {
        return "does not follow the one before it";
    }
    if (last_.number != 0 && what.origin != last_.origin) {
        warnings_.push_back("from checkpoint " + std::to_string(what.number) +
                            " on the gate calls itself " + what.origin);
    }
    std::optional<note_key> named;
    if (!what.key.empty()) {
        named = note_key::parse(what.key);
        if (!named) {
            return "names a key that is none";
        }
    }
    if (first_of_file) {
        if (!named) {
            return "does not name the key it is signed with";
        }
        key_ = std::move(named);
        named.reset();
    }
    if (!key_->signed_(signed_note)) {
        return "is not signed with its key";
    }
    if (named) {
        key_ = std::move(named);
    }
    return {};
}

void checkpoint_chain::take(const checkpoint& what, std::uint32_t file)
{
    bool adopted = false;
    for (const writer_head& one : what.heads) {
        if (one.state == head_state::pruned) {
            pruned_[one.stem].push_back(one.head);
            continue;
        }
        std::vector<mark>& marks = writers_[one.stem];
        // Of one file the later head proves the earlier ones.
        std::erase_if(marks, [&](const mark& earlier) { return earlier.file == file; });
        add_mark(marks, one, what.number, file);
        adopted = adopted || one.state == head_state::adopted;
    }
    if (adopted) {
        warnings_.push_back("checkpoint " + std::to_string(what.number) +
                            " adopted lines that no earlier one covers");
    }
    last_ = what;
}

std::string checkpoint_chain::expect(std::string_view kept)
{
    std::size_t count = 0;
    while (const std::optional<note> one = read_note(kept)) {
        const std::optional<checkpoint> head = parse_checkpoint(one->text);
        if (!head) {
            break;
        }
        for (const writer_head& writer : head->heads) {
            if (writer.state != head_state::pruned) {
                add_mark(writers_[writer.stem], writer, head->number, 0);
            }
        }
        expected_.emplace(hash_of(one->bytes), *head);
        ++count;
        kept.remove_prefix(one->bytes.size());
    }
    return count == 0 ? "what was kept elsewhere is not a checkpoint" : "";
}

}  // namespace sallyport::audit
