#include "audit/verify.hpp"

#include <algorithm>

#include "audit/checkpoint_chain.hpp"
#include "audit/scan.hpp"
#include "audit/segments.hpp"

namespace sallyport::audit {

namespace {

class verifier {
public:
    explicit verifier(int directory) : directory_(directory) {}

    verification run(std::string_view kept)
    {
        // Before the segments: what a checkpoint covers stood there when it was signed.
        std::string fault = kept.empty() ? "" : checkpoints_.expect(kept);
        if (fault.empty()) {
            fault = checkpoints_.read(directory_);
        }
        out_.checkpoints = checkpoints_.count();
        out_.warnings = checkpoints_.warnings();
        if (fault.empty()) {
            fault = follow_directory();
        }
        if (!checkpoints_.pruned().empty()) {
            out_.warnings.push_back("the beginnings of " +
                                    std::to_string(checkpoints_.pruned().size()) +
                                    " writers are gone: checkpoints say that retention deleted "
                                    "them");
        }
        out_.first_bad = std::move(fault);
        out_.sound = out_.first_bad.empty();
        return out_;
    }

private:
    std::string follow_directory()
    {
        const std::optional<listing> found = list_segments(directory_);
        if (!found) {
            return ".:0: the directory cannot be read";
        }
        if (!found->strange.empty()) {
            return found->strange.front() + ":0: is not named as a segment is";
        }
        std::vector<std::string> stems;
        for (auto first = found->segments.begin(); first != found->segments.end();) {
            const auto last = std::find_if(first, found->segments.end(), [&](const segment& one) {
                return one.stem != first->stem;
            });
            const bool unfinished =
                std::binary_search(found->markers.begin(), found->markers.end(), first->stem);
            if (!follow_writer({first, last}, unfinished)) {
                return out_.first_bad;
            }
            stems.push_back(first->stem);
            first = last;
        }
        for (const auto& [stem, marks] : checkpoints_.writers()) {
            if (!marks.empty() && !std::binary_search(stems.begin(), stems.end(), stem) &&
                marks.back().seq > pruned_up_to(stem)) {
                return segment_name(stem, 1) + ":1: is missing: checkpoint " +
                       std::to_string(marks.back().checkpoint) + " covers " +
                       std::to_string(marks.back().seq) + " lines of it";
            }
        }
        return find_strangers(stems);
    }

    // Writers that no checkpoint lists. Read again first: a gate may have begun one meanwhile.
    std::string find_strangers(const std::vector<std::string>& stems)
    {
        checkpoint_chain now;
        for (const std::string& stem : stems) {
            if (checkpoints_.writers().contains(stem)) {
                continue;
            }
            if (now.count() == 0) {
                static_cast<void>(now.read(directory_));
            }
            if (!now.writers().contains(stem)) {
                return segment_name(stem, 1) + ":1: no checkpoint lists this writer";
            }
        }
        return {};
    }

    std::uint64_t pruned_up_to(const std::string& stem) const
    {
        const auto known = checkpoints_.pruned().find(stem);
        return known == checkpoints_.pruned().end() ? 0 : known->second.back().seq;
    }

    // What the first line that is there has to follow: the end of what was pruned before it.
    chain_head start_of(const segment& first) const
    {
        const auto known = checkpoints_.pruned().find(first.stem);
        const file_descriptor file = open_segment(directory_, first);
        line_reader reader(file.get());
        if (known == checkpoints_.pruned().end() || !file.is_open() ||
            reader.next() != line_reader::state::line) {
            return {};
        }
        const std::optional<line_frame> frame = read_frame(reader.text());
        for (const chain_head& head : known->second) {
            if (frame && head.seq + 1 == frame->seq) {
                return head;
            }
        }
        return {};
    }

    bool follow_writer(const std::vector<segment>& segments, bool unfinished)
    {
        ++out_.writers;
        const chain_head start = start_of(segments.front());
        chain_checker chain(start);
        const auto known = checkpoints_.writers().find(segments.front().stem);
        marks_.clear();
        if (known != checkpoints_.writers().end()) {
            marks_ = known->second;
            std::erase_if(marks_, [&](const mark& one) { return one.seq <= start.seq; });
        }
        for (const segment& one : segments) {
            ++out_.segments;
            if (!follow_segment(one, chain, unfinished && &one == &segments.back())) {
                return false;
            }
        }
        if (!marks_.empty()) {
            return bad(segments.back(), last_line_ + 1,
                       "lines are missing: checkpoint " + std::to_string(marks_.back().checkpoint) +
                           " covers them up to seq " + std::to_string(marks_.back().seq));
        }
        return true;
    }

    // Whether the chain comes by what the checkpoints say.
    std::string_view compare(const chain_head& head)
    {
        while (!marks_.empty() && marks_.front().seq == head.seq) {
            if (marks_.front().hash != head.hash_text()) {
                return "is not the line that a checkpoint covers";
            }
            marks_.erase(marks_.begin());
        }
        return {};
    }

    bool follow_segment(const segment& one, chain_checker& chain, bool may_be_torn)
    {
        const file_descriptor file = open_segment(directory_, one);
        if (!file.is_open()) {
            return bad(one, 0, "cannot be read");
        }
        line_reader reader(file.get());
        for (std::uint64_t number = 1;; ++number) {
            last_line_ = number - 1;
            switch (reader.next()) {
                case line_reader::state::line: break;
                case line_reader::state::end: return true;
                case line_reader::state::failed: return bad(one, number, "cannot be read");
                case line_reader::state::too_long:
                    return bad(one, number, "is longer than any line of the trail");
                case line_reader::state::torn:
                    if (!may_be_torn) {
                        return bad(one, number, "is cut off");
                    }
                    out_.warnings.push_back(one.name + ':' + std::to_string(number) +
                                            ": the last line of an unfinished writer is cut off");
                    return true;
            }
            std::string_view why = chain.check(reader.text());
            // The chain sees to it that the lines after the first have the same writer.
            if (why.empty() && number == 1 &&
                stem_of(unescape(chain.frame().node), unescape(chain.frame().writer)) != one.stem) {
                why = "it belongs to a writer that the file's name does not name";
            }
            if (why.empty() && !marks_.empty()) {
                why = compare(chain.head());
            }
            if (!why.empty()) {
                return bad(one, number, why);
            }
            ++out_.lines;
            out_.bytes += reader.text().size() + 1;
        }
    }

    bool bad(const segment& one, std::uint64_t line, std::string_view why)
    {
        out_.first_bad = one.name + ':' + std::to_string(line) + ": ";
        out_.first_bad += why;
        return false;
    }

    int directory_;
    checkpoint_chain checkpoints_;
    std::vector<mark> marks_;      // that the present writer has yet to come by
    std::uint64_t last_line_ = 0;  // of the present segment
    verification out_;
};

}  // namespace

verification verify_directory(const std::string& directory, std::string_view kept)
{
    const file_descriptor open = open_directory(directory);
    return verifier(open.get()).run(kept);
}

}  // namespace sallyport::audit
