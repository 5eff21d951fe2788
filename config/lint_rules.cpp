#include "config/lint_rules.hpp"

#include "policy/path_template.hpp"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <map>
#include <set>

namespace sallyport::config {
namespace {

constexpr std::string_view sample = "x-7f3q";  // what stands for a placeholder

// A call that the template was written for; `**` takes something or nothing.
std::string sample_path(std::string_view text, bool with_rest)
{
    std::string path;
    for (const policy::template_segment& segment : policy::parse_template(text)) {
        using kind = policy::segment_kind;
        if (segment.kind == kind::rest && !with_rest) {
            break;
        }
        path += "/";
        if (segment.kind == kind::literal || segment.kind == kind::partly_literal) {
            path += segment.texts.front();
        } else {
            path += sample;
            path += segment.kind == kind::some_until ? segment.texts.front() : "";
        }
        for (std::size_t i = 1; segment.kind == kind::partly_literal && i < segment.texts.size();
             ++i) {
            path += std::string(sample) + segment.texts[i];
        }
    }
    return path.empty() ? "/" : path;
}

bool holds_all(const std::vector<std::string>& more, const std::vector<std::string>& less)
{
    return std::all_of(less.begin(), less.end(), [&](const std::string& scope) {
        return std::find(more.begin(), more.end(), scope) != more.end();
    });
}

class rule_linter {
public:
    rule_linter(const std::string& file, const policy::provider& provider,
                std::vector<lint_finding>& findings)
        : directory_(std::filesystem::path(file).parent_path()),
          provider_(provider),
          facts_(provider.facts()),
          findings_(findings)
    {
    }

    void check()
    {
        const std::string kind = facts_.credentials.empty() ? "" : facts_.credentials[0].kind;
        for (const policy::rule& rule : facts_.rules) {
            check_reach(rule, kind, "");
            check_shape(rule);
            check_alternatives(rule);
        }
        for (const policy::rule_table& table : facts_.tables) {
            const std::string& used = table.kinds.empty() ? kind : table.kinds.front();
            for (const policy::rule& row : table.rows) {
                check_reach(row, used, table.variant);
                check_alternatives(row);
            }
        }
    }

private:
    void add(const policy::rule& rule, lint_level level, std::string message)
    {
        const std::size_t colon = rule.source.rfind(':');
        problem at{(directory_ / rule.source.substr(0, colon)).string(), 0, 1, std::move(message)};
        const std::size_t digits = colon == std::string::npos ? rule.source.size() : colon + 1;
        std::from_chars(rule.source.data() + digits, rule.source.data() + rule.source.size(),
                        at.line);
        findings_.push_back({level, std::move(at)});
    }

    const policy::rule* decider(const policy::rule& rule, const std::string& path,
                                std::string_view method, std::string_view host,
                                std::string_view kind, std::string_view variant)
    {
        if (path_.parse(path, facts_.paths) != policy::path_fault::none) {
            return nullptr;
        }
        const policy::scope_set all = policy::scope_set::everything();
        const policy::grant grant{kind, variant, &all, nullptr,
                                  policy::operation_class::destructive};
        const policy::request_path* parsed = &path_;
        const std::string_view asked = method == "*" ? std::string_view("POST") : method;
        const std::string_view where = host.empty() ? std::string_view(facts_.base.host) : host;
        const auto* found =
            provider_.decide({.method = asked, .host = where, .path = parsed}, grant).decided_by;
        return found && found->source == rule.source ? nullptr : found;
    }

    // Decides calls made for the rule; it is out of reach where none of them is decided by it.
    void check_reach(const policy::rule& rule, std::string_view kind, std::string_view variant)
    {
        std::vector<std::string> hosts(rule.hosts.begin(), rule.hosts.end());
        if (hosts.empty()) {
            hosts.emplace_back();
        }
        const policy::rule* instead = nullptr;
        std::size_t taken = 0;
        std::size_t calls = 0;
        for (const bool with_rest : {true, false}) {
            const std::string path = sample_path(rule.path, with_rest);
            for (const std::string& host : hosts) {
                for (const std::string& method : rule.methods) {
                    ++calls;
                    const policy::rule* found = decider(rule, path, method, host, kind, variant);
                    taken += found ? 1 : 0;
                    instead = found ? found : instead;
                }
            }
        }
        report_reach(rule, instead, taken, calls);
    }

    void report_reach(const policy::rule& rule, const policy::rule* instead, std::size_t taken,
                      std::size_t calls)
    {
        const bool is_row_overridden =
            instead && is_of_file(*instead) && !is_of_file(rule);  // What explicit rules are for.
        if (taken == 0 || is_row_overridden) {
            return;
        }
        if (taken == calls) {
            add(rule, lint_level::error,
                rule.operation + " decides nothing: " + instead->operation + " (" +
                    instead->source + ") goes before it");
        } else if (is_tied(rule, *instead)) {
            add(rule, lint_level::error,
                rule.operation + " is tied with " + instead->operation + " (" + instead->source +
                    "), which stands earlier and decides what both cover");
        }
    }

    bool is_of_file(const policy::rule& rule) const
    {
        return std::any_of(facts_.rules.begin(), facts_.rules.end(),
                           [&](const auto& own) { return own.source == rule.source; });
    }

    static bool is_tied(const policy::rule& a, const policy::rule& b)
    {
        return policy::parse_template(a.path) == policy::parse_template(b.path);
    }

    void check_shape(const policy::rule& rule)
    {
        const auto covers = [&](std::string_view method) {
            return std::any_of(rule.methods.begin(), rule.methods.end(),
                               [&](const std::string& one) { return one == method; });
        };
        if (rule.cls == policy::operation_class::read && covers("DELETE")) {
            add(rule, lint_level::error,
                rule.operation + " is of the class read and covers DELETE");
        }
        if (rule.path == "/**" && rule.scopes.empty()) {
            add(rule, lint_level::warning,
                rule.operation + " opens every path to every connection: it asks for no scope");
        }
    }

    void check_alternatives(const policy::rule& rule)
    {
        const auto& all = rule.scopes;
        for (std::size_t i = 0; i < all.size(); ++i) {
            for (std::size_t j = 0; j < all.size(); ++j) {
                const bool is_wider = i != j && all[i].size() >= all[j].size() &&
                                      (all[i].size() > all[j].size() || i > j);
                if (is_wider && holds_all(all[i], all[j])) {
                    add(rule, lint_level::warning,
                        "the alternative " + joined(all[i]) + " of " + rule.operation +
                            " never matters: " + joined(all[j]) + " suffices");
                    return;
                }
            }
        }
    }

    static std::string joined(const std::vector<std::string>& scopes)
    {
        std::string text;
        for (const std::string& scope : scopes) {
            text += (text.empty() ? "" : "+") + scope;
        }
        return text.empty() ? "without scopes" : text;
    }

    std::filesystem::path directory_;
    const policy::provider& provider_;
    const policy::provider_facts& facts_;
    std::vector<lint_finding>& findings_;
    policy::request_path path_;
};

}  // namespace

void lint_rules(const std::string& file, const policy::provider& provider,
                std::vector<lint_finding>& findings)
{
    rule_linter(file, provider, findings).check();
}

}  // namespace sallyport::config
