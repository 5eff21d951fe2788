#include "cli/secret_input.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/static_resource.hpp>
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <new>

#include "cli/command.hpp"

namespace sallyport::cli {
namespace {

constexpr std::size_t json_room_bytes = std::size_t{1} << 20;

struct descriptor {
    int fd;
    ~descriptor()
    {
        if (fd > STDERR_FILENO) {
            ::close(fd);
        }
    }
};

// Appends into a buffer of fixed size: one that grows would leave copies behind.
class secret_writer {
public:
    explicit secret_writer(std::size_t size) : buffer_(vault::secret::of_size(size)) {}

    void add(std::string_view text)
    {
        std::memcpy(buffer_.data() + used_, text.data(), text.size());
        used_ += text.size();
    }

    void add_string(std::string_view text)
    {
        constexpr std::string_view digits = "0123456789abcdef";
        add("\"");
        for (const char& c : text) {
            const auto byte = static_cast<unsigned char>(c);
            if (c == '"' || c == '\\') {
                add("\\");
                add({&c, 1});
            } else if (byte < 0x20) {
                add("\\u00");
                add(digits.substr(byte >> 4, 1));
                add(digits.substr(byte & 15, 1));
            } else {
                add({&c, 1});
            }
        }
        add("\"");
    }

    vault::secret take()
    {
        buffer_.shrink(used_);
        return std::move(buffer_);
    }

    static constexpr std::size_t string_size_max(std::string_view text)
    {
        return 2 + 6 * text.size();
    }

private:
    vault::secret buffer_;
    std::size_t used_ = 0;
};

bool is_json_object(std::string_view text)
{
    vault::secret room = vault::secret::of_size(json_room_bytes);  // Wiped after the values in it.
    boost::json::static_resource memory(reinterpret_cast<unsigned char*>(room.data()), room.size());
    boost::system::error_code error;
    try {
        const boost::json::value parsed =
            boost::json::parse({text.data(), text.size()}, error, &memory);
        return !error && parsed.is_object();
    } catch (const std::bad_alloc&) {
        return false;  // More than any credential has.
    }
}

}  // namespace

vault::secret read_secret(const std::string& file)
{
    const bool from_stdin = file == "-";
    const descriptor opened{from_stdin ? STDIN_FILENO : ::open(file.c_str(), O_RDONLY | O_CLOEXEC)};
    const std::string name = from_stdin ? "stdin" : file;
    vault::secret bytes = vault::secret::of_size(secret_bytes_max + 1);
    std::size_t used = 0;
    while (used < bytes.size()) {
        const ::ssize_t count = ::read(opened.fd, bytes.data() + used, bytes.size() - used);
        if (count == 0) {
            break;
        }
        if (count > 0) {
            used += static_cast<std::size_t>(count);
        } else if (errno != EINTR) {
            throw command_error(exit_status::refused,
                                name + " cannot be read: " + std::strerror(errno));
        }
    }
    if (used > secret_bytes_max) {
        throw command_error(exit_status::refused, name + " holds more than 256 KiB");
    }
    if (used > 0 && bytes.data()[used - 1] == '\n') {
        --used;
    }
    if (used > 0 && bytes.data()[used - 1] == '\r') {
        --used;
    }
    if (used == 0) {
        throw command_error(exit_status::refused, name + " is empty");
    }
    bytes.shrink(used);
    return bytes;
}

vault::secret credential_json(std::string_view kind, const vault::secret& bytes)
{
    const std::string_view text = bytes.reveal();
    if (kind == "oauth2" || kind == "custom") {
        if (!is_json_object(text)) {
            throw command_error(exit_status::refused,
                                "the secret of a connection of kind " + std::string(kind) +
                                    " must be a JSON object: is that its kind? (--kind)");
        }
        return vault::secret(text);
    }
    constexpr std::size_t names = 64;  // Room for the members' names and punctuation.
    if (kind == "basic") {
        const std::size_t colon = text.find(':');
        if (colon == std::string_view::npos) {
            throw command_error(exit_status::refused,
                                "the secret of a connection of kind basic must be user:password");
        }
        const std::string_view user = text.substr(0, colon);
        const std::string_view password = text.substr(colon + 1);
        secret_writer object(names + secret_writer::string_size_max(user) +
                             secret_writer::string_size_max(password));
        object.add("{\"username\":");
        object.add_string(user);
        object.add(",\"password\":");
        object.add_string(password);
        object.add("}");
        return object.take();
    }
    secret_writer object(names + secret_writer::string_size_max(text));
    object.add("{\"secret\":");
    object.add_string(text);
    object.add("}");
    return object.take();
}

vault::secret with_credential(std::string_view object, const vault::secret& credential)
{
    const std::string_view name = object == "{}" ? "\"credential\":" : ",\"credential\":";
    object.remove_suffix(1);
    secret_writer whole(object.size() + name.size() + credential.size() + 1);
    whole.add(object);
    whole.add(name);
    whole.add(credential.reveal());
    whole.add("}");
    return whole.take();
}

}  // namespace sallyport::cli
