#include "vault/backup.hpp"

#include <boost/json.hpp>
#include <stdexcept>
#include <utility>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "vault/envelope.hpp"
#include "vault/places.hpp"
#include "vault/record_json.hpp"

namespace sallyport::vault {
namespace {

namespace json = boost::json;

const json::object* object_in(const json::object& line, std::string_view name)
{
    const json::value* found = line.if_contains(name);
    return found != nullptr && found->is_object() ? &found->get_object() : nullptr;
}

std::optional<std::string> text_in(const json::object& object, std::string_view name)
{
    const json::value* found = object.if_contains(name);
    if (found == nullptr || !found->is_string()) {
        return std::nullopt;
    }
    return std::string(found->get_string());
}

std::optional<std::string> bytes_in(const json::object& object, std::string_view name)
{
    const std::optional<std::string> text = text_in(object, name);
    return text ? from_base64(*text) : std::nullopt;
}

template <class Number>
std::optional<Number> number_in(const json::object& object, std::string_view name)
{
    const json::value* found = object.if_contains(name);
    error_code error;
    if (found == nullptr || !found->is_number() || found->is_double()) {
        return std::nullopt;
    }
    const Number number = found->to_number<Number>(error);
    return error || std::cmp_less(number, 0) ? std::nullopt : std::optional(number);
}

// A workspace, for its credentials or for its captured bodies.
bool owns_keys(std::string_view name)
{
    name.remove_suffix(name.ends_with(bodies_suffix) ? bodies_suffix.size() : 0);
    return is_name(name);
}

std::optional<backup_item> key_from(const json::object& from)
{
    auto workspace = text_in(from, "workspace");
    const auto generation = number_in<std::uint32_t>(from, "generation");
    auto wrapped = bytes_in(from, "wrapped");
    if (!workspace || !owns_keys(*workspace) || !generation || *generation == 0 || !wrapped) {
        return std::nullopt;
    }
    const std::optional<wrap_facts> facts = envelope::facts_of(*wrapped);
    if (!wrapped->empty() && (!facts || facts->generation != *generation)) {
        return std::nullopt;
    }
    return wrapped_key{std::move(*workspace), *generation, std::move(*wrapped)};
}

std::optional<backup_item> connection_from(const json::object& from)
{
    const json::object* record = object_in(from, "record");
    auto sealed = bytes_in(from, "sealed");
    if (record == nullptr || !sealed || sealed->size() > sealed_bytes_max) {
        return std::nullopt;
    }
    std::optional<connection> read = connection_from_json(json::serialize(*record));
    if (!read || !is_connection_id(read->id) || !is_name(read->workspace) || !is_name(read->user) ||
        read->version == 0) {
        return std::nullopt;
    }
    const bool has_credential = read->credential_version != 0 && read->status != status::revoked;
    if (sealed->empty() ? has_credential : !envelope::generation_of(*sealed)) {
        return std::nullopt;
    }
    return stored_connection{std::move(*read), std::move(*sealed)};
}

std::optional<backup_item> run_from(const json::object& from)
{
    auto workspace = text_in(from, "workspace");
    auto run = text_in(from, "run");
    const auto expires = number_in<unix_micros>(from, "expires_at");
    const auto ended = number_in<unix_micros>(from, "ended_at");
    if (!workspace || !is_name(*workspace) || !run || !is_name(*run) || !expires || !ended) {
        return std::nullopt;
    }
    run_record read;
    read.workspace = std::move(*workspace);
    read.run = std::move(*run);
    read.expires_at = *expires;
    read.ended_at = *ended;
    return read;
}

json::object under(std::string_view name, json::object what)
{
    json::object line;
    line[name] = std::move(what);
    return line;
}

}  // namespace

json::object to_backup(const wrapped_key& key)
{
    json::object out;
    out["workspace"] = key.workspace;
    out["generation"] = key.generation;
    out["wrapped"] = to_base64(key.wrapped);
    return under("key", std::move(out));
}

json::object to_backup(const stored_connection& stored)
{
    json::object out;
    out["record"] = json::parse(to_json(stored.record));
    out["sealed"] = to_base64(stored.sealed);
    return under("connection", std::move(out));
}

json::object to_backup(const run_record& run)
{
    json::object out;
    out["workspace"] = run.workspace;
    out["run"] = run.run;
    out["expires_at"] = run.expires_at;
    out["ended_at"] = run.ended_at;
    return under("run", std::move(out));
}

std::optional<backup_item> from_backup(const json::object& line)
{
    if (line.size() != 1) {
        return std::nullopt;
    }
    if (const json::object* key = object_in(line, "key")) {
        return key_from(*key);
    }
    if (const json::object* connection = object_in(line, "connection")) {
        return connection_from(*connection);
    }
    if (const json::object* run = object_in(line, "run")) {
        return run_from(*run);
    }
    return std::nullopt;
}

std::string name_of(const backup_item& item)
{
    if (const auto* key = std::get_if<wrapped_key>(&item)) {
        return "key " + key->workspace + " " + std::to_string(key->generation);
    }
    if (const auto* stored = std::get_if<stored_connection>(&item)) {
        return "connection " + stored->record.id;
    }
    const auto& run = std::get<run_record>(item);
    return "run " + run.workspace + "/" + run.run;
}

std::uint64_t order_of(const backup_item& item)
{
    if (const auto* key = std::get_if<wrapped_key>(&item)) {
        return std::uint64_t{2} * key->generation;
    }
    if (const auto* stored = std::get_if<stored_connection>(&item)) {
        return std::uint64_t{2} * envelope::generation_of(stored->sealed).value_or(0) + 1;
    }
    return 0;
}

void backup_trailer::count(const backup_item& item)
{
    if (std::holds_alternative<wrapped_key>(item)) {
        ++keys;
    } else if (std::holds_alternative<stored_connection>(item)) {
        ++connections;
    } else {
        ++runs;
    }
}

json::object to_json(const backup_header& header)
{
    json::object out;
    out["format"] = backup_format;
    out["made_at"] = header.made_at;
    out["master_keys"] = json::array(header.master_keys.begin(), header.master_keys.end());
    return under("sallyport_backup", std::move(out));
}

json::object to_json(const backup_trailer& trailer)
{
    json::object out;
    out["keys"] = trailer.keys;
    out["connections"] = trailer.connections;
    out["runs"] = trailer.runs;
    out["sha256"] = trailer.sha256;
    return under("end", std::move(out));
}

std::optional<backup_header> header_from(const json::object& line)
{
    const json::object* from = object_in(line, "sallyport_backup");
    if (from == nullptr || number_in<int>(*from, "format") != backup_format) {
        return std::nullopt;
    }
    const std::optional<std::string> made_at = text_in(*from, "made_at");
    const json::value* masters = from->if_contains("master_keys");
    if (!made_at || masters == nullptr || !masters->is_array()) {
        return std::nullopt;
    }
    backup_header header{*made_at, {}};
    for (const json::value& one : masters->get_array()) {
        if (!one.is_string()) {
            return std::nullopt;
        }
        header.master_keys.emplace_back(one.get_string());
    }
    return header;
}

std::optional<backup_trailer> trailer_from(const json::object& line)
{
    const json::object* from = object_in(line, "end");
    if (from == nullptr) {
        return std::nullopt;
    }
    const auto keys = number_in<std::uint64_t>(*from, "keys");
    const auto connections = number_in<std::uint64_t>(*from, "connections");
    const auto runs = number_in<std::uint64_t>(*from, "runs");
    auto sha256 = text_in(*from, "sha256");
    if (!keys || !connections || !runs || !sha256) {
        return std::nullopt;
    }
    return backup_trailer{*keys, *connections, *runs, std::move(*sha256)};
}

backup_digest::backup_digest() : context_(EVP_MD_CTX_new())
{
    if (!context_ || EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) != 1) {
        throw std::runtime_error("OpenSSL has no SHA-256");
    }
}

void backup_digest::add(std::string_view bytes)
{
    EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size());
}

std::string backup_digest::hex()
{
    std::string digest(32, '\0');
    EVP_DigestFinal_ex(context_.get(), reinterpret_cast<unsigned char*>(digest.data()), nullptr);
    return to_hex(digest);
}

}  // namespace sallyport::vault
