#include "policy/provider.hpp"

#include "policy/rule_book.hpp"
#include "policy/scope_check.hpp"

#include <algorithm>
#include <array>

namespace sallyport::policy {
namespace {

constexpr std::array<std::string_view, 3> class_names = {"read", "write", "destructive"};

}  // namespace

std::string_view to_string(operation_class value) noexcept
{
    return class_names[static_cast<std::size_t>(value)];
}

std::optional<operation_class> parse_operation_class(std::string_view text) noexcept
{
    for (std::size_t i = 0; i < class_names.size(); ++i) {
        if (class_names[i] == text) {
            return static_cast<operation_class>(i);
        }
    }
    return std::nullopt;
}

provider::provider(provider_facts facts, table_cache* shared)
    : facts_(std::move(facts)), book_(std::make_unique<rule_book>(facts_, shared))
{
}

provider::~provider() = default;

scope_set provider::closure(const std::vector<std::string>& scope_ids) const
{
    scope_set set;
    std::vector<std::uint32_t> open;
    const auto add = [&](std::uint32_t scope) {
        if (!set.has(scope)) {
            set.add(scope);
            open.push_back(scope);
        }
    };
    for (const std::string& id : scope_ids) {
        if (id == "*") {
            return scope_set::everything();
        }
        if (const auto known = book_->scope_bit(id)) {
            add(*known);
        }
    }
    while (!open.empty()) {
        const std::uint32_t scope = open.back();
        open.pop_back();
        for (const std::uint32_t child : book_->implied(scope)) {
            add(child);
        }
    }
    return set;
}

struct provider::place : rule_book::place {};

decision provider::decide(const call_facts& call, const grant& grant) const noexcept
{
    const place found{book_->find(call, grant.kind, grant.variant)};
    if (!found.in) {
        return {};
    }
    const decision as_sent = judge(found, call, grant);
    const place bare{book_->find_without_slash(found, call, grant.kind, grant.variant)};
    if (as_sent.outcome != verdict::allow || !bare.in || bare == found) {
        return as_sent;
    }
    const decision without_slash = judge(bare, call, grant);
    return without_slash.outcome == verdict::allow ? as_sent : without_slash;
}

decision provider::judge(const place& at, const call_facts& call, const grant& grant) const noexcept
{
    rule_book::place found = at;
    const rule_index& index = *found.in->index;
    decision result{.outcome = verdict::allow, .decided_by = &index.at(found.at)};
    if (found.in->tunnels) {
        result.outcome = verdict::tunnel;
        return result;
    }
    if (result.decided_by->graphql != graphql_type::none) {
        if (!call.graphql) {
            result.outcome = verdict::needs_graphql;
            return result;
        }
        found.at = index.find_for(found.at, *call.graphql);
        if (found.at == rule_index::none) {
            return {};
        }
        result.decided_by = &index.at(found.at);
    }
    const scope_check check(*book_, found, grant, *call.path);
    result.alternative = check.satisfied();
    if (!check.needs_none() && result.alternative == scope_check::unsatisfied) {
        result.outcome = verdict::scope_missing;
    } else if (result.decided_by->cls > grant.access) {
        result.outcome = verdict::class_above_access;
    }
    return result;
}

std::vector<std::vector<std::string>> provider::missing(const rule& rule, const grant& grant,
                                                        const request_path& path) const
{
    const rule_book::place found = book_->locate(rule);
    return found.in ? scope_check(*book_, found, grant, path).missing()
                    : std::vector<std::vector<std::string>>();
}

const credential_kind* provider::kind(std::string_view name) const noexcept
{
    for (const credential_kind& candidate : facts_.credentials) {
        if (candidate.kind == name) {
            return &candidate;
        }
    }
    return nullptr;
}

catalogue::catalogue(std::vector<std::unique_ptr<provider>> providers)
    : providers_(std::move(providers))
{
    std::sort(providers_.begin(), providers_.end(),
              [](const auto& a, const auto& b) { return a->facts().id < b->facts().id; });
}

const provider* catalogue::find(std::string_view id) const noexcept
{
    const auto place = std::lower_bound(providers_.begin(), providers_.end(), id,
                                        [](const auto& candidate, std::string_view wanted) {
                                            return candidate->facts().id < wanted;
                                        });
    const bool found = place != providers_.end() && (*place)->facts().id == id;
    return found && (*place)->facts().enabled ? place->get() : nullptr;
}

}  // namespace sallyport::policy
