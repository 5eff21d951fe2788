// The lines of a backup (FORMAT.md), and back. Nothing in them is in the clear that is not in the
// store: credentials are sealed, keys wrapped, and no master key is among them.
//
// Reading is strict: a member that is missing, of another type or not what its name says spoils the
// line. Pure; any thread.
#pragma once

#include <openssl/evp.h>

#include <boost/json/object.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "vault/key_store.hpp"
#include "vault/store.hpp"

namespace sallyport::vault {

constexpr int backup_format = 1;
constexpr std::size_t backup_line_bytes_max = std::size_t{512} << 10;

using backup_item = std::variant<wrapped_key, stored_connection, run_record>;

boost::json::object to_backup(const wrapped_key& key);
boost::json::object to_backup(const stored_connection& connection);
boost::json::object to_backup(const run_record& run);
// Nullopt: not one of these.
std::optional<backup_item> from_backup(const boost::json::object& line);

// What a later line with the same name replaces: "key acme 2", "connection conn_...".
std::string name_of(const backup_item& item);

// When an item is put back: runs first, so that none that had ended comes to life, then by
// generation, a key before what is sealed under it. So the store, which accepts only what is sealed
// under the newest key, accepts everything in this order, and can be left after any of it.
std::uint64_t order_of(const backup_item& item);

struct backup_header {
    std::string made_at;                   // RFC 3339
    std::vector<std::string> master_keys;  // the ids under which the keys in it are wrapped
};
struct backup_trailer {
    std::uint64_t keys = 0;
    std::uint64_t connections = 0;
    std::uint64_t runs = 0;
    std::string sha256;  // hex, of every byte before this line

    void count(const backup_item& item);
    bool operator==(const backup_trailer&) const = default;
};

boost::json::object to_json(const backup_header& header);
boost::json::object to_json(const backup_trailer& trailer);
std::optional<backup_header> header_from(const boost::json::object& line);
std::optional<backup_trailer> trailer_from(const boost::json::object& line);

// SHA-256 of what is added bit by bit.
class backup_digest {
public:
    backup_digest();
    void add(std::string_view bytes);
    std::string hex();  // Once, at the end.

private:
    struct destroyer {
        void operator()(EVP_MD_CTX* context) const noexcept { EVP_MD_CTX_free(context); }
    };
    std::unique_ptr<EVP_MD_CTX, destroyer> context_;
};

}  // namespace sallyport::vault
