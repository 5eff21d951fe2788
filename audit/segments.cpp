#include "audit/segments.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <memory>
#include <tuple>

#include "audit/compress.hpp"
#include "audit/line.hpp"

namespace sallyport::audit {

namespace {

constexpr std::string_view segment_suffix = ".jsonl";
constexpr std::string_view packed_suffix = ".gz";
constexpr std::string_view marker_suffix = ".open";
constexpr std::size_t number_digits = 6;
constexpr std::size_t node_bytes_max = 128;
constexpr std::size_t read_bytes = 256u << 10;

std::optional<segment> parse_segment(const std::string& name)
{
    std::string_view base = name;
    base.remove_suffix(name.ends_with(packed_suffix) ? packed_suffix.size() : 0);
    const std::string_view plain = base;
    base.remove_suffix(segment_suffix.size());
    const std::size_t dash = base.rfind('-');
    if (dash == std::string_view::npos || dash == 0 || base.size() - dash - 1 < number_digits) {
        return std::nullopt;
    }
    segment out{name, std::string(base.substr(0, dash)), 0};
    const char* const last = base.data() + base.size();
    const auto [end, error] = std::from_chars(base.data() + dash + 1, last, out.number);
    // One name for one number: no further leading zeros.
    if (error != std::errc{} || end != last || segment_name(out.stem, out.number) != plain) {
        return std::nullopt;
    }
    return out;
}

}  // namespace

void file_descriptor::close() noexcept
{
    if (fd_ >= 0) {
        ::close(std::exchange(fd_, -1));
    }
}

file_descriptor open_directory(const std::string& path)
{
    return file_descriptor(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

file_descriptor open_regular(int directory, const std::string& name)
{
    file_descriptor file(
        ::openat(directory, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    struct stat status {};
    if (!file.is_open() || ::fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode)) {
        return {};
    }
    return file;
}

std::string stem_of(std::string_view node, std::string_view writer)
{
    std::string out(node.substr(0, node_bytes_max));
    for (char& c : out) {
        const bool kept = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
                          (c >= 'A' && c <= 'Z') || c == '.' || c == '_' || c == '-';
        c = kept ? c : '_';
    }
    return out.append("-").append(writer);
}

std::string segment_name(std::string_view stem, std::uint32_t number)
{
    std::string digits = std::to_string(number);
    if (digits.size() < number_digits) {
        digits.insert(0, number_digits - digits.size(), '0');
    }
    return std::string(stem).append("-").append(digits).append(segment_suffix);
}

std::string marker_name(std::string_view stem) { return std::string(stem).append(marker_suffix); }

std::optional<std::vector<std::string>> list_names(int directory)
{
    const int copy = ::openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct closer {
        void operator()(DIR* open) const noexcept { ::closedir(open); }
    };
    const std::unique_ptr<DIR, closer> stream(copy < 0 ? nullptr : ::fdopendir(copy));
    if (!stream) {
        return std::nullopt;
    }
    std::vector<std::string> out;
    errno = 0;
    while (const dirent* const found = ::readdir(stream.get())) {
        out.emplace_back(found->d_name);
    }
    if (errno != 0) {
        return std::nullopt;
    }
    return out;
}

std::optional<listing> list_segments(int directory)
{
    const auto names = list_names(directory);
    if (!names) {
        return std::nullopt;
    }
    listing out;
    for (const std::string& name : *names) {
        if (name.ends_with(marker_suffix)) {
            out.markers.push_back(name.substr(0, name.size() - marker_suffix.size()));
        } else if (name.ends_with(segment_suffix) || name.ends_with(".jsonl.gz")) {
            if (auto one = parse_segment(name)) {
                out.segments.push_back(std::move(*one));
            } else {
                out.strange.push_back(name);
            }
        }
    }
    std::sort(out.segments.begin(), out.segments.end(), [](const segment& a, const segment& b) {
        return std::tie(a.stem, a.number, a.name) < std::tie(b.stem, b.number, b.name);
    });
    // Both stand there where compressing was interrupted: each is whole, the plain one is dearer.
    const auto twins = std::unique(out.segments.begin(), out.segments.end(),
                                   [](const segment& a, const segment& b) {
                                       return a.stem == b.stem && a.number == b.number;
                                   });
    out.segments.erase(twins, out.segments.end());
    std::sort(out.markers.begin(), out.markers.end());
    std::sort(out.strange.begin(), out.strange.end());
    return out;
}

file_descriptor open_segment(int directory, const segment& which)
{
    file_descriptor file = open_regular(directory, which.name);
    return file.is_open() && which.is_compressed() ? inflate(directory, file.get())
                                                   : std::move(file);
}

std::uint64_t size_of(int fd) noexcept
{
    struct stat status {};
    return ::fstat(fd, &status) == 0 ? static_cast<std::uint64_t>(status.st_size) : 0;
}

ssize_t read_at(int fd, char* out, std::size_t size, std::uint64_t offset) noexcept
{
    std::size_t done = 0;
    while (done < size) {
        const ssize_t got = ::pread(fd, out + done, size - done, static_cast<off_t>(offset + done));
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return -1;
        }
        if (got == 0) {
            break;
        }
        done += static_cast<std::size_t>(got);
    }
    return static_cast<ssize_t>(done);
}

bool write_all(int fd, std::string_view bytes) noexcept
{
    while (!bytes.empty()) {
        const ssize_t put = ::write(fd, bytes.data(), bytes.size());
        if (put < 0 && errno == EINTR) {
            continue;
        }
        if (put <= 0) {
            return false;
        }
        bytes.remove_prefix(static_cast<std::size_t>(put));
    }
    return true;
}

// Moves what is left to the front of the buffer and reads behind it. False at the end of the file.
bool line_reader::fill()
{
    if (begin_ != 0) {
        std::memmove(buffer_.data(), buffer_.data() + begin_, filled_ - begin_);
        filled_ -= std::exchange(begin_, 0);
    }
    if (buffer_.size() - filled_ < read_bytes) {
        buffer_.resize(std::max(buffer_.size() * 2, read_bytes));
    }
    const ssize_t got =
        read_at(fd_, buffer_.data() + filled_, buffer_.size() - filled_, offset_ + filled_);
    failed_ = got < 0;
    filled_ += got > 0 ? static_cast<std::size_t>(got) : 0;
    return got > 0;
}

line_reader::state line_reader::next()
{
    std::size_t searched = 0;
    for (;;) {
        const std::size_t size = filled_ - begin_;
        const char* const from = buffer_.data() + begin_;
        const void* const feed =
            size == searched ? nullptr : std::memchr(from + searched, '\n', size - searched);
        start_ = offset_;
        if (feed != nullptr) {
            const auto length = static_cast<std::size_t>(static_cast<const char*>(feed) - from);
            text_ = {from, length};
            begin_ += length + 1;
            offset_ += length + 1;
            return length > line_bytes_max ? state::too_long : state::line;
        }
        if (size > line_bytes_max) {
            return state::too_long;
        }
        searched = size;
        if (!fill()) {
            text_ = {buffer_.data(), filled_};
            if (failed_) {
                return state::failed;
            }
            return filled_ == 0 ? state::end : state::torn;
        }
    }
}

}  // namespace sallyport::audit
