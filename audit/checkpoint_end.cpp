#include "audit/checkpoint_end.hpp"

#include <unistd.h>

#include "audit/aside.hpp"

namespace sallyport::audit {

namespace {

// Reads one file to its end.
class file_end {
public:
    file_end(int directory, std::uint32_t number)
        : directory_(directory), name_(checkpoint_file_name(number))
    {
    }

    // What its last checkpoint says is added to `out`, if it has one.
    bool read(checkpoint_end& out)
    {
        checkpoint_reader reader(open_regular(directory_, name_));
        checkpoint_end before = out;
        checkpoint_reader::state state = reader.next();
        while (state == checkpoint_reader::state::note) {
            before = out;
            take(reader, out);
            state = reader.next();
        }
        if (state == checkpoint_reader::state::failed) {
            return false;
        }
        if (!last_.empty() && !is_signed()) {
            out = before;
            size_ -= last_.size();
        }
        return cut() && sync();
    }

private:
    void take(const checkpoint_reader& reader, checkpoint_end& out)
    {
        const checkpoint& now = reader.checkpoint();
        if (heir_) {
            key_ = std::move(heir_);
            heir_.reset();
        }
        if (!now.key.empty()) {
            (size_ == 0 ? key_ : heir_) = note_key::parse(now.key);
        }
        last_ = reader.note().bytes;
        size_ += last_.size();
        out.number = now.number;
        out.previous = hash_of(last_);
        out.lines_closed = now.lines;
        out.open.clear();
        for (const writer_head& one : now.heads) {
            if (one.state == head_state::open) {
                out.lines_closed -= one.head.seq;
                out.open.push_back(one);
            } else {
                out.closed.push_back(one);
            }
        }
    }

    bool is_signed() const
    {
        const std::optional<note> last = read_note(last_);
        return last && key_ && key_->signed_(*last);
    }

    bool cut() { return whole_one_follows() || set_aside(directory_, name_, size_); }

    // Behind whatever begins where the last good one ends.
    bool whole_one_follows() const
    {
        const file_descriptor file = open_regular(directory_, name_);
        std::string rest(checkpoint_bytes_max, '\0');
        const ssize_t got = read_at(file.get(), rest.data(), rest.size(), size_);
        rest.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
        for (std::size_t feed = rest.find('\n'); feed != std::string::npos;
             feed = rest.find('\n', feed + 1)) {
            const auto found = read_note(std::string_view(rest).substr(feed + 1));
            if (found && parse_checkpoint(found->text)) {
                return true;
            }
        }
        return false;
    }

    // A gate that was killed may have left it to the kernel.
    bool sync() const
    {
        const file_descriptor file = open_regular(directory_, name_);
        return file.is_open() && ::fsync(file.get()) == 0;
    }

    const int directory_;
    const std::string name_;
    std::string last_;
    std::uint64_t size_ = 0;              // of the good ones
    std::optional<note_key> key_, heir_;  // of the last one, and of those behind it
};

}  // namespace

std::optional<checkpoint_end> find_checkpoint_end(int directory)
{
    const auto numbers = list_checkpoint_files(directory);
    if (!numbers) {
        return std::nullopt;
    }
    checkpoint_end out;
    out.file = numbers->empty() ? 0 : numbers->back();
    for (auto at = numbers->rbegin(); at != numbers->rend() && out.number == 0; ++at) {
        if (!file_end(directory, *at).read(out)) {
            return std::nullopt;
        }
    }
    return ::fsync(directory) == 0 ? std::optional(std::move(out)) : std::nullopt;
}

}  // namespace sallyport::audit
