#include "policy/rule_index.hpp"

#include <algorithm>
#include <bit>
#include <functional>
#include <stdexcept>
#include <tuple>

namespace sallyport::policy {
namespace {

constexpr std::size_t hosts_max = 62;
constexpr std::size_t methods_max = 63;
constexpr std::uint64_t every_method = static_cast<std::uint64_t>(-1);
constexpr std::size_t unnamed_method = methods_max;  // The bit of a method that only "*" covers.
constexpr std::uint64_t base_bit = 1;                // Of a rule that names no hosts.

std::uint64_t bit(std::size_t index) noexcept { return std::uint64_t{1} << index; }

template <class Texts>
std::size_t position_of(const Texts& texts, std::string_view text) noexcept
{
    return static_cast<std::size_t>(std::find(texts.begin(), texts.end(), text) - texts.begin());
}

}  // namespace

class rule_index::compiler {
public:
    compiler(rule_index& index, const options& how) : index_(index), how_(how) {}

    void run()
    {
        for (const rule& added : index_.rules_) {
            for (const std::string& method : added.methods) {
                add_name(index_.methods_, method, method == "*", methods_max, "too many methods");
            }
            for (const std::string& host : added.hosts) {
                add_name(index_.hosts_, host, false, hosts_max, "too many hosts");
            }
        }
        add_name(index_.methods_, "HEAD", false, methods_max, "too many methods");
        std::vector<path_template> paths;
        std::vector<rule_trie::entry> entries;
        paths.reserve(index_.rules_.size());
        entries.reserve(index_.rules_.size());
        for (const rule& added : index_.rules_) {
            paths.push_back(template_of(added));
            entries.push_back({&paths.back(), methods_of(added), hosts_of(added)});
            add_entry(added, paths.back());
        }
        index_.trie_ = std::make_unique<rule_trie>(entries, how_.fold);
        index_.alternatives_.shrink_to_fit();
        index_.numbers_.shrink_to_fit();
        index_.shapes_.shrink_to_fit();
    }

private:
    static void add_name(std::vector<std::string_view>& names, std::string_view name, bool skip,
                         std::size_t max, const char* too_many)
    {
        if (skip || position_of(names, name) != names.size()) {
            return;
        }
        if (names.size() == max) {
            throw std::invalid_argument(too_many);
        }
        names.push_back(name);
    }

    static path_template template_of(const rule& of)
    {
        try {
            return parse_template(of.path);
        } catch (const std::invalid_argument& error) {
            throw std::invalid_argument(of.source + ": " + error.what());
        }
    }

    std::uint64_t methods_of(const rule& of) const
    {
        if (how_.every_verb || position_of(of.methods, "*") != of.methods.size()) {
            return every_method;
        }
        std::uint64_t bits = 0;
        for (const std::string& method : of.methods) {
            bits |= index_.method_bit(method);
            bits |= how_.rows && method == "GET" ? index_.method_bit("HEAD") : 0;
        }
        return bits;
    }

    std::uint64_t hosts_of(const rule& of) const
    {
        std::uint64_t bits = of.hosts.empty() ? base_bit : 0;
        for (const std::string& host : of.hosts) {
            bits |= bit(1 + position_of(index_.hosts_, host));
        }
        return bits;
    }

    void add_entry(const rule& added, const path_template& path)
    {
        entry to;
        const auto size = [](const auto& list) { return static_cast<std::uint32_t>(list.size()); };
        to.shape_begin = size(index_.shapes_);
        for (const template_segment& segment : path) {
            index_.shapes_ += static_cast<char>(segment.kind);
        }
        index_.shapes_ += static_cast<char>(segment_kind::end);
        to.shape_end = size(index_.shapes_);
        std::tie(to.alternatives_begin, to.alternatives_end) = alternatives_for(added);
        to.selectors_begin = to.selectors_end = size(index_.selectors_);
        if (how_.objects) {
            add_selectors(added, to);
        }
        index_.entries_.push_back(to);
    }

    // Tables repeat their lists of scopes: each is kept once.
    std::pair<std::uint32_t, std::uint32_t> alternatives_for(const rule& added)
    {
        std::string key;
        for (const auto& alternative : added.scopes) {
            for (const std::string& scope : alternative) {
                key += scope + '+';
            }
            key += '|';
        }
        auto& alternatives = index_.alternatives_;
        const auto begin = static_cast<std::uint32_t>(alternatives.size());
        const auto [known, is_new] = lists_.try_emplace(std::move(key), begin, begin);
        if (is_new) {
            for (const auto& scopes : added.scopes) {
                alternative& to = alternatives.emplace_back();
                to.begin = static_cast<std::uint32_t>(index_.numbers_.size());
                for (const std::string& scope : scopes) {
                    index_.numbers_.push_back(number_of(scope));
                }
                to.end = static_cast<std::uint32_t>(index_.numbers_.size());
                to.types = how_.objects ? how_.objects->of_scopes(scopes) : 0;
            }
            known->second.second = static_cast<std::uint32_t>(alternatives.size());
        }
        return known->second;
    }

    std::uint32_t number_of(std::string_view scope)
    {
        const auto [known, is_new] =
            numbers_.try_emplace(scope, static_cast<std::uint32_t>(index_.scopes_.size()));
        if (is_new) {
            index_.scopes_.push_back(scope);
        }
        return known->second;
    }

    // Only where the alternatives are for different types does the path choose.
    void add_selectors(const rule& added, entry& to)
    {
        std::uint64_t types = 0;
        for (std::uint32_t i = to.alternatives_begin; i < to.alternatives_end; ++i) {
            types |= index_.alternatives_[i].types;
        }
        if (std::popcount(types) > 1) {
            const std::vector<std::uint8_t> positions = how_.objects->positions(added);
            index_.selectors_.insert(index_.selectors_.end(), positions.begin(), positions.end());
            to.selectors_end = static_cast<std::uint32_t>(index_.selectors_.size());
        }
        to.untold = how_.objects->is_untold(added);
    }

    rule_index& index_;
    const options& how_;
    std::unordered_map<std::string, std::pair<std::uint32_t, std::uint32_t>> lists_;
    std::unordered_map<std::string_view, std::uint32_t> numbers_;
};

rule_index::rule_index(std::span<const rule> rules, const options& how) : rules_(rules)
{
    entries_.reserve(rules.size());
    compiler(*this, how).run();
}

std::uint32_t rule_index::find(const call& asked) const noexcept
{
    std::uint64_t hosts = asked.base ? base_bit : 0;
    if (const std::size_t named = position_of(hosts_, asked.host); named != hosts_.size()) {
        hosts |= bit(1 + named);
    }
    return hosts == 0 ? none : trie_->find(asked.path, method_bit(asked.method), hosts);
}

std::uint32_t rule_index::find_for(std::uint32_t at, const graphql_request& request) const noexcept
{
    const rule& said = rules_[at];
    const auto covers = [&](const rule& candidate) {
        const auto& limits = candidate.graphql_fields;
        const auto is_listed = [&](const std::string& field) {
            return std::any_of(limits.begin(), limits.end(), [&](std::string_view limit) {
                return limit.starts_with('*') ? field.ends_with(limit.substr(1)) : field == limit;
            });
        };
        return candidate.graphql == request.type &&
               (limits.empty() ||
                (request.root_fields &&
                 std::all_of(request.root_fields->begin(), request.root_fields->end(), is_listed)));
    };
    for (std::uint32_t i = at; i < rules_.size(); ++i) {
        const rule& candidate = rules_[i];
        if (candidate.graphql != graphql_type::none && candidate.path == said.path &&
            candidate.methods == said.methods && candidate.hosts == said.hosts &&
            covers(candidate)) {
            return i;
        }
    }
    return none;
}

rule_index::needs rule_index::needs_of(std::uint32_t at) const noexcept
{
    const entry& of = entries_[at];
    const auto part = [](const auto& list, std::uint32_t begin, std::uint32_t end) {
        return std::span(list).subspan(begin, end - begin);
    };
    return {part(alternatives_, of.alternatives_begin, of.alternatives_end),
            part(selectors_, of.selectors_begin, of.selectors_end), of.untold};
}

std::uint32_t rule_index::index_of(const rule& rule) const noexcept
{
    const std::less<const policy::rule*> before;
    const bool is_here = !rules_.empty() && !before(&rule, rules_.data()) &&
                         before(&rule, rules_.data() + rules_.size());
    return is_here ? static_cast<std::uint32_t>(&rule - rules_.data()) : none;
}

std::uint64_t rule_index::method_bit(std::string_view method) const noexcept
{
    const std::size_t place = position_of(methods_, method);
    return bit(place == methods_.size() ? unnamed_method : place);
}

}  // namespace sallyport::policy
