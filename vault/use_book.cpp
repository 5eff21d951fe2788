#include "vault/use_book.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <algorithm>

#include "vault/core.hpp"

namespace sallyport::vault {

void use_book::entry::translate()
{
    const std::int64_t marked = mark->load(std::memory_order_relaxed);
    if (marked > seen) {
        seen = marked;
        at = std::max(at, now_micros() - (boot_millis() - marked) * 1000);
    }
}

std::shared_ptr<use_mark> use_book::mark_of(const std::string& id)
{
    const auto known = entries_.find(id);
    if (known != entries_.end()) {
        return known->second.mark;
    }
    if (entries_.size() >= connections_max) {
        return nullptr;
    }
    auto mark = std::make_shared<use_mark>(0);
    entries_.emplace(id, entry{mark});
    return mark;
}

void use_book::forget(std::string_view id)
{
    const auto known = entries_.find(id);
    if (known != entries_.end()) {
        entries_.erase(known);
    }
}

void use_book::complete(connection& record)
{
    const auto known = entries_.find(record.id);
    if (known != entries_.end()) {
        known->second.translate();
        record.last_used_at = std::max(record.last_used_at, known->second.at);
    }
}

std::vector<connection_use> use_book::unsaved(std::string_view after)
{
    std::vector<connection_use> found;
    auto at = entries_.upper_bound(after);
    while (at != entries_.end() && found.size() < saved_at_once) {
        auto& [id, known] = *at;
        // Looked at before the mark is read: whoever had it has marked it by then.
        const bool is_ours_alone = known.mark.use_count() == 1;
        known.translate();
        if (known.at > known.saved) {
            found.push_back({id, known.at});
        } else if (is_ours_alone) {
            at = entries_.erase(at);
            continue;
        }
        ++at;
    }
    return found;
}

void use_book::saved(const std::vector<connection_use>& uses)
{
    for (const connection_use& use : uses) {
        const auto known = entries_.find(use.id);
        if (known != entries_.end()) {
            known->second.saved = std::max(known->second.saved, use.at);
        }
    }
}

task<connection> with_last_use(std::shared_ptr<core> shared, task<connection> finding)
{
    result<connection> found = co_await std::move(finding);
    if (found) {
        shared->uses.complete(*found);
    }
    co_return found;
}

task<std::vector<connection>> with_last_use(std::shared_ptr<core> shared,
                                            task<std::vector<connection>> finding)
{
    result<std::vector<connection>> found = co_await std::move(finding);
    if (found) {
        for (connection& one : *found) {
            shared->uses.complete(one);
        }
    }
    co_return found;
}

task<void> save_uses(std::shared_ptr<core> shared)
{
    std::string after;
    for (;;) {
        const std::vector<connection_use> uses = shared->uses.unsaved(after);
        if (uses.empty()) {
            co_return result<void>();
        }
        auto saving = shared->store->save_uses(uses);
        const result<void> saved = co_await std::move(saving);
        if (!saved) {
            co_return saved;
        }
        shared->uses.saved(uses);
        if (uses.size() < use_book::saved_at_once) {
            co_return result<void>();
        }
        after = uses.back().id;
        // The store may answer at once: whatever else waits for this thread goes first.
        co_await boost::asio::post(shared->control, boost::asio::use_awaitable);
    }
}

}  // namespace sallyport::vault
