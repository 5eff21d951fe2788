#include "audit/body_files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "base/ulid.hpp"

namespace sallyport::audit {

namespace {

constexpr std::string_view magic = "SPB1";
constexpr std::string_view name_prefix = "bodies-", name_suffix = ".sealed";
constexpr std::size_t number_digits = 6;
constexpr std::size_t length_bytes = 4, time_bytes = 8;
constexpr std::size_t front_bytes = time_bytes + ulid::text_size + 2;  // behind the length
constexpr std::size_t workspace_bytes_max = 255;
constexpr unix_micros tick = 1'000'000;

void append_big_endian(std::string& out, std::uint64_t value, std::size_t bytes)
{
    while (bytes-- > 0) {
        out += static_cast<char>(static_cast<unsigned char>(value >> (8 * bytes)));
    }
}

std::uint64_t big_endian(std::string_view bytes)
{
    std::uint64_t value = 0;
    for (const char one : bytes) {
        value = value << 8 | static_cast<unsigned char>(one);
    }
    return value;
}

std::string file_name(std::uint32_t number)
{
    std::string digits = std::to_string(number);
    digits.insert(0, digits.size() < number_digits ? number_digits - digits.size() : 0, '0');
    return std::string(name_prefix).append(digits).append(name_suffix);
}

struct body_file {
    std::string name;
    std::uint32_t number = 0;
    std::uint64_t bytes = 0;
    unix_micros changed = 0;
};

// In the order of their numbers.
std::vector<body_file> list_body_files(int directory)
{
    std::vector<body_file> out;
    for (const std::string& name : list_names(directory).value_or(std::vector<std::string>())) {
        if (!name.starts_with(name_prefix) || !name.ends_with(name_suffix)) {
            continue;
        }
        body_file one;
        one.name = name;
        std::from_chars(name.data() + name_prefix.size(),
                        name.data() + name.size() - name_suffix.size(), one.number);
        struct stat status {};
        if (one.number == 0 || file_name(one.number) != name ||
            ::fstatat(directory, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
            continue;
        }
        one.bytes = static_cast<std::uint64_t>(status.st_size);
        one.changed =
            status.st_mtim.tv_sec * unix_micros{1'000'000} + status.st_mtim.tv_nsec / 1000;
        out.push_back(std::move(one));
    }
    std::sort(out.begin(), out.end(),
              [](const body_file& a, const body_file& b) { return a.number < b.number; });
    return out;
}

void append_record(std::string& out, const sealed_body& body)
{
    const std::string_view workspace =
        std::string_view(body.workspace).substr(0, workspace_bytes_max);
    out += magic;
    append_big_endian(out, front_bytes + workspace.size() + body.sealed.size(), length_bytes);
    append_big_endian(out, static_cast<std::uint64_t>(body.time), time_bytes);
    out += body.call_id;
    out += static_cast<char>(body.side);
    out += static_cast<char>(static_cast<unsigned char>(workspace.size()));
    out += workspace;
    out += body.sealed;
}

// Reads `size` bytes; nullopt where the file ends before.
std::optional<std::string> read_exactly(int file, std::uint64_t offset, std::size_t size)
{
    std::string bytes(size, '\0');
    const ssize_t got = read_at(file, bytes.data(), size, offset);
    return got == static_cast<ssize_t>(size) ? std::optional(std::move(bytes)) : std::nullopt;
}

// The bodies of one call in one file, whose end is where nothing whole follows.
void find_in(int file, std::string_view workspace, std::string_view call_id,
             const std::atomic<bool>& abandoned, std::vector<sealed_body>& found)
{
    constexpr std::size_t head_bytes = magic.size() + length_bytes + front_bytes;
    std::uint64_t at = 0;
    while (!abandoned) {
        const auto head = read_exactly(file, at, head_bytes);
        if (!head || !head->starts_with(magic)) {
            return;
        }
        std::string_view rest = std::string_view(*head).substr(magic.size());
        const std::uint64_t length = big_endian(rest.substr(0, length_bytes));
        rest.remove_prefix(length_bytes);
        const std::size_t name_bytes = static_cast<unsigned char>(rest.back());
        if (length < front_bytes + name_bytes ||
            length > front_bytes + name_bytes + sealed_body_bytes_max) {
            return;
        }
        const std::uint64_t next = at + magic.size() + length_bytes + length;
        if (rest.substr(time_bytes, call_id.size()) == call_id) {
            auto body =
                read_exactly(file, at + head_bytes, static_cast<std::size_t>(length - front_bytes));
            if (!body) {
                return;
            }
            sealed_body one;
            one.call_id = call_id;
            one.workspace = body->substr(0, name_bytes);
            one.side = rest[front_bytes - 2] == 0 ? body_side::request : body_side::response;
            one.time = static_cast<unix_micros>(big_endian(rest.substr(0, time_bytes)));
            one.sealed = body->substr(name_bytes);
            if (one.workspace == workspace) {
                found.push_back(std::move(one));
            }
        }
        at = next;
    }
}

}  // namespace

bool body_writer::append(const std::vector<sealed_body>& bodies)
{
    std::string records;
    for (const sealed_body& one : bodies) {
        append_record(records, one);
    }
    close_if_old();
    if (!file_.is_open() && !open_next()) {
        return false;
    }
    const bool written = write_all(file_.get(), records);
    size_ += records.size();
    if (!written || size_ >= file_bytes_max) {
        file_.close();
    }
    return written;
}

void body_writer::close_if_old()
{
    if (file_.is_open() && std::chrono::steady_clock::now() - begun_ >= file_age_max) {
        file_.close();
    }
}

bool body_writer::open_next()
{
    const std::vector<body_file> present = list_body_files(directory_);
    number_ = std::max(number_, present.empty() ? 0 : present.back().number) + 1;
    file_ = file_descriptor(
        ::openat(directory_, file_name(number_).c_str(),
                 O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600));
    size_ = 0;
    begun_ = std::chrono::steady_clock::now();
    return file_.is_open();
}

std::vector<sealed_body> find_bodies(const std::string& directory, std::string_view workspace,
                                     std::string_view call_id, const std::atomic<bool>& abandoned)
{
    std::vector<sealed_body> found;
    const auto id = ulid::parse(call_id);
    const file_descriptor in = open_directory(directory);
    if (!id || !in.is_open()) {
        return found;
    }
    // An id begins with the milliseconds at which the call did: what was last written to before
    // that does not hold it. Times of files are taken from a clock of coarser ticks.
    const std::string_view begun(reinterpret_cast<const char*>(id->bytes.data()), 6);
    const auto not_before = static_cast<unix_micros>(big_endian(begun)) * 1000 - tick;
    std::vector<body_file> files = list_body_files(in.get());
    for (const body_file& one : files) {
        if (one.changed < not_before || !found.empty() || abandoned) {
            continue;
        }
        const file_descriptor file = open_regular(in.get(), one.name);
        if (file.is_open()) {
            find_in(file.get(), workspace, call_id, abandoned, found);
        }
    }
    return found;
}

std::size_t prune_bodies(int directory, const keeping& rules, std::uint32_t open, unix_micros now)
{
    if (rules.age.count() == 0 && rules.bytes == 0) {
        return 0;
    }
    const std::vector<body_file> files = list_body_files(directory);
    std::uint64_t total = 0;
    for (const body_file& one : files) {
        total += one.bytes;
    }
    const auto segments = list_segments(directory);
    for (const segment& one : segments ? segments->segments : std::vector<segment>()) {
        struct stat status {};
        if (::fstatat(directory, one.name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0) {
            total += static_cast<std::uint64_t>(status.st_size);
        }
    }
    const auto too_old =
        now - std::chrono::duration_cast<std::chrono::microseconds>(rules.age).count();
    std::size_t deleted = 0;
    for (const body_file& one : files) {
        const bool is_due = (rules.age.count() != 0 && one.changed < too_old) ||
                            (rules.bytes != 0 && total > rules.bytes);
        if (is_due && one.number != open && ::unlinkat(directory, one.name.c_str(), 0) == 0) {
            total -= one.bytes;
            ++deleted;
        }
    }
    return deleted;
}

}  // namespace sallyport::audit
