// Rotating keys while everything runs: the master key (every data key wrapped anew, no credential
// touched) and a workspace's data key (every credential of it sealed anew).
//
// Both go in bounded steps, each asked for by a call, until one says `done`. Every change is a
// compare-and-set, so steps of several gates, changes and readers may meet anywhere; a rotation
// that was cut off is finished by the next one. What a pass has seen is remembered here alone: a
// gate that restarts, or another one, begins its pass anew.
//
// A pass over all keys, or records, is repeated until one finds nothing left to do. Only then is
// the canary rewrapped, or the old generation dropped. The store writes nothing under an older
// generation meanwhile (key_store.hpp), so what such a pass has not found is not there.
//
// Threading: the control thread. Lifetime: its tasks end before it.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>

#include "vault/key_ring.hpp"
#include "vault/key_store.hpp"

namespace sallyport::vault {

struct master_progress {
    bool done = false;
    std::uint64_t rewrapped = 0;  // since this rotation began
    std::uint64_t total = 0;      // keys seen by the pass that found nothing left, the canary too
    // These stay as they are, and so does the canary: wrapped by a master key that this gate does
    // not have, or damaged.
    std::uint64_t unknown = 0;
    std::uint64_t damaged = 0;
};

struct data_progress {
    bool done = false;
    bool resumed = false;          // an earlier rotation had not ended: this finishes it
    std::uint32_t generation = 0;  // the new one; 0: the workspace has no key
    std::uint64_t resealed = 0;    // since this rotation began
    std::uint64_t total = 0;       // records seen by the pass that found nothing left
    // Records that do not open. The old generation is kept for them.
    std::uint64_t damaged = 0;
};

class rotation {
public:
    static constexpr std::chrono::milliseconds step_time{50};  // begins no other page afterwards
    static constexpr std::size_t passes_max = 64;              // workspaces rotated at once

    rotation(key_store& store, key_ring& ring, envelope& box);

    task<master_progress> rotate_master();
    // `generation` is what an earlier step answered; 0 in the first one. errc::version_conflict
    // where the workspace never had it.
    task<data_progress> rotate(std::string workspace, std::uint32_t generation);

private:
    struct master_pass {
        master_progress so_far;
        std::string after;
        bool dirty = false;
    };
    struct data_pass {
        data_progress so_far;
        std::string after;
        bool dirty = false;
    };

    task<void> rewrap_page(master_pass* pass);
    task<void> rewrap_canary(master_pass* pass);
    task<void> choose_generation(std::string workspace, std::uint32_t generation,
                                 data_progress* into);
    task<void> reseal_page(std::string workspace, data_pass* pass);
    task<std::string> reseal(std::string workspace, std::uint32_t generation, sealed_record old);

    key_store& store_;
    key_ring& ring_;
    envelope& box_;
    master_pass master_;
    std::map<std::string, data_pass> passes_;
};

}  // namespace sallyport::vault
