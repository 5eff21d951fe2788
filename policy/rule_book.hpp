// A provider's rules, compiled: the file's own, the tables that a connection's kind and variant
// select, and the tunnels. Among what they each find for a call the most specific decides, and
// where they tie the earlier in this order. Part of provider, which owns the facts that this points
// into.
//
// Immutable once built; any number of threads may read it at once.
#pragma once

#include "policy/object_types.hpp"
#include "policy/path_prefix.hpp"
#include "policy/provider.hpp"
#include "policy/rule_index.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace sallyport::policy {

class rule_book {
public:
    rule_book(const provider_facts& facts, table_cache* shared);  // Throws as provider does.

    // A list of rules, and the bits of its scopes in this provider's vocabulary, by number.
    struct chapter {
        std::shared_ptr<const rule_index> index;
        std::vector<std::uint32_t> bits;
        bool tunnels = false;
    };
    // Where a rule stands. Without a chapter: no rule.
    struct place {
        const chapter* in = nullptr;
        std::uint32_t at = rule_index::none;

        bool operator==(const place&) const = default;
    };

    place find(const call_facts& call, std::string_view kind,
               std::string_view variant) const noexcept;

    // The rule for the path as a server reads it that passes over a slash at the end. No rule where
    // the path has none, or `found` says more of the slash than **.
    place find_without_slash(const place& found, const call_facts& call, std::string_view kind,
                             std::string_view variant) const noexcept;
    place locate(const rule& rule) const noexcept;

    std::optional<std::uint32_t> scope_bit(std::string_view id) const noexcept;

    // What one scope implies directly.
    const std::vector<std::uint32_t>& implied(std::uint32_t scope) const { return implied_[scope]; }

    const object_types& objects() const noexcept { return objects_; }

private:
    struct host {
        std::string_view name;
        bool base = false;  // Rules that name no hosts cover it.
        std::vector<path_prefix> prefixes;
    };

    void add_hosts();
    void add_scopes();
    void add_chapters(table_cache* shared);
    void check_hosts(const rule& rule) const;
    chapter bound(std::shared_ptr<const rule_index> index);
    std::uint32_t intern(std::string_view scope);

    bool is_selected(std::size_t table, std::string_view kind,
                     std::string_view variant) const noexcept;
    bool takes_a_name_for_a_value(const place& found,
                                  std::span<const std::string_view> path) const noexcept;
    place find(rule_index::call asked, bool has_parameters, std::string_view kind,
               std::string_view variant) const noexcept;
    place most_specific(const rule_index::call& asked, std::string_view kind,
                        std::string_view variant) const noexcept;
    bool admit(std::span<const std::string_view> path, rule_index::call& to) const noexcept;

    const provider_facts& facts_;
    const object_types objects_;
    std::vector<host> hosts_;
    std::unordered_map<std::string_view, std::uint32_t> bit_of_scope_;
    std::vector<std::vector<std::uint32_t>> implied_;
    std::vector<chapter> chapters_;  // the file's own rules, each table, the tunnels
};

}  // namespace sallyport::policy
