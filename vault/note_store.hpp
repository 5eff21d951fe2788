// Where sealed notes and claims are kept: the part of a store that the notebook needs.
//
// What is put is sealed under the newest generation that its workspace then has, as key_store.hpp
// demands of credentials, and passes over sealed records (list_sealed, swap_sealed) see notes too,
// named note:KIND:ID. So a data key that is dropped at the end of a rotation takes no note with it.
//
// Threading, lifetime and failure are those of store.hpp, whose object this belongs to. Kinds, ids
// and names are those that notebook.hpp permits.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "vault/key_store.hpp"

namespace sallyport::vault {

struct sealed_note {
    std::string kind;
    std::string id;
    std::string workspace;
    std::string sealed;
    unix_micros expires_at = 0;
};

enum class note_write : std::uint8_t { fresh, over };

class note_store {
public:
    virtual ~note_store() = default;

    // errc::already_exists (fresh, and there is one that has not expired), version_conflict where
    // it is sealed under another generation than the newest.
    virtual task<void> put(sealed_note what, note_write how) = 0;
    // What has expired may still be given back. errc::not_found.
    virtual task<sealed_note> read(std::string kind, std::string id) = 0;
    virtual task<sealed_note> take(std::string kind, std::string id) = 0;
    // Up to `limit` by id, from the first behind `after`; fewer: there are no more.
    virtual task<std::vector<sealed_note>> list(std::string kind, std::string after,
                                                std::size_t limit) = 0;

    // Nullopt: somebody has it. Tokens grow.
    virtual task<std::optional<std::uint64_t>> claim(std::string name,
                                                     std::chrono::milliseconds length) = 0;
    virtual task<void> release(std::string name, std::uint64_t token) = 0;

protected:
    note_store() = default;
    note_store(const note_store&) = delete;
    note_store& operator=(const note_store&) = delete;
};

}  // namespace sallyport::vault
