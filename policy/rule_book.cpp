#include "policy/rule_book.hpp"

#include "base/text.hpp"
#include "policy/table_cache.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>

namespace sallyport::policy {
namespace {

constexpr std::size_t hosts_max = 63;
constexpr std::size_t tables_max = 64;

// "text*" or "*text", without case.
bool fits_affix(std::string_view pattern, std::string_view text) noexcept
{
    const bool at_end = pattern.starts_with('*');
    const std::string_view affix =
        at_end ? pattern.substr(1) : pattern.substr(0, pattern.size() - 1);
    return text.size() >= affix.size() &&
           equal_ignoring_case(
               at_end ? text.substr(text.size() - affix.size()) : text.substr(0, affix.size()),
               affix);
}

std::size_t without_parameters(std::span<const std::string_view> path,
                               std::array<std::string_view, path_segments_max>& to) noexcept
{
    std::transform(path.begin(), path.end(), to.begin(),
                   [](std::string_view segment) { return segment.substr(0, segment.find(';')); });
    return path.size();
}

}  // namespace

rule_book::rule_book(const provider_facts& facts, table_cache* shared)
    : facts_(facts), objects_(facts.objects)
{
    add_hosts();
    add_scopes();
    add_chapters(shared);
}

rule_book::place rule_book::find(const call_facts& call, std::string_view kind,
                                 std::string_view variant) const noexcept
{
    return find({.path = call.path->segments(), .method = call.method, .host = call.host},
                call.path->has_parameters(), kind, variant);
}

rule_book::place rule_book::find_without_slash(const place& found, const call_facts& call,
                                               std::string_view kind,
                                               std::string_view variant) const noexcept
{
    const std::span<const std::string_view> sent = call.path->segments();
    const std::string_view last = sent.back();
    const bool has_slash = sent.size() > 1 && last.substr(0, last.find(';')).empty();
    if (!has_slash || !found.in->index->at(found.at).path.ends_with("/**")) {
        return {};
    }
    std::array<std::string_view, path_segments_max> segments;
    std::size_t count = without_parameters(sent, segments);
    while (count > 1 && segments[count - 1].empty()) {
        --count;
    }
    return find({.path = {segments.data(), count}, .method = call.method, .host = call.host}, false,
                kind, variant);
}

rule_book::place rule_book::find(rule_index::call asked, bool has_parameters, std::string_view kind,
                                 std::string_view variant) const noexcept
{
    const std::span<const std::string_view> path = asked.path;
    if (path.empty() || !admit(path, asked)) {
        return {};
    }
    const place found = most_specific(asked, kind, variant);
    if (found.in && takes_a_name_for_a_value(found, path)) {
        return {};
    }
    if (!has_parameters) {
        return found;
    }
    // The path as a server reads it that cuts off `;parameters`.
    std::array<std::string_view, path_segments_max> segments;
    asked.path = {segments.data(), without_parameters(path, segments)};
    return most_specific(asked, kind, variant) == found ? found : place{};
}

rule_book::place rule_book::most_specific(const rule_index::call& call, std::string_view kind,
                                          std::string_view variant) const noexcept
{
    place best;
    for (std::size_t i = 0; i < chapters_.size(); ++i) {
        const bool is_table = i != 0 && i <= facts_.tables.size();
        const rule_index& index = *chapters_[i].index;
        if (index.rules().empty() || (is_table && !is_selected(i - 1, kind, variant))) {
            continue;
        }
        const std::uint32_t found = index.find(call);
        if (found != rule_index::none &&
            (!best.in || index.shape(found) < best.in->index->shape(best.at))) {
            best = {&chapters_[i], found};
        }
    }
    return best;
}

bool rule_book::takes_a_name_for_a_value(const place& found,
                                         std::span<const std::string_view> path) const noexcept
{
    const std::string_view said = found.in->index->at(found.at).path;
    const auto is_name = [&](std::string_view segment) {
        return std::any_of(facts_.never_values.begin(), facts_.never_values.end(),
                           [&](std::string_view pattern) { return fits_affix(pattern, segment); });
    };
    const auto is_said = [&](std::string_view segment) {
        return std::search(said.begin(), said.end(), segment.begin(), segment.end(),
                           [](char a, char b) { return to_lower(a) == to_lower(b); }) != said.end();
    };
    return std::any_of(path.begin(), path.end(), [&](std::string_view segment) {
        return is_name(segment) && !is_said(segment);
    });
}

rule_book::place rule_book::locate(const rule& rule) const noexcept
{
    for (const chapter& in : chapters_) {
        if (const std::uint32_t at = in.index->index_of(rule); at != rule_index::none) {
            return {&in, at};
        }
    }
    return {};
}

std::optional<std::uint32_t> rule_book::scope_bit(std::string_view id) const noexcept
{
    const auto known = bit_of_scope_.find(id);
    return known == bit_of_scope_.end() ? std::nullopt : std::optional(known->second);
}

void rule_book::add_hosts()
{
    const auto add = [&](const upstream_host& added, bool base) {
        host& to = hosts_.emplace_back();
        to.name = added.host;
        to.base = base;
        for (const std::string& prefix : added.path_prefixes) {
            to.prefixes.emplace_back(prefix, facts_.path_case_insensitive);
        }
    };
    add(facts_.base, true);
    for (const upstream_host& further : facts_.hosts) {
        add(further, further.is_alias);
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
    const auto [known, is_new] =
        bit_of_scope_.try_emplace(scope, static_cast<std::uint32_t>(implied_.size()));
    if (is_new) {
        implied_.emplace_back();
    }
    return known->second;
}

void rule_book::add_chapters(table_cache* shared)
{
    if (facts_.tables.size() > tables_max) {
        throw std::invalid_argument("too many tables");
    }
    rule_index::options how{.fold = facts_.path_case_insensitive, .objects = &objects_};
    chapters_.reserve(facts_.tables.size() + 2);
    chapters_.push_back(bound(std::make_shared<const rule_index>(facts_.rules, how)));
    how.rows = true;
    how.every_verb = facts_.verb_semantics_path;
    how.objects = facts_.objects.types.empty() && facts_.objects.untold.empty() ? nullptr  //
                                                                                : &objects_;
    for (const rule_table& table : facts_.tables) {
        chapters_.push_back(bound(shared ? shared->compile(table.rows, how)
                                         : std::make_shared<const rule_index>(table.rows, how)));
    }
    how = {.fold = facts_.path_case_insensitive};
    chapters_.push_back(bound(std::make_shared<const rule_index>(facts_.tunnels, how)));
    chapters_.back().tunnels = true;
}

rule_book::chapter rule_book::bound(std::shared_ptr<const rule_index> index)
{
    chapter made{std::move(index), {}};
    for (const rule& rule : made.index->rules()) {
        check_hosts(rule);
    }
    for (const std::string_view scope : made.index->scopes()) {
        made.bits.push_back(intern(scope));
    }
    return made;
}

void rule_book::check_hosts(const rule& rule) const
{
    for (const std::string& name : rule.hosts) {
        if (std::none_of(hosts_.begin(), hosts_.end(),
                         [&](const host& known) { return known.name == name; })) {
            throw std::invalid_argument(rule.source + ": the provider has no host " + name);
        }
    }
}

bool rule_book::is_selected(std::size_t table, std::string_view kind,
                            std::string_view variant) const noexcept
{
    const rule_table& candidate = facts_.tables[table];
    const auto& kinds = candidate.kinds;
    return candidate.variant == variant &&
           (kinds.empty() || std::find(kinds.begin(), kinds.end(), kind) != kinds.end());
}

// Whether some entry of the host list lets the path through.
bool rule_book::admit(std::span<const std::string_view> path, rule_index::call& to) const noexcept
{
    bool admitted = false;
    for (const host& known : hosts_) {
        const auto admits = [&](const path_prefix& prefix) { return prefix.admits(path); };
        if (known.name == to.host &&
            (known.prefixes.empty() ||
             std::any_of(known.prefixes.begin(), known.prefixes.end(), admits))) {
            admitted = true;
            to.base |= known.base;
        }
    }
    return admitted;
}

}  // namespace sallyport::policy
