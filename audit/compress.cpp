#include "audit/compress.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <array>
#include <vector>

namespace sallyport::audit {

namespace {

constexpr std::size_t block_bytes = 256u << 10;
constexpr int gzip_format = 15 + 16;  // the largest window, with a gzip header and checksum
constexpr int level = 6;

using block = std::vector<char>;

Bytef* bytes_of(block& of) { return reinterpret_cast<Bytef*>(of.data()); }

bool deflate_into(int to, int from)
{
    z_stream state{};
    if (::deflateInit2(&state, level, Z_DEFLATED, gzip_format, 9, Z_DEFAULT_STRATEGY) != Z_OK) {
        return false;
    }
    block in(block_bytes), out(block_bytes);
    std::uint64_t offset = 0;
    int status = Z_OK;
    bool good = true;
    while (good && status != Z_STREAM_END) {
        const ssize_t got = read_at(from, in.data(), in.size(), offset);
        good = got >= 0;
        const auto size = static_cast<std::size_t>(good ? got : 0);
        offset += size;
        state.next_in = bytes_of(in);
        state.avail_in = static_cast<uInt>(size);
        do {
            state.next_out = bytes_of(out);
            state.avail_out = static_cast<uInt>(out.size());
            status = ::deflate(&state, size == 0 ? Z_FINISH : Z_NO_FLUSH);
            good = good && status != Z_STREAM_ERROR &&
                   write_all(to, {out.data(), out.size() - state.avail_out});
        } while (good && state.avail_out == 0);
    }
    ::deflateEnd(&state);
    return good;
}

// Hands the inflated bytes on, block by block. False where it is not one whole gzip file.
template <class Take>
bool inflate_from(int from, Take take)
{
    z_stream state{};
    if (::inflateInit2(&state, gzip_format) != Z_OK) {
        return false;
    }
    block in(block_bytes), out(block_bytes);
    std::uint64_t offset = 0, total = 0;
    int status = Z_OK;
    bool good = true;
    while (good && status != Z_STREAM_END) {
        const ssize_t got = read_at(from, in.data(), in.size(), offset);
        good = got > 0;
        offset += good ? static_cast<std::uint64_t>(got) : 0;
        state.next_in = bytes_of(in);
        state.avail_in = static_cast<uInt>(good ? got : 0);
        do {
            state.next_out = bytes_of(out);
            state.avail_out = static_cast<uInt>(out.size());
            status = good ? ::inflate(&state, Z_NO_FLUSH) : Z_DATA_ERROR;
            const std::string_view some(out.data(), out.size() - state.avail_out);
            total += some.size();
            good = good && (status == Z_OK || status == Z_STREAM_END || status == Z_BUF_ERROR) &&
                   total <= inflated_bytes_max && take(some);
        } while (good && state.avail_out == 0 && status != Z_STREAM_END);
    }
    // Nothing may follow: it would be there and not be read.
    good = good && state.avail_in == 0 && offset == size_of(from);
    ::inflateEnd(&state);
    return good;
}

bool holds(int packed, int plain)
{
    std::uint64_t offset = 0;
    block expected(block_bytes);
    const bool same = inflate_from(packed, [&](std::string_view some) {
        const ssize_t got = read_at(plain, expected.data(), some.size(), offset);
        offset += some.size();
        return got == static_cast<ssize_t>(some.size()) &&
               std::string_view(expected.data(), some.size()) == some;
    });
    return same && offset == size_of(plain);
}

}  // namespace

bool compress_segment(int directory, const segment& plain)
{
    const file_descriptor from = open_regular(directory, plain.name);
    struct stat status {};
    if (!from.is_open() || ::fstat(from.get(), &status) != 0) {
        return false;
    }
    const std::string name = plain.name + ".gz", fresh = name + ".new";
    const file_descriptor to(::openat(directory, fresh.c_str(),
                                      O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
    const std::array<timespec, 2> times{status.st_atim, status.st_mtim};
    const bool done = to.is_open() && deflate_into(to.get(), from.get()) &&
                      ::futimens(to.get(), times.data()) == 0 && ::fsync(to.get()) == 0 &&
                      holds(to.get(), from.get()) &&
                      ::renameat(directory, fresh.c_str(), directory, name.c_str()) == 0 &&
                      ::fsync(directory) == 0;
    if (!done) {
        ::unlinkat(directory, fresh.c_str(), 0);
        return false;
    }
    return ::unlinkat(directory, plain.name.c_str(), 0) == 0;
}

file_descriptor inflate(int directory, int from)
{
    constexpr int nameless = O_TMPFILE | O_RDWR | O_CLOEXEC;
    file_descriptor to(::openat(directory, ".", nameless, 0600));
    if (!to.is_open()) {
        to = file_descriptor(::open("/tmp", nameless, 0600));  // The directory cannot be written.
    }
    const bool whole = to.is_open() && inflate_from(from, [&](std::string_view some) {
                           return write_all(to.get(), some);
                       });
    return whole ? std::move(to) : file_descriptor();
}

}  // namespace sallyport::audit
