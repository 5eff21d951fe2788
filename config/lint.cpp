#include "config/lint.hpp"

#include "config/catalogue.hpp"
#include "config/lint_rules.hpp"
#include "config/yaml.hpp"
#include "policy/provider.hpp"

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>
#include <tuple>

namespace sallyport::config {
namespace {

constexpr std::size_t listed_max = 8;  // of many names in one finding

// One provider, with its file's tree for positions.
struct linted {
    std::string file;
    yaml_node root;
    const policy::provider* provider = nullptr;
};

class linter {
public:
    explicit linter(std::vector<lint_finding>& findings) : findings_(findings) {}

    void check(const linted& one)
    {
        lint_rules(one.file, *one.provider, findings_);
        check_scopes(one);
        check_implications(one);
        check_kinds(one);
    }

    void check_hosts(const std::vector<linted>& all)
    {
        std::map<std::string, const linted*> open;  // Hosts without prefixes, by who named them.
        for (const linted& one : all) {
            for (const std::string& host : unprefixed_hosts(one)) {
                const auto [known, is_new] = open.try_emplace(host, &one);
                if (!is_new) {
                    const yaml_node* node = one.root.find("base_url");
                    add(one, node, lint_level::warning,
                        "the host " + host + " is also that of " +
                            known->second->provider->facts().id +
                            ", and neither limits it to path_prefixes: forward calls to it are "
                            "ambiguous for a run with both");
                }
            }
        }
    }

private:
    void add(const linted& one, const yaml_node* node, lint_level level, std::string message)
    {
        findings_.push_back(
            {level,
             {one.file, node ? node->line : 1, node ? node->column : 1, std::move(message)}});
    }

    static std::set<std::string> unprefixed_hosts(const linted& one)
    {
        const policy::provider_facts& facts = one.provider->facts();
        std::set<std::string> hosts;
        if (facts.enabled && facts.base.path_prefixes.empty()) {
            hosts.insert(facts.base.host + ":" + std::to_string(facts.base.port));
        }
        for (const policy::upstream_host& host : facts.hosts) {
            const std::string name = host.host + ":" + std::to_string(host.port);
            if (!host.path_prefixes.empty()) {
                hosts.erase(name);
            } else if (facts.enabled) {
                hosts.insert(name);
            }
        }
        return hosts;
    }

    void check_scopes(const linted& one)
    {
        const policy::provider_facts& facts = one.provider->facts();
        std::set<std::string> described;
        std::set<std::string> used;
        for (const policy::scope_description& scope : facts.scopes) {
            described.insert(scope.id);
        }
        for_each_rule(facts, [&](const policy::rule& rule) {
            for (const auto& alternative : rule.scopes) {
                used.insert(alternative.begin(), alternative.end());
            }
        });
        std::vector<std::string> unknown;
        std::set_difference(used.begin(), used.end(), described.begin(), described.end(),
                            std::back_inserter(unknown));
        const yaml_node* scopes = one.root.find("scopes");
        if (!unknown.empty()) {
            add(one, scopes, lint_level::warning,
                listed(unknown) + (unknown.size() == 1 ? " stands" : " stand") +
                    " in rules, but not under scopes: nobody is told what that grants");
        }
        for (const auto& [parent, children] : facts.scope_implies) {
            used.insert(parent);
            used.insert(children.begin(), children.end());
        }
        for (std::size_t i = 0; i < facts.scopes.size() && !used.empty(); ++i) {
            const policy::scope_description& scope = facts.scopes[i];
            if (!used.contains(scope.id) && scope.class_name != "identity") {
                add(one, scopes && i < scopes->items.size() ? &scopes->items[i] : scopes,
                    lint_level::warning,
                    "the scope " + scope.id + " opens nothing: no rule names it");
            }
        }
    }

    static std::string listed(const std::vector<std::string>& names)
    {
        std::string text =
            names.size() == 1 ? "the scope " : std::to_string(names.size()) + " scopes (";
        for (std::size_t i = 0; i < std::min(names.size(), listed_max); ++i) {
            text += (i == 0 ? "" : ", ") + names[i];
        }
        text += names.size() > listed_max ? ", ..." : "";
        return text + (names.size() == 1 ? "" : ")");
    }

    void check_implications(const linted& one)
    {
        const auto& implies = one.provider->facts().scope_implies;
        const yaml_node* where = one.root.find("scope_implies");
        for (const auto& [start, children] : implies) {
            std::vector<std::string> open(children.begin(), children.end());
            std::set<std::string> seen;
            while (!open.empty() && open.back() != start) {
                const std::string scope = open.back();
                open.pop_back();
                const auto next = implies.find(scope);
                if (seen.insert(scope).second && next != implies.end()) {
                    open.insert(open.end(), next->second.begin(), next->second.end());
                }
            }
            if (!open.empty()) {
                const yaml_node* key = where ? where->find(start) : nullptr;
                add(one, key, lint_level::error, "the scope " + start + " implies itself");
            }
        }
    }

    // Kinds of credentials whose calls no rule would ever name.
    void check_kinds(const linted& one)
    {
        const policy::provider_facts& facts = one.provider->facts();
        const yaml_node* credentials = one.root.find("credentials");
        for (std::size_t i = 0; i < facts.credentials.size() && facts.rules.empty(); ++i) {
            const std::string& kind = facts.credentials[i].kind;
            const bool has_table =
                std::any_of(facts.tables.begin(), facts.tables.end(), [&](const auto& table) {
                    return table.kinds.empty() || std::find(table.kinds.begin(), table.kinds.end(),
                                                            kind) != table.kinds.end();
                });
            if (!has_table) {
                add(one, credentials ? &credentials->items[i] : nullptr, lint_level::warning,
                    "a connection of the kind " + kind +
                        " can do nothing: there are no rules, and no table is for it");
            }
        }
    }

    std::vector<lint_finding>& findings_;
};

// The file of each provider, of an id in several directories the last one's, with its tree.
std::map<std::string, linted> find_files(const std::vector<std::string>& directories)
{
    std::map<std::string, linted> by_id;
    for (const std::string& directory : directories) {
        std::set<std::string> files;
        std::error_code error;
        for (auto entry = std::filesystem::directory_iterator(directory, error);
             !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
            if (entry->path().extension() == ".yaml") {
                files.insert(entry->path().string());
            }
        }
        std::set<std::string> ids;
        for (const std::string& name : files) {
            problems reported_elsewhere;
            yaml_file file(name, reported_elsewhere);
            file.load();
            const yaml_node* id = file.root().find("id");
            if (id && ids.insert(id->text).second) {
                const std::string key = id->text;
                by_id[key] = {name, file.take_root(), nullptr};
            }
        }
    }
    return by_id;
}

bool is_wanted(const std::string& file, const std::vector<std::string>& only)
{
    return only.empty() || std::any_of(only.begin(), only.end(), [&](const std::string& one) {
               std::error_code error;
               return std::filesystem::equivalent(one, file, error);
           });
}

lint_report lint_some(const std::vector<std::string>& directories,
                      const std::vector<std::string>& only)
{
    const loaded_catalogue loaded = load_catalogue(directories);
    lint_report report;
    for (const problem& found : loaded.problems) {
        if (only.empty() || is_wanted(found.file, only)) {
            report.findings.push_back({lint_level::error, found});
        }
    }
    std::map<std::string, linted> files = find_files(directories);
    linter checks(report.findings);
    std::vector<linted> sound;
    for (const auto& provider : loaded.catalogue->all()) {
        const auto found = files.find(provider->facts().id);
        if (found != files.end() && is_wanted(found->second.file, only)) {
            found->second.provider = provider.get();
            checks.check(found->second);
            sound.push_back(std::move(found->second));
        }
    }
    checks.check_hosts(sound);
    report.files = sound.size();
    std::stable_sort(report.findings.begin(), report.findings.end(),
                     [](const auto& a, const auto& b) {
                         return std::tie(a.at.file, a.at.line, a.at.column) <
                                std::tie(b.at.file, b.at.line, b.at.column);
                     });
    return report;
}

}  // namespace

lint_report lint(const std::vector<std::string>& directories) { return lint_some(directories, {}); }

lint_report lint_files(const std::vector<std::string>& files)
{
    std::vector<std::string> directories;
    problems missing;
    for (const std::string& file : files) {
        const std::filesystem::path directory = std::filesystem::path(file).parent_path();
        const std::string name = directory.empty() ? "." : directory.string();
        if (std::find(directories.begin(), directories.end(), name) == directories.end()) {
            directories.push_back(name);
        }
        std::error_code error;
        if (!std::filesystem::is_regular_file(file, error)) {
            missing.push_back({file, 0, 0, "cannot be read"});
        }
    }
    lint_report report = lint_some(directories, files);
    for (problem& one : missing) {
        report.findings.push_back({lint_level::error, std::move(one)});
    }
    return report;
}

}  // namespace sallyport::config
