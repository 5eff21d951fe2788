// The trail's directory as files: names of segments and markers, and reading lines out of them.
//
// Everything is opened relative to one descriptor of the directory, never through a symbolic link,
// and only if it is a regular file: what stands there may have been put by someone else.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sallyport::audit {

class file_descriptor {
public:
    file_descriptor() = default;
    explicit file_descriptor(int fd) noexcept : fd_(fd) {}
    file_descriptor(file_descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    file_descriptor& operator=(file_descriptor&& other) noexcept
    {
        std::swap(fd_, other.fd_);
        return *this;
    }
    ~file_descriptor() { close(); }

    int get() const noexcept { return fd_; }
    bool is_open() const noexcept { return fd_ >= 0; }
    void close() noexcept;

private:
    int fd_ = -1;
};

file_descriptor open_directory(const std::string& path);
// For reading; closed if there is no such regular file.
file_descriptor open_regular(int directory, const std::string& name);

// NODE-WRITER: the start of the names of all files of one writer. Characters of the node's name
// that do not belong into a file name become `_`.
std::string stem_of(std::string_view node, std::string_view writer);
std::string segment_name(std::string_view stem, std::uint32_t number);
std::string marker_name(std::string_view stem);

struct segment {
    std::string name, stem;
    std::uint32_t number = 0;

    bool is_compressed() const { return name.ends_with(".gz"); }
};

struct listing {
    std::vector<segment> segments;     // by stem, then number; a plain one before its like
    std::vector<std::string> markers;  // the stems, sorted
    std::vector<std::string> strange;  // *.jsonl whose names are not a segment's, sorted
};

// Nullopt if the directory cannot be read.
std::optional<std::vector<std::string>> list_names(int directory);
std::optional<listing> list_segments(int directory);

// The lines of a segment, for reading; closed if they cannot be had. What is compressed is inflated
// into a file of its own first, so offsets are those of the lines as they were written.
file_descriptor open_segment(int directory, const segment& which);

std::uint64_t size_of(int fd) noexcept;  // 0 if it cannot be told

// Lines of one file, front to back, in memory bounded by line_bytes_max.
class line_reader {
public:
    enum class state : std::uint8_t { line, torn, too_long, end, failed };

    // Reads from `offset` on. The descriptor must outlive the reader.
    explicit line_reader(int fd, std::uint64_t offset = 0) : fd_(fd), offset_(offset) {}

    // `torn`: the rest of the file, which has no line feed. After anything but `line` it is over.
    state next();
    std::string_view text() const noexcept { return text_; }  // without the line feed
    std::uint64_t start() const noexcept { return start_; }   // of text()
    std::uint64_t end() const noexcept { return offset_; }    // behind its line feed

private:
    bool fill();

    int fd_;
    std::uint64_t offset_, start_ = 0;
    std::vector<char> buffer_;
    std::size_t begin_ = 0, filled_ = 0;
    bool failed_ = false;
    std::string_view text_;
};

// pread(2) that goes on after interruptions and short reads; fewer bytes only at the end of the
// file. Negative on error.
ssize_t read_at(int fd, char* out, std::size_t size, std::uint64_t offset) noexcept;

// Writes all of it. On failure some of it may have been written.
bool write_all(int fd, std::string_view bytes) noexcept;

}  // namespace sallyport::audit
