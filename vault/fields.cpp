#include "vault/fields.hpp"

#include <algorithm>
#include <cstring>

#include "base/text.hpp"
#include "vault/big_endian.hpp"
#include "vault/error.hpp"

namespace sallyport::vault {
namespace {

constexpr std::size_t name_length_bytes = 2;
constexpr std::size_t value_length_bytes = 4;

bool has_field(const credential& fields, std::string_view name) noexcept
{
    return std::any_of(fields.begin(), fields.end(),
                       [name](const credential_field& field) { return field.name == name; });
}

// Takes the first `size` bytes off `rest`; false if there are fewer.
bool take(std::string_view& rest, std::size_t size, std::string_view& out) noexcept
{
    if (rest.size() < size) {
        return false;
    }
    out = rest.substr(0, size);
    rest.remove_prefix(size);
    return true;
}

}  // namespace

bool is_sendable(std::string_view value) noexcept
{
    return !value.empty() && value.size() <= value_bytes_max &&
           std::none_of(value.begin(), value.end(), [](char c) {
               const auto byte = static_cast<unsigned char>(c);
               return byte < 0x20 || byte == 0x7f;
           });
}

result<secret> pack(const credential& fields)
{
    std::size_t size = 0;
    for (auto field = fields.begin(); field != fields.end(); ++field) {
        const bool twice = std::any_of(fields.begin(), field, [&](const credential_field& earlier) {
            return earlier.name == field->name;
        });
        if (twice || !is_name(field->name) || !is_sendable(field->value.reveal())) {
            return errc::invalid_credential;
        }
        size += name_length_bytes + field->name.size() + value_length_bytes + field->value.size();
    }
    if (fields.empty() || fields.size() > fields_max || size > credential_bytes_max) {
        return errc::invalid_credential;
    }

    secret packed = secret::of_size(size);
    char* out = packed.data();
    for (const credential_field& field : fields) {
        out = put_big_endian(out, static_cast<std::uint16_t>(field.name.size()));
        out = std::copy(field.name.begin(), field.name.end(), out);
        out = put_big_endian(out, static_cast<std::uint32_t>(field.value.size()));
        const std::string_view value = field.value.reveal();
        out = std::copy(value.begin(), value.end(), out);
    }
    return packed;
}

result<credential> unpack(std::string_view packed)
{
    credential fields;
    while (!packed.empty()) {
        std::string_view length;
        std::string_view name;
        std::string_view value;
        const bool whole = take(packed, name_length_bytes, length) &&
                           take(packed, get_big_endian<std::uint16_t>(length.data()), name) &&
                           take(packed, value_length_bytes, length) &&
                           take(packed, get_big_endian<std::uint32_t>(length.data()), value);
        if (!whole || fields.size() == fields_max || !is_name(name) || !is_sendable(value) ||
            has_field(fields, name)) {
            return errc::corrupted;
        }
        fields.push_back({std::string(name), secret(value)});
    }
    if (fields.empty()) {
        return errc::corrupted;
    }
    return fields;
}

}  // namespace sallyport::vault
