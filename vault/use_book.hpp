// When connections were last used for calls: workers mark it, the store keeps it.
//
// Each cached connection carries a mark that its calls move on (resolved::used), shared by all
// workers of the gate. Every so often, and before the gate ends, save_uses() hands the marks that
// moved to the store, which keeps the latest that any gate of the fleet has told. What the store
// does not take stays here for the next time; a killed gate loses what it had not handed over.
//
// Threading: the control thread, but for the marks. Lifetime: a part of core.
// Limits:    connections_max marks. Beyond that calls go unnoted until others have been handed over
//            and are no longer cached by any worker.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "vault/resolver.hpp"
#include "vault/store.hpp"

namespace sallyport::vault {

struct core;

class use_book {
public:
    static constexpr std::size_t connections_max = std::size_t{1} << 17;
    static constexpr std::size_t saved_at_once = 512;  // by one question to the store

    // The connection's mark; null where there are too many.
    std::shared_ptr<use_mark> mark_of(const std::string& id);
    // Of a connection that is no more: what its calls mark from now on is nobody's.
    void forget(std::string_view id);
    // Puts the last use into the record where it is later than what the store said.
    void complete(connection& record);

    // Those behind `after`, saved_at_once at the most, whose last use the store does not have.
    // Leaves out what is no longer of use.
    std::vector<connection_use> unsaved(std::string_view after);
    void saved(const std::vector<connection_use>& uses);

    std::size_t size() const noexcept { return entries_.size(); }

private:
    struct entry {
        std::shared_ptr<use_mark> mark;
        std::int64_t seen = 0;  // the mark as it was translated last
        unix_micros at = 0;     // what it was translated to
        unix_micros saved = 0;

        // Translated once: who asks twice is told the same.
        void translate();
    };

    std::map<std::string, entry, std::less<>> entries_;
};

// What the task finds, with the last uses that the store does not have yet.
task<connection> with_last_use(std::shared_ptr<core> shared, task<connection> finding);
task<std::vector<connection>> with_last_use(std::shared_ptr<core> shared,
                                            task<std::vector<connection>> finding);

// keeper::save_uses
task<void> save_uses(std::shared_ptr<core> shared);

}  // namespace sallyport::vault
