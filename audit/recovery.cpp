#include "audit/recovery.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <unordered_map>
#include <unordered_set>

#include "audit/aside.hpp"
#include "audit/scan.hpp"

namespace sallyport::audit {

namespace {

constexpr std::size_t flush_bytes = 256u << 10;
constexpr std::string_view gap_detail =
    "lines that no checkpoint covered were torn; what was left of them stands in *.torn files";

// What an outcome repeats of its intent.
struct unfinished_call {
    std::string workspace, app, run, user, connection_id, provider;
    std::string method, host, path, operation, cls;
};

unfinished_call call_of(std::string_view line)
{
    unfinished_call out;
    const std::pair<std::string_view, std::string*> wanted[] = {
        {"workspace", &out.workspace},
        {"app", &out.app},
        {"run", &out.run},
        {"user", &out.user},
        {"provider", &out.provider},
        {"connection_id", &out.connection_id},
        {"method", &out.method},
        {"host", &out.host},
        {"path", &out.path},
        {"operation", &out.operation},
        {"class", &out.cls}};
    line_scanner scanner(line);
    member one;
    while (scanner.next(one)) {
        for (const auto& [name, to] : wanted) {
            if (name == one.name && one.type == member::type::text) {
                *to = unescape(one.raw);
            }
        }
    }
    return out;
}

class recovery_run {
public:
    recovery_run(const std::shared_ptr<const directory>& in, std::string& where)
        : in_(in), where_(where)
    {
    }

    result<trail::recovery> run()
    {
        const std::optional<listing> found = list_segments(in_->self.get());
        if (!found) {
            return make_error_code(errc::unwritable);
        }
        std::map<std::string, std::uint64_t> stems;  // and how far a checkpoint covers them
        for (const std::string& stem : found->markers) {
            stems.emplace(stem, 0);
        }
        // Also who took up its marker and was gone before a checkpoint covered its last lines.
        for (const writer_head& one : in_->checkpoints->left_open()) {
            stems[one.stem] = one.head.seq;
        }
        // Closed, but not without calls that were left unfinished.
        for (const writer_head& one : in_->checkpoints->closed_before()) {
            if (const auto marked = stems.find(one.stem); marked != stems.end()) {
                marked->second = std::max(marked->second, one.head.seq);
            }
        }
        // A recovery that was cut off itself had set lines aside, and not yet said so.
        for (const segment& one : found->segments) {
            lost_lines_ = lost_lines_ || (std::binary_search(found->markers.begin(),
                                                             found->markers.end(), one.stem) &&
                                          has_lines_aside(in_->self.get(), one.name));
        }
        if (!put_down_markers(stems)) {
            return make_error_code(errc::unwritable);
        }
        for (const auto& [stem, covered] : stems) {
            std::vector<segment> segments;
            std::copy_if(found->segments.begin(), found->segments.end(),
                         std::back_inserter(segments),
                         [&](const segment& one) { return one.stem == stem; });
            if (const error_code error = read_writer(std::move(segments), covered)) {
                return error;
            }
        }
        if (in_->checkpoints->is_first()) {
            if (const error_code error = adopt(*found)) {
                return error;
            }
        }
        if (const result<void> begun = in_->checkpoints->begin(std::move(heads_)); !begun) {
            return begun.error();
        }
        if (const error_code error = write_outcomes()) {
            return error;
        }
        for (const auto& [stem, covered] : stems) {
            ::unlinkat(in_->self.get(), marker_name(stem).c_str(), 0);
        }
        ::fsync(in_->self.get());
        return counts_;
    }

private:
    // From here on until the markers are taken up, each start finds the same writers.
    bool put_down_markers(const std::map<std::string, std::uint64_t>& stems)
    {
        for (const auto& [stem, covered] : stems) {
            if (!file_descriptor(::openat(in_->self.get(), marker_name(stem).c_str(),
                                          O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600))
                     .is_open()) {
                return false;
            }
        }
        return ::fsync(in_->self.get()) == 0;
    }

    error_code read_writer(std::vector<segment> segments, std::uint64_t covered)
    {
        using start = chain_checker::start;
        const bool all = segments.size() <= recovered_segments_max;
        if (!all) {
            segments.erase(segments.begin(),
                           segments.end() - std::ptrdiff_t{recovered_segments_max});
        }
        const bool is_whole = all && !segments.empty() && segments.front().number == 1;
        chain_checker chain(is_whole ? start::at_first_line : start::anywhere);
        bool torn = false;
        for (const segment& one : segments) {
            if (const error_code error = read_segment(one, covered, chain, torn)) {
                return error;
            }
        }
        if (!segments.empty()) {
            heads_.push_back({segments.back().stem, chain.head(), head_state::closed});
        }
        return {};
    }

    // A trail that was written without checkpoints: from here on they cover what stands there.
    error_code adopt(const listing& found)
    {
        for (std::size_t i = 0; i < found.segments.size(); ++i) {
            const segment& one = found.segments[i];
            const bool last =
                i + 1 == found.segments.size() || found.segments[i + 1].stem != one.stem;
            const bool read =
                std::binary_search(found.markers.begin(), found.markers.end(), one.stem);
            if (!last || read) {
                continue;
            }
            const file_descriptor file = open_segment(in_->self.get(), one);
            if (!file.is_open()) {
                return damaged(one, 0, "cannot be read");
            }
            line_reader reader(file.get());
            chain_checker chain(chain_checker::start::anywhere);
            while (reader.next() == line_reader::state::line &&
                   chain.check(reader.text()).empty()) {
            }
            heads_.push_back({one.stem, chain.head(), head_state::adopted});
        }
        for (writer_head& one : heads_) {
            one.state = head_state::adopted;
        }
        return {};
    }

    // `torn`: an earlier segment of the writer ended there, and nothing of this one follows.
    error_code read_segment(const segment& one, std::uint64_t covered, chain_checker& chain,
                            bool& torn)
    {
        if (torn) {
            return cut_off(one, 0);
        }
        const file_descriptor file = open_segment(in_->self.get(), one);
        if (!file.is_open()) {
            return damaged(one, 0, "cannot be read");
        }
        // A gate that was killed may have left it to the kernel, and checkpoints will cover it.
        if (::fsync(file.get()) != 0) {
            return errc::unwritable;
        }
        ++counts_.segments;
        line_reader reader(file.get());
        for (std::uint64_t number = 1;; ++number) {
            const line_reader::state state = reader.next();
            if (state == line_reader::state::end) {
                return {};
            }
            if (state == line_reader::state::failed) {
                return damaged(one, number, "cannot be read");
            }
            std::string_view why = "is cut off";
            if (state == line_reader::state::line) {
                why = chain.check(reader.text());
            } else if (state == line_reader::state::too_long) {
                why = "is longer than any line of the trail";
            }
            if (why.empty()) {
                ++counts_.lines;
                if (!take(reader.text(), chain.frame())) {
                    return damaged(one, number, "more calls are unfinished than a gate can have");
                }
                continue;
            }
            // What a checkpoint covers was on disk: neither a kill nor a power cut tore it. Of what
            // none covers yet a power cut may leave any page, so whole lines may follow torn ones.
            if (chain.head().seq < covered || one.is_compressed()) {
                return damaged(one, number, why);
            }
            torn = true;
            return cut_off(one, reader.start());
        }
    }

    bool take(std::string_view line, const line_frame& frame)
    {
        const bool is_intent = frame.kind == "call.intent";
        if (!is_intent && frame.kind != "call.outcome") {
            return true;
        }
        const std::optional<std::string_view> raw = find_member(line, "call_id");
        if (!raw) {
            return true;
        }
        std::string id(*raw);
        if (is_intent) {
            intents_.insert_or_assign(std::move(id), call_of(line));
        } else if (intents_.erase(id) == 0) {
            // Written by an earlier recovery, or by the chain that followed a failed one.
            settled_.insert(std::move(id));
        }
        return intents_.size() + settled_.size() <= unfinished_calls_max;
    }

    error_code cut_off(const segment& one, std::uint64_t size)
    {
        const std::optional<aside> taken = set_aside(in_->self.get(), one.name, size);
        if (!taken) {
            return errc::unwritable;
        }
        lost_lines_ = lost_lines_ || taken->has_lines;
        counts_.torn_bytes += taken->bytes;
        return {};
    }

    error_code write_outcomes()
    {
        for (const std::string& id : settled_) {
            intents_.erase(id);
        }
        if (intents_.empty() && !lost_lines_) {
            return {};
        }
        if (const error_code error = write_lines()) {
            return error;
        }
        // Before the markers go, which would have it done again.
        return in_->checkpoints->cover() ? error_code() : errc::unwritable;
    }

    error_code write_lines()
    {
        segment_writer out(in_, "recovery");
        out.outcomes_are_of_others();
        if (lost_lines_) {
            entry gap;
            gap.kind = kind::trail_gap;
            gap.detail = gap_detail;
            (void)out.append(gap);
        }
        for (const auto& [id, call] : intents_) {
            entry outcome;
            outcome.kind = kind::call_outcome;
            outcome.call_id = id;
            outcome.workspace = call.workspace, outcome.app = call.app, outcome.run = call.run;
            outcome.user = call.user, outcome.connection_id = call.connection_id;
            outcome.provider = call.provider, outcome.method = call.method;
            outcome.host = call.host, outcome.path = call.path;
            outcome.operation = call.operation, outcome.cls = call.cls;
            outcome.code = "outcome_unknown";
            (void)out.append(outcome);  // Flushed long before the backlog could be full.
            if (out.queued_bytes() >= flush_bytes && !out.flush()) {
                return errc::unwritable;
            }
        }
        counts_.unfinished_calls = intents_.size();
        return out.flush() ? error_code() : errc::unwritable;
    }

    error_code damaged(const segment& one, std::uint64_t line, std::string_view why)
    {
        where_ = one.name + ':' + std::to_string(line) + ": ";
        where_ += why;
        return errc::corrupted;
    }

    const std::shared_ptr<const directory>& in_;
    std::string& where_;
    trail::recovery counts_;
    std::unordered_map<std::string, unfinished_call> intents_;  // by call id
    std::unordered_set<std::string> settled_;  // outcomes whose intent was not seen before them
    std::vector<writer_head> heads_;           // of the writers that were not closed
    bool lost_lines_ = false;
};

}  // namespace

result<trail::recovery> recover(const std::shared_ptr<const directory>& in, std::string& where)
{
    return recovery_run(in, where).run();
}

}  // namespace sallyport::audit
