// The wrapped data keys of every workspace, and what rotating or shredding them does to the sealed
// records: the part of a store that only keys need.
//
// A generation is never used twice. Shredding a workspace leaves its newest one as a tombstone, a
// wrapped key of no bytes, so that the next is another number.
//
// What the stores promise in return (store.hpp): a sealed credential is only written where it is
// sealed under the newest generation that its workspace then has. So once a newer generation
// stands, no record under an older one can appear, and a pass that finds none has found the last.
//
// Threading, lifetime and failure are those of store.hpp, whose object this belongs to. Lists come
// in pages: `next` is where the following one begins, empty after the last. What stands from the
// first page to the last is shown at least once; the same may be shown twice.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "base/result.hpp"

namespace sallyport::vault {

template <class T>
using task = boost::asio::awaitable<result<T>>;

template <class T>
struct page {
    std::vector<T> items;
    std::string next;
};

struct wrapped_key {
    std::string workspace;  // "": the canary
    std::uint32_t generation = 0;
    std::string wrapped;  // "": shredded
};

struct sealed_record {
    std::string id;
    std::string sealed;
};

// Both put `after` where exactly `before` stands, and leave alone what has changed meanwhile.
struct key_swap {
    wrapped_key before;
    std::string after;
};
struct sealed_swap {
    sealed_record before;
    std::string after;
};

struct key_place;  // key_place.hpp

class key_store {
public:
    virtual ~key_store() = default;

    // errc::not_found: there is none, or it is shredded.
    virtual task<std::string> load(std::string workspace, std::uint32_t generation) = 0;
    // Keeps the first: errc::already_exists if there is one.
    virtual task<void> insert(wrapped_key fresh) = 0;
    // The workspace's generations, ascending: one, and more while it is being rotated.
    virtual task<std::vector<wrapped_key>> of(std::string workspace) = 0;
    virtual task<page<wrapped_key>> list(std::string after) = 0;
    // Up to `limit` of them by workspace and generation, from behind `after`; fewer: there are no
    // more.
    virtual task<std::vector<wrapped_key>> list_in_order(key_place after, std::size_t limit) = 0;
    // How many were swapped.
    virtual task<std::uint64_t> swap(std::vector<key_swap> swaps) = 0;
    // Deletes the generations below `generation`. The caller knows that no record names them; a
    // store that can forget what it acknowledged looks itself: errc::version_conflict where one
    // does, errc::not_found without a key of `generation`.
    virtual task<void> drop_below(std::string workspace, std::uint32_t generation) = 0;

    // The workspace's records that have a credential.
    virtual task<page<sealed_record>> list_sealed(std::string workspace, std::string after) = 0;
    // How many were swapped. Their records' versions grow, so that who has read one before cannot
    // put the old text back.
    virtual task<std::uint64_t> swap_sealed(std::vector<sealed_swap> swaps) = 0;

    // In one transaction: every key of the workspace is gone, every connection a tombstone. How
    // many connections were not one before.
    virtual task<std::uint64_t> shred(std::string workspace, std::string reason) = 0;

protected:
    key_store() = default;
    key_store(const key_store&) = delete;
    key_store& operator=(const key_store&) = delete;
};

}  // namespace sallyport::vault
