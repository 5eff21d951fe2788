#include "audit/verify.hpp"

#include <algorithm>

#include "audit/scan.hpp"
#include "audit/segments.hpp"

namespace sallyport::audit {

namespace {

class verifier {
public:
    explicit verifier(int directory) : directory_(directory) {}

    verification run()
    {
        const std::optional<listing> found = list_segments(directory_);
        if (!found) {
            out_.first_bad = ".:0: the directory cannot be read";
            return out_;
        }
        if (!found->strange.empty()) {
            out_.first_bad = found->strange.front() + ":0: is not named as a segment is";
            return out_;
        }
        for (auto first = found->segments.begin(); first != found->segments.end();) {
            const auto last = std::find_if(first, found->segments.end(), [&](const segment& one) {
                return one.stem != first->stem;
            });
            const bool unfinished =
                std::binary_search(found->markers.begin(), found->markers.end(), first->stem);
            if (!follow_writer({first, last}, unfinished)) {
                return out_;
            }
            first = last;
        }
        out_.sound = true;
        return out_;
    }

private:
    bool follow_writer(const std::vector<segment>& segments, bool unfinished)
    {
        ++out_.writers;
        chain_checker chain;
        for (const segment& one : segments) {
            ++out_.segments;
            if (!follow_segment(one, chain, unfinished && &one == &segments.back())) {
                return false;
            }
        }
        return true;
    }

    bool follow_segment(const segment& one, chain_checker& chain, bool may_be_torn)
    {
        const file_descriptor file = open_regular(directory_, one.name);
        if (!file.is_open()) {
            return bad(one, 0, "cannot be read");
        }
        line_reader reader(file.get());
        for (std::uint64_t number = 1;; ++number) {
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
    verification out_;
};

}  // namespace

verification verify_directory(const std::string& directory)
{
    const file_descriptor open = open_directory(directory);
    return verifier(open.get()).run();
}

}  // namespace sallyport::audit
