#include "vault/notebook.hpp"

#include <openssl/crypto.h>

#include <algorithm>

#include "base/text.hpp"
#include "vault/core.hpp"
#include "vault/error.hpp"
#include "vault/note_store.hpp"
#include "vault/places.hpp"

namespace sallyport::vault {
namespace {

constexpr std::size_t kind_bytes_max = 64;
constexpr int write_attempts_max = 16;  // where the workspace's key is rotated meanwhile
constexpr int looks_max = 4;            // the same, between reading and opening

bool is_note(const note& what) noexcept
{
    return is_note_kind(what.kind) && is_note_id(what.id) && is_name(what.workspace) &&
           what.text.size() <= note_bytes_max && what.expires_at > 0;
}

// The time of expiry stands where a credential has its version: nobody can put it off.
label label_of(const sealed_note& what, const std::string& kind_name, std::uint32_t generation)
{
    return {what.workspace, kind_name, generation, static_cast<std::uint64_t>(what.expires_at),
            sealed_kind::fixed};
}

std::string kind_name(const std::string& kind) { return std::string(note_prefix) + kind; }

bool has_expired(const sealed_note& what) { return what.expires_at <= now_micros(); }

}  // namespace

bool is_note_kind(std::string_view text) noexcept
{
    return !text.empty() && text.size() <= kind_bytes_max &&
           std::all_of(text.begin(), text.end(),
                       [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; });
}

bool is_note_id(std::string_view text) noexcept
{
    return !text.empty() && text.size() <= note_name_bytes_max &&
           std::all_of(text.begin(), text.end(), [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '_' || c == '.' || c == ':' || c == '-';
           });
}

notebook::notebook(std::shared_ptr<core> shared) : core_(std::move(shared)) {}

task<void> notebook::put(note fresh) { return write(std::move(fresh), note_write::fresh); }
task<void> notebook::replace(note changed) { return write(std::move(changed), note_write::over); }

task<void> notebook::write(note what, note_write how)
{
    result<void> written = errc::invalid_id;
    if (is_note(what)) {
        written = errc::version_conflict;
    }
    for (int attempt = 0; attempt < write_attempts_max; ++attempt) {
        if (written || written.error() != errc::version_conflict) {
            break;
        }
        auto trying = try_write(&what, how);
        written = co_await std::move(trying);
    }
    OPENSSL_cleanse(what.text.data(), what.text.size());
    co_return written;
}

// The pointer belongs to write, which waits.
task<void> notebook::try_write(const note* what, note_write how)
{
    auto finding = core_->keys.newest(what->workspace);
    const result<data_key> key = co_await std::move(finding);
    if (!key) {
        co_return key.error();
    }
    sealed_note out{what->kind, what->id, what->workspace, "", what->expires_at};
    const std::string store_key = note_key(what->kind, what->id);
    const std::string name = kind_name(what->kind);
    out.sealed = core_->box.seal(*key->key, label_of(out, name, key->generation),
                                 {store_key, sealed_field}, what->text);
    auto putting = core_->store->notes().put(std::move(out), how);
    result<void> put = co_await std::move(putting);
    co_return put;
}

// errc::not_found: it does not open, or its key is gone.
task<note> notebook::open(sealed_note found)
{
    const std::optional<std::uint32_t> generation = envelope::generation_of(found.sealed);
    if (!generation) {
        co_return errc::not_found;
    }
    auto finding = core_->keys.find(found.workspace, *generation);
    const result<data_key> key = co_await std::move(finding);
    if (!key) {
        co_return key.error() == errc::unavailable ? key.error() : error_code(errc::not_found);
    }
    const std::string store_key = note_key(found.kind, found.id);
    const std::string name = kind_name(found.kind);
    const result<secret> text = core_->box.open(*key->key, label_of(found, name, *generation),
                                                {store_key, sealed_field}, found.sealed);
    if (!text) {
        co_return errc::not_found;
    }
    co_return note{std::move(found.kind), std::move(found.id), std::move(found.workspace),
                   std::string(text->reveal()), found.expires_at};
}

task<note> notebook::read(std::string kind, std::string id)
{
    if (!is_note_kind(kind) || !is_note_id(id)) {
        co_return errc::invalid_id;
    }
    std::string seen;
    for (int look = 0; look < looks_max; ++look) {
        auto asking = core_->store->notes().read(kind, id);
        result<sealed_note> found = co_await std::move(asking);
        if (!found) {
            co_return found.error();
        }
        if (has_expired(*found) || found->sealed == seen) {
            break;
        }
        seen = found->sealed;
        const std::string workspace = found->workspace;
        auto opening = open(std::move(*found));
        result<note> opened = co_await std::move(opening);
        if (opened || opened.error() != errc::not_found) {
            co_return opened;
        }
        core_->keys.forget(workspace);
    }
    co_return errc::not_found;
}

// What does not open may have been sealed anew since it was listed.
task<note> notebook::open_or_read(sealed_note found)
{
    const std::string kind = found.kind;
    const std::string id = found.id;
    if (has_expired(found)) {
        co_return errc::not_found;
    }
    auto opening = open(std::move(found));
    result<note> opened = co_await std::move(opening);
    if (opened || opened.error() != errc::not_found) {
        co_return opened;
    }
    auto reading = read(kind, id);
    result<note> read_again = co_await std::move(reading);
    co_return read_again;
}

// Read first: then its key is at hand, and cannot be rotated away in between.
task<note> notebook::take(std::string kind, std::string id)
{
    auto reading = read(kind, id);
    const result<note> seen = co_await std::move(reading);
    if (!seen) {
        co_return seen.error();
    }
    auto taking = core_->store->notes().take(std::move(kind), std::move(id));
    result<sealed_note> taken = co_await std::move(taking);
    if (!taken) {
        co_return taken.error();
    }
    if (has_expired(*taken)) {
        co_return errc::not_found;
    }
    auto opening = open(std::move(*taken));
    result<note> opened = co_await std::move(opening);
    co_return opened;
}

task<void> notebook::drop(std::string kind, std::string id)
{
    if (!is_note_kind(kind) || !is_note_id(id)) {
        co_return errc::invalid_id;
    }
    auto taking = core_->store->notes().take(std::move(kind), std::move(id));
    const result<sealed_note> taken = co_await std::move(taking);
    if (!taken && taken.error() != errc::not_found) {
        co_return taken.error();
    }
    co_return result<void>();
}

task<std::vector<note>> notebook::list(std::string kind, std::string after, std::size_t limit)
{
    if (!is_note_kind(kind) || (!after.empty() && !is_note_id(after)) || limit > notes_listed_max) {
        co_return errc::invalid_id;
    }
    std::vector<note> found;
    while (found.size() < limit) {
        const std::size_t wanted = limit - found.size();
        auto listing = core_->store->notes().list(kind, after, wanted);
        result<std::vector<sealed_note>> some = co_await std::move(listing);
        if (!some) {
            co_return some.error();
        }
        const bool last = some->size() < wanted;
        for (sealed_note& one : *some) {
            after = one.id;
            auto opening = open_or_read(std::move(one));
            result<note> opened = co_await std::move(opening);
            if (opened) {
                found.push_back(std::move(*opened));
            } else if (opened.error() != errc::not_found) {
                co_return opened.error();
            }
        }
        if (last) {
            break;
        }
    }
    co_return found;
}

task<std::optional<std::uint64_t>> notebook::claim(std::string name,
                                                   std::chrono::milliseconds length)
{
    if (!is_note_id(name) || length.count() <= 0 || length > claim_longest) {
        co_return errc::invalid_id;
    }
    auto claiming = core_->store->notes().claim(std::move(name), length);
    result<std::optional<std::uint64_t>> claimed = co_await std::move(claiming);
    co_return claimed;
}

task<void> notebook::release(std::string name, std::uint64_t token)
{
    return core_->store->notes().release(std::move(name), token);
}

}  // namespace sallyport::vault
