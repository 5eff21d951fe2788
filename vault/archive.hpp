// Everything a store holds, page by page: what a backup is made of. Live runs are not in it, since
// a run that the store does not know is live.
//
// Threading, lifetime, failure and pages are those of key_store.hpp; the keys themselves are listed
// there.
#pragma once

#include <string>

#include "vault/key_store.hpp"

namespace sallyport::vault {

struct stored_connection;
struct run_record;

class archive {
public:
    virtual ~archive() = default;

    // Every connection, tombstones included.
    virtual task<page<stored_connection>> list_connections(std::string after) = 0;
    // Runs that have ended and are still known as such.
    virtual task<page<run_record>> list_ended_runs(std::string after) = 0;

protected:
    archive() = default;
    archive(const archive&) = delete;
    archive& operator=(const archive&) = delete;
};

}  // namespace sallyport::vault
