#include "vault/envelope.hpp"

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include <algorithm>
#include <cstring>
#include <stdexcept>

#include "base/ulid.hpp"
#include "vault/big_endian.hpp"
#include "vault/connection.hpp"
#include "vault/error.hpp"

namespace sallyport::vault {
namespace {

// Offsets and sizes of FORMAT.md.
constexpr std::string_view record_magic = "CVR1";
constexpr std::string_view record_context = "cvr1";
constexpr char record_suite = 1;
constexpr std::size_t record_generation_at = 6;
constexpr std::size_t record_version_at = 42;
constexpr std::size_t record_kind_at = 50;
constexpr std::size_t record_header_bytes = 52;
constexpr std::size_t record_commitment_at = record_header_bytes + salt_bytes;
constexpr std::size_t record_nonce_at = record_commitment_at + hash_bytes;
constexpr std::size_t record_length_at = record_nonce_at + nonce_bytes;
constexpr std::size_t record_text_at = record_length_at + 4;

constexpr std::string_view wrap_magic = "CVW1";
constexpr std::string_view wrap_context = "cvw1";
constexpr std::size_t wrap_generation_at = 24;
constexpr std::size_t wrap_created_at = 28;
constexpr std::size_t wrap_header_bytes = 36;
constexpr std::size_t wrap_commitment_at = wrap_header_bytes + salt_bytes;
constexpr std::size_t wrap_text_at = wrap_commitment_at + hash_bytes;
constexpr std::size_t wrap_bytes = wrap_text_at + key_bytes + tag_bytes;

constexpr std::size_t workspace_bytes = 16;
constexpr std::size_t padding_block = 64;
constexpr char padding_mark = '\x80';
constexpr std::string_view separator("\0", 1);

constexpr std::size_t padded_size(std::size_t size) noexcept
{
    return (size / padding_block + 1) * padding_block;
}

// ISO/IEC 7816-4: one 0x80, then zeros. Nullopt if that is not how the text ends.
std::optional<std::size_t> size_without_padding(std::string_view padded) noexcept
{
    const std::size_t mark = padded.find_last_not_of('\0');
    if (mark == std::string_view::npos || padded[mark] != padding_mark ||
        padded_size(mark) != padded.size()) {
        return std::nullopt;
    }
    return mark;
}

record_salt random_salt()
{
    record_salt fresh;
    if (RAND_bytes(reinterpret_cast<unsigned char*>(fresh.data()), salt_bytes) != 1) {
        throw std::runtime_error("OpenSSL has no randomness");
    }
    return fresh;
}

// An id that is no id has no place in a record: it becomes the ULID of zeros, which never opens.
ulid ulid_of(std::string_view connection_id) noexcept
{
    if (!connection_id.starts_with(connection_id_prefix)) {
        return {};
    }
    return ulid::parse(connection_id.substr(connection_id_prefix.size())).value_or(ulid{});
}

}  // namespace

struct envelope::derived {
    char bytes[key_bytes + hash_bytes + nonce_bytes];

    ~derived() { OPENSSL_cleanse(bytes, sizeof bytes); }
    std::string_view key() const noexcept { return {bytes, key_bytes}; }
    std::string_view commitment() const noexcept { return {bytes + key_bytes, hash_bytes}; }
    std::string_view nonce() const noexcept
    {
        return {bytes + key_bytes + hash_bytes, nonce_bytes};
    }
};

void envelope::derive(const secret& key, std::string_view salt, std::string_view context,
                      std::string_view header, derived& out)
{
    hkdf_.derive(key.reveal(), salt, {context, header}, out.bytes, sizeof out.bytes);
}

key_id envelope::identify(const secret& master_key)
{
    char okm[hash_bytes];
    hkdf_.derive(master_key.reveal(), {}, {"id"}, okm, sizeof okm);
    const auto digest = hash_.hash({okm, sizeof okm});
    OPENSSL_cleanse(okm, sizeof okm);
    key_id id;
    std::copy_n(digest.begin(), id.size(), id.begin());
    return id;
}

std::string envelope::seal(const secret& data_key, const label& what, const place& where,
                           std::string_view plain)
{
    return seal(data_key, what, where, plain, random_salt());
}

std::string envelope::seal(const secret& data_key, const label& what, const place& where,
                           std::string_view plain, const record_salt& chosen)
{
    const std::size_t text_size = padded_size(plain.size());
    std::string record(record_text_at + text_size + tag_bytes, '\0');
    write_header(what, record.data());
    char* out = record.data();
    std::memcpy(out + record_header_bytes, chosen.data(), salt_bytes);

    derived keys;
    derive(data_key, {chosen.data(), salt_bytes}, record_context, {out, record_header_bytes}, keys);
    std::memcpy(out + record_commitment_at, keys.commitment().data(), hash_bytes);
    std::memcpy(out + record_nonce_at, keys.nonce().data(), nonce_bytes);
    put_big_endian(out + record_length_at, static_cast<std::uint32_t>(text_size));

    secret padded = secret::of_size(text_size);
    std::memset(padded.data(), 0, text_size);
    std::copy(plain.begin(), plain.end(), padded.data());
    padded.data()[plain.size()] = padding_mark;

    sealer_.set_key(keys.key());
    sealer_.seal(keys.nonce(), {{out, record_nonce_at}, where.key, separator, where.field},
                 padded.reveal(), out + record_text_at, out + record_text_at + text_size);
    return record;
}

result<secret> envelope::open(const secret& data_key, const label& expected, const place& where,
                              std::string_view sealed)
{
    if (sealed.size() < record_text_at + padding_block + tag_bytes ||
        sealed.size() > sealed_bytes_max) {
        return errc::corrupted;
    }
    const std::size_t text_size = sealed.size() - record_text_at - tag_bytes;
    if (get_big_endian<std::uint32_t>(sealed.data() + record_length_at) != text_size ||
        text_size % padding_block != 0) {
        return errc::corrupted;
    }
    // The whole header is known beforehand, so comparing it checks magic, suite, flags, place,
    // version and reserved bytes at once. None of it is secret.
    char header[record_header_bytes];
    write_header(expected, header);
    if (sealed.substr(0, record_header_bytes) != std::string_view(header, record_header_bytes)) {
        return errc::corrupted;
    }

    derived keys;
    derive(data_key, sealed.substr(record_header_bytes, salt_bytes), record_context,
           sealed.substr(0, record_header_bytes), keys);
    const bool committed =
        equal_in_constant_time(keys.commitment(), sealed.substr(record_commitment_at, hash_bytes));
    const bool same_nonce =
        equal_in_constant_time(keys.nonce(), sealed.substr(record_nonce_at, nonce_bytes));
    if (!committed || !same_nonce) {
        return errc::corrupted;
    }

    secret plain = secret::of_size(text_size);
    opener_.set_key(keys.key());
    const bool genuine = opener_.open(
        keys.nonce(), {sealed.substr(0, record_nonce_at), where.key, separator, where.field},
        sealed.substr(record_text_at, text_size), sealed.substr(record_text_at + text_size),
        plain.data());
    const std::optional<std::size_t> size = size_without_padding(plain.reveal());
    if (!genuine || !size) {
        return errc::corrupted;
    }
    plain.shrink(*size);
    return plain;
}

result<std::string> envelope::reseal(const secret& old_key, const secret& new_key,
                                     const label& fresh, const place& where,
                                     std::string_view sealed)
{
    const std::optional<std::uint32_t> generation = generation_of(sealed);
    if (!generation) {
        return errc::corrupted;
    }
    label known = fresh;
    known.version = get_big_endian<std::uint64_t>(sealed.data() + record_version_at);
    known.kind = static_cast<sealed_kind>(sealed[record_kind_at]);
    label before = known;
    before.generation = *generation;
    const result<secret> plain = open(old_key, before, where, sealed);
    if (!plain) {
        return plain.error();
    }
    return seal(new_key, known, where, plain->reveal());
}

std::optional<std::uint32_t> envelope::generation_of(std::string_view sealed) noexcept
{
    if (sealed.size() < record_text_at || !sealed.starts_with(record_magic)) {
        return std::nullopt;
    }
    return get_big_endian<std::uint32_t>(sealed.data() + record_generation_at);
}

std::string envelope::wrap(const secret& master_key, const wrap_label& what, std::string_view key,
                           const secret& data_key)
{
    return wrap(master_key, what, key, data_key, random_salt());
}

std::string envelope::wrap(const secret& master_key, const wrap_label& what, std::string_view key,
                           const secret& data_key, const record_salt& chosen)
{
    if (data_key.size() != key_bytes) {
        throw std::logic_error("a data key has 32 bytes");
    }
    std::string record(wrap_bytes, '\0');
    char* out = record.data();
    write_header(identify(master_key), what, out);
    std::memcpy(out + wrap_header_bytes, chosen.data(), salt_bytes);

    derived keys;
    derive(master_key, {chosen.data(), salt_bytes}, wrap_context, {out, wrap_header_bytes}, keys);
    std::memcpy(out + wrap_commitment_at, keys.commitment().data(), hash_bytes);
    sealer_.set_key(keys.key());
    sealer_.seal(keys.nonce(), {{out, wrap_text_at}, key}, data_key.reveal(), out + wrap_text_at,
                 out + wrap_text_at + key_bytes);
    return record;
}

result<secret> envelope::unwrap(const secret& master_key, const wrap_label& expected,
                                std::string_view key, std::string_view wrapped)
{
    if (wrapped.size() != wrap_bytes || !wrapped.starts_with(wrap_magic)) {
        return errc::corrupted;
    }
    const key_id mine = identify(master_key);
    if (wrapped.substr(wrap_magic.size(), mine.size()) !=
        std::string_view(mine.data(), mine.size())) {
        return errc::wrong_master_key;
    }
    wrap_label known = expected;
    known.created_at =
        static_cast<unix_micros>(get_big_endian<std::uint64_t>(wrapped.data() + wrap_created_at));
    char header[wrap_header_bytes];
    write_header(mine, known, header);
    if (wrapped.substr(0, wrap_header_bytes) != std::string_view(header, wrap_header_bytes)) {
        return errc::corrupted;
    }

    derived keys;
    derive(master_key, wrapped.substr(wrap_header_bytes, salt_bytes), wrap_context,
           wrapped.substr(0, wrap_header_bytes), keys);
    if (!equal_in_constant_time(keys.commitment(),
                                wrapped.substr(wrap_commitment_at, hash_bytes))) {
        return errc::corrupted;
    }
    secret data_key = secret::of_size(key_bytes);
    opener_.set_key(keys.key());
    if (!opener_.open(keys.nonce(), {wrapped.substr(0, wrap_text_at), key},
                      wrapped.substr(wrap_text_at, key_bytes),
                      wrapped.substr(wrap_text_at + key_bytes), data_key.data())) {
        return errc::corrupted;
    }
    return data_key;
}

std::optional<wrap_facts> envelope::facts_of(std::string_view wrapped) noexcept
{
    if (wrapped.size() != wrap_bytes || !wrapped.starts_with(wrap_magic)) {
        return std::nullopt;
    }
    wrap_facts found;
    std::copy_n(wrapped.data() + wrap_magic.size(), found.master.size(), found.master.begin());
    found.generation = get_big_endian<std::uint32_t>(wrapped.data() + wrap_generation_at);
    found.created_at =
        static_cast<unix_micros>(get_big_endian<std::uint64_t>(wrapped.data() + wrap_created_at));
    return found;
}

void envelope::write_header(const label& what, char* out)
{
    const auto workspace = hash_.hash(what.workspace);
    const ulid id = ulid_of(what.connection_id);
    out = std::copy(record_magic.begin(), record_magic.end(), out);
    *out++ = record_suite;
    *out++ = 0;
    out = put_big_endian(out, what.generation);
    out = std::copy_n(workspace.begin(), workspace_bytes, out);
    std::memcpy(out, id.bytes.data(), id.bytes.size());
    out += id.bytes.size();
    out = put_big_endian(out, what.version);
    *out++ = static_cast<char>(what.kind);
    *out = 0;
}

void envelope::write_header(const key_id& master, const wrap_label& what, char* out)
{
    const auto workspace = hash_.hash(what.workspace);
    out = std::copy(wrap_magic.begin(), wrap_magic.end(), out);
    out = std::copy(master.begin(), master.end(), out);
    out = std::copy_n(workspace.begin(), workspace_bytes, out);
    out = put_big_endian(out, what.generation);
    put_big_endian(out, static_cast<std::uint64_t>(what.created_at));
}

}  // namespace sallyport::vault
