#include "audit/segment_index.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <functional>

#include "audit/compress.hpp"
#include "audit/scan.hpp"

namespace sallyport::audit {

namespace {

constexpr std::string_view magic = "sallyport index 1\n";
constexpr int probes = 4;
constexpr std::string_view indexed[] = {
    "kind",      "call_id", "workspace", "app",    "run",      "user",  "connection_id", "provider",
    "operation", "class",   "code",      "status", "decision", "actor", "method"};

static_assert(std::is_trivially_copyable_v<index_block>);

// FNV-1a, then mixed (the finisher of SplitMix64): any spread will do, the filter is rebuilt from
// the segment at will.
std::uint64_t hash_of(std::string_view member, std::string_view value) noexcept
{
    std::uint64_t h = 0xcbf29ce484222325u;
    const auto mix = [&h](std::string_view text) {
        for (const char c : text) {
            h = (h ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
        }
    };
    mix(member);
    mix("=");
    mix(value);
    h = (h ^ (h >> 30)) * 0xbf58476d1ce4e5b9u;
    h = (h ^ (h >> 27)) * 0x94d049bb133111ebu;
    return h ^ (h >> 31);
}

template <class Each>
void each_bit(std::uint64_t hash, Each each) noexcept
{
    for (int i = 0; i < probes; ++i) {
        const std::uint64_t bit = (hash >> (16 * i)) & 0xffff;
        each((bit >> 6) % index_block::filter_words, std::uint64_t{1} << (bit & 63));
    }
}

void add_line(index_block& to, std::string_view line)
{
    line_scanner scanner(line);
    member one;
    while (scanner.next(one)) {
        if (one.name == "time") {
            const unix_micros time = parse_rfc3339(one.raw).value_or(0);
            to.first_time = to.first_time == 0 ? time : std::min(to.first_time, time);
            to.last_time = std::max(to.last_time, time);
        } else if (one.type != member::type::list && is_indexed(one.name)) {
            to.add(one.name, one.raw);
        }
    }
}

std::vector<index_block> read_index(int directory, const std::string& name, std::uint64_t size)
{
    const file_descriptor file = open_regular(directory, name);
    struct stat status {};
    if (!file.is_open() || ::fstat(file.get(), &status) != 0) {
        return {};
    }
    const auto bytes = static_cast<std::uint64_t>(status.st_size);
    if (bytes < magic.size() || (bytes - magic.size()) % sizeof(index_block) != 0 || bytes > size) {
        return {};
    }
    std::string head(magic.size(), '\0');
    std::vector<index_block> out((bytes - magic.size()) / sizeof(index_block));
    const std::size_t body = out.size() * sizeof(index_block);
    if (read_at(file.get(), head.data(), head.size(), 0) < 0 || head != magic ||
        read_at(file.get(), reinterpret_cast<char*>(out.data()), body, magic.size()) !=
            static_cast<ssize_t>(body)) {
        return {};
    }
    std::uint64_t end = 0;
    for (const index_block& block : out) {
        if (block.begin != end || block.end <= block.begin || block.end > size) {
            return {};
        }
        end = block.end;
    }
    return out;
}

// Beside the segment if that can be: a search in a directory that is read only is slower, no more.
void write_index(int directory, const std::string& name, const std::vector<index_block>& blocks)
{
    const std::string fresh = name + "." + std::to_string(::getpid());
    const file_descriptor file(::openat(
        directory, fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!file.is_open()) {
        return;
    }
    const std::string_view body(reinterpret_cast<const char*>(blocks.data()),
                                blocks.size() * sizeof(index_block));
    if (!write_all(file.get(), magic) || !write_all(file.get(), body) ||
        ::renameat(directory, fresh.c_str(), directory, name.c_str()) != 0) {
        ::unlinkat(directory, fresh.c_str(), 0);
    }
}

}  // namespace

bool is_indexed(std::string_view member) noexcept
{
    return std::find(std::begin(indexed), std::end(indexed), member) != std::end(indexed);
}

void index_block::add(std::string_view member, std::string_view value) noexcept
{
    each_bit(hash_of(member, value),
             [this](std::size_t word, std::uint64_t bit) { filter[word] |= bit; });
}

bool index_block::may_have(std::string_view member, std::string_view value) const noexcept
{
    bool all = true;
    each_bit(hash_of(member, value),
             [&](std::size_t word, std::uint64_t bit) { all = all && (filter[word] & bit) != 0; });
    return all;
}

std::string index_name(std::string_view segment) { return std::string(segment).append(".index"); }

std::vector<index_block> index_segment(int directory, const segment& which)
{
    const std::string name = index_name(which.name);
    const bool is_final = which.is_compressed();
    if (is_final) {
        std::vector<index_block> all = read_index(directory, name, inflated_bytes_max);
        if (!all.empty()) {
            return all;
        }
    }
    const file_descriptor file = open_segment(directory, which);
    if (!file.is_open()) {
        return {};
    }
    const std::uint64_t size = size_of(file.get());
    std::vector<index_block> blocks =
        is_final ? std::vector<index_block>() : read_index(directory, name, size);
    const std::size_t known = blocks.size();
    const std::uint64_t covered = blocks.empty() ? 0 : blocks.back().end;
    if (!is_final && size - covered < index_block::bytes_min) {
        return blocks;
    }
    line_reader reader(file.get(), covered);
    index_block next;
    next.begin = covered;
    while (reader.next() == line_reader::state::line) {
        add_line(next, reader.text());
        next.end = reader.end();
        if (next.end - next.begin >= index_block::bytes_min) {
            blocks.push_back(next);
            next = {};
            next.begin = blocks.back().end;
        }
    }
    if (is_final && next.end > next.begin) {
        blocks.push_back(next);
    }
    if (blocks.size() != known) {
        write_index(directory, name, blocks);
    }
    return blocks;
}

}  // namespace sallyport::audit
