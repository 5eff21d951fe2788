// Who is told by a store what may still be used of what it has answered: the gate's core.
//
// Threading: the store's executor.
#pragma once

#include "vault/fleet_view.hpp"
#include "vault/key_store.hpp"

namespace sallyport::vault {

class lease_holder : public fleet_effects {
public:
    // The store was emptied and is to be this vault again: forget what was kept of it, and mark it
    // as sealed under the master key.
    virtual task<void> begin_anew() = 0;
};

}  // namespace sallyport::vault
