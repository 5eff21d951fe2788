#include "policy/rule_book.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <stdexcept>

namespace sallyport::policy {
namespace {

constexpr std::size_t hosts_max = 63;
constexpr std::size_t methods_max = 63;
constexpr std::size_t tables_max = 64;
constexpr std::uint64_t every_method = static_cast<std::uint64_t>(-1);
constexpr std::size_t unnamed_method = methods_max;  // The bit of a method that only "*" covers.

std::uint64_t bit(std::size_t index) noexcept { return std::uint64_t{1} << index; }

template <class Texts>
bool contains(const Texts& texts, std::string_view text) noexcept
{
    return std::find(texts.begin(), texts.end(), text) != texts.end();
}

// The path as a server reads it that cuts off `;parameters`.
std::uint32_t find_without_parameters(const rule_trie& trie, std::span<const std::string_view> path,
                                      std::uint64_t methods, std::uint64_t hosts) noexcept
{
    std::array<std::string_view, path_segments_max> segments;
    std::size_t count = 0;
    for (const std::string_view segment : path) {
        segments[count++] = segment.substr(0, segment.find(';'));
    }
    return trie.find({segments.data(), count}, methods, hosts);
}

}  // namespace

rule_book::rule_book(const provider_facts& facts) : facts_(facts)
{
    add_hosts();
    add_scopes();
    add_rules();
    add_selections();
}

const rule_book::entry* rule_book::find(const call_facts& call, std::string_view kind,
                                        std::string_view variant) const noexcept
{
    const std::span<const std::string_view> path = call.path->segments();
    const std::uint64_t hosts = host_bits(call.host, path);
    const std::uint64_t tables = tables_for(kind, variant);
    const auto selected =
        std::find_if(selections_.begin(), selections_.end(),
                     [&](const selection& candidate) { return candidate.tables == tables; });
    if (hosts == 0 || path.empty() || selected == selections_.end()) {
        return nullptr;
    }
    const std::uint64_t method = method_bit(call.method);
    const std::uint32_t found = selected->trie->find(path, method, hosts);
    if (found == rule_trie::none) {
        return nullptr;
    }
    if (call.path->has_parameters() &&
        find_without_parameters(*selected->trie, path, method, hosts) != found) {
        return nullptr;
    }
    return &entries_[selected->entries[found]];
}

std::optional<std::uint32_t> rule_book::scope_bit(std::string_view id) const noexcept
{
    const auto known = bit_of_scope_.find(id);
    return known == bit_of_scope_.end() ? std::nullopt : std::optional(known->second);
}

void rule_book::add_hosts()
{
    const auto add = [&](const upstream_host& added) {
        host& to = hosts_.emplace_back();
        to.name = added.host;
        for (const std::string& prefix : added.path_prefixes) {
            to.prefixes.emplace_back(prefix, facts_.path_case_insensitive);
        }
    };
    add(facts_.base);
    for (const upstream_host& further : facts_.hosts) {
        add(further);
    }
    if (hosts_.size() > hosts_max) {
        throw std::invalid_argument("too many hosts");
    }
}

void rule_book::add_scopes()
{
    for (const scope_description& scope : facts_.scopes) {
        intern(scope.id);
    }
    for (const auto& [parent, children] : facts_.scope_implies) {
        const std::uint32_t from = intern(parent);
        for (const std::string& child : children) {
            const std::uint32_t to = intern(child);
            implied_[from].push_back(to);
        }
    }
}

std::uint32_t rule_book::intern(std::string_view scope)
{
    const auto [place, is_new] =
        bit_of_scope_.try_emplace(scope, static_cast<std::uint32_t>(implied_.size()));
    if (is_new) {
        implied_.emplace_back();
    }
    return place->second;
}

void rule_book::add_rules()
{
    if (facts_.tables.size() > tables_max) {
        throw std::invalid_argument("too many tables");
    }
    for (const rule& added : facts_.rules) {
        add_rule(added);
    }
    for (const rule_table& table : facts_.tables) {
        for (const rule& row : table.rows) {
            add_rule(row);
        }
    }
    add_method("HEAD");
    entries_.shrink_to_fit();
    alternatives_.shrink_to_fit();
    scopes_.shrink_to_fit();
}

void rule_book::add_rule(const rule& added)
{
    entry& to = entries_.emplace_back();
    to.source = &added;
    to.alternatives_begin = static_cast<std::uint32_t>(alternatives_.size());
    for (const auto& alternative : added.scopes) {
        span_of& bits = alternatives_.emplace_back();
        bits.begin = static_cast<std::uint32_t>(scopes_.size());
        for (const std::string& scope : alternative) {
            scopes_.push_back(intern(scope));
        }
        bits.end = static_cast<std::uint32_t>(scopes_.size());
    }
    to.alternatives_end = static_cast<std::uint32_t>(alternatives_.size());
    for (const std::string& method : added.methods) {
        add_method(method);
    }
}

void rule_book::add_method(std::string_view method)
{
    if (method == "*" || contains(methods_, method)) {
        return;
    }
    if (methods_.size() == methods_max) {
        throw std::invalid_argument("too many methods");
    }
    methods_.push_back(method);
}

// One trie for each set of tables that some kind and variant select.
void rule_book::add_selections()
{
    // Besides the names in use, one of each that no table can bear.
    std::set<std::string_view> kinds = {""};
    std::set<std::string_view> variants = {"\n"};
    for (const rule_table& table : facts_.tables) {
        kinds.insert(table.kinds.begin(), table.kinds.end());
        variants.insert(table.variant);
    }
    std::set<std::uint64_t> sets;
    for (const std::string_view kind : kinds) {
        for (const std::string_view variant : variants) {
            sets.insert(tables_for(kind, variant));
        }
    }
    std::vector<path_template> paths;
    paths.reserve(entries_.size());
    for (const entry& compiling : entries_) {
        try {
            paths.push_back(parse_template(compiling.source->path));
        } catch (const std::invalid_argument& error) {
            throw std::invalid_argument(compiling.source->source + ": " + error.what());
        }
    }
    for (const std::uint64_t tables : sets) {
        add_selection(tables, paths);
    }
}

void rule_book::add_selection(std::uint64_t tables, const std::vector<path_template>& paths)
{
    selection& added = selections_.emplace_back();
    added.tables = tables;
    std::vector<rule_trie::entry> entries;
    const auto add = [&](std::uint32_t index, bool is_row) {
        const rule& source = *entries_[index].source;
        entries.push_back({&paths[index], methods_of(source, is_row), hosts_of(source)});
        added.entries.push_back(index);
    };
    std::uint32_t index = 0;
    while (index < facts_.rules.size()) {
        add(index++, false);
    }
    for (std::size_t table = 0; table < facts_.tables.size(); ++table) {
        for (std::size_t row = 0; row < facts_.tables[table].rows.size(); ++row, ++index) {
            if ((tables & bit(table)) != 0) {
                add(index, true);
            }
        }
    }
    added.entries.shrink_to_fit();
    added.trie = std::make_unique<rule_trie>(entries, facts_.path_case_insensitive);
}

std::uint64_t rule_book::tables_for(std::string_view kind, std::string_view variant) const noexcept
{
    std::uint64_t tables = 0;
    for (std::size_t i = 0; i < facts_.tables.size(); ++i) {
        const rule_table& table = facts_.tables[i];
        if (table.variant == variant && (table.kinds.empty() || contains(table.kinds, kind))) {
            tables |= bit(i);
        }
    }
    return tables;
}

std::uint64_t rule_book::methods_of(const rule& source, bool is_row) const
{
    if (contains(source.methods, "*") || (is_row && facts_.verb_semantics_path)) {
        return every_method;
    }
    std::uint64_t bits = 0;
    for (const std::string& method : source.methods) {
        bits |= method_bit(method);
        bits |= is_row && method == "GET" ? method_bit("HEAD") : 0;
    }
    return bits;
}

std::uint64_t rule_book::hosts_of(const rule& source) const
{
    std::uint64_t bits = 0;
    if (source.hosts.empty()) {
        bits = bit(0);
        for (std::size_t i = 0; i < facts_.hosts.size(); ++i) {
            bits |= facts_.hosts[i].is_alias ? bit(i + 1) : 0;
        }
    }
    for (const std::string& name : source.hosts) {
        std::uint64_t named = 0;
        for (std::size_t i = 0; i < hosts_.size(); ++i) {
            named |= hosts_[i].name == name ? bit(i) : 0;
        }
        if (named == 0) {
            throw std::invalid_argument(source.source + ": the provider has no host " + name);
        }
        bits |= named;
    }
    return bits;
}

std::uint64_t rule_book::method_bit(std::string_view method) const noexcept
{
    const auto place = std::find(methods_.begin(), methods_.end(), method);
    return bit(place == methods_.end() ? unnamed_method
                                       : static_cast<std::size_t>(place - methods_.begin()));
}

std::uint64_t rule_book::host_bits(std::string_view name,
                                   std::span<const std::string_view> path) const noexcept
{
    std::uint64_t bits = 0;
    for (std::size_t i = 0; i < hosts_.size(); ++i) {
        const auto admits = [&](const path_prefix& prefix) { return prefix.admits(path); };
        const auto& prefixes = hosts_[i].prefixes;
        if (hosts_[i].name == name &&
            (prefixes.empty() || std::any_of(prefixes.begin(), prefixes.end(), admits))) {
            bits |= bit(i);
        }
    }
    return bits;
}

}  // namespace sallyport::policy
