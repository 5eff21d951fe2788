// A provider's rules in the form that decisions read: scopes, methods and hosts as bits, paths as
// tries. Part of provider, which owns the facts that this points into.
//
// Immutable once built; any number of threads may read it at once.
#pragma once

#include "policy/path_prefix.hpp"
#include "policy/provider.hpp"
#include "policy/rule_trie.hpp"

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace sallyport::policy {

class rule_book {
public:
    explicit rule_book(const provider_facts& facts);  // Throws as provider does.

    // The rule that decides, and the alternatives of its scopes as bits.
    struct entry {
        const rule* source = nullptr;
        std::uint32_t alternatives_begin = 0, alternatives_end = 0;
    };

    // Null: no rule names the call.
    const entry* find(const call_facts& call, std::string_view kind,
                      std::string_view variant) const noexcept;

    std::span<const std::uint32_t> alternative(std::uint32_t index) const noexcept
    {
        const span_of bits = alternatives_[index];
        return std::span(scopes_).subspan(bits.begin, bits.end - bits.begin);
    }

    std::optional<std::uint32_t> scope_bit(std::string_view id) const noexcept;

    // What one scope implies directly.
    const std::vector<std::uint32_t>& implied(std::uint32_t scope) const { return implied_[scope]; }

private:
    struct host {
        std::string_view name;
        std::vector<path_prefix> prefixes;
    };
    struct span_of {
        std::uint32_t begin = 0, end = 0;
    };
    // The rules that go with a set of tables: those of the file and the tables' rows.
    struct selection {
        std::uint64_t tables = 0;
        std::vector<std::uint32_t> entries;  // by the trie's index
        std::unique_ptr<rule_trie> trie;
    };

    void add_hosts();
    void add_scopes();
    void add_rules();
    void add_rule(const rule& added);
    void add_method(std::string_view method);
    void add_selections();
    void add_selection(std::uint64_t tables, const std::vector<path_template>& paths);
    std::uint32_t intern(std::string_view scope);

    std::uint64_t tables_for(std::string_view kind, std::string_view variant) const noexcept;
    std::uint64_t methods_of(const rule& source, bool is_row) const;
    std::uint64_t hosts_of(const rule& source) const;
    std::uint64_t method_bit(std::string_view method) const noexcept;
    std::uint64_t host_bits(std::string_view name,
                            std::span<const std::string_view> path) const noexcept;

    const provider_facts& facts_;
    std::vector<host> hosts_;                // the base first
    std::vector<std::string_view> methods_;  // that some rule names
    std::unordered_map<std::string_view, std::uint32_t> bit_of_scope_;
    std::vector<std::vector<std::uint32_t>> implied_;
    std::vector<entry> entries_;         // the file's rules, then each table's rows
    std::vector<span_of> alternatives_;  // into scopes_
    std::vector<std::uint32_t> scopes_;
    std::vector<selection> selections_;
};

}  // namespace sallyport::policy
