#include "config/catalogue_file.hpp"
#include "policy/path_template.hpp"

#include <algorithm>
#include <filesystem>
#include <map>
#include <stdexcept>

namespace sallyport::config {
namespace {

using policy::operation_class;
using texts = std::vector<std::string>;

constexpr operation_class classes[] = {operation_class::read, operation_class::write,
                                       operation_class::destructive};

texts methods_of(operation_class cls)
{
    switch (cls) {
        case operation_class::read: return {"GET", "HEAD"};
        case operation_class::write: return {"POST", "PUT", "PATCH"};
        case operation_class::destructive: break;
    }
    return {"DELETE"};
}

// The scopes of which one is enough for a class, where the entry itself names none.
texts usual_scopes(operation_class cls, const policy::provider_facts& facts)
{
    const auto& by_method = facts.about.method_scopes;
    if (!by_method.empty()) {
        const auto own = by_method.find(methods_of(cls).front());
        const auto named = own == by_method.end() ? by_method.find("OTHER") : own;
        return named == by_method.end() ? texts{} : named->second;
    }
    texts scopes;
    for (const policy::scope_description& scope : facts.scopes) {
        const auto its = policy::parse_operation_class(scope.class_name);
        // Scopes that write may delete: the descriptions tell no more than that.
        if (its && (*its >= cls ||
                    (*its == operation_class::write && cls == operation_class::destructive))) {
            scopes.push_back(scope.id);
        }
    }
    return scopes;
}

class coarse_reader {
public:
    coarse_reader(yaml_file& file, yaml_map& top, policy::provider_facts& facts)
        : file_(file), facts_(facts)
    {
        top.read("read_over_post", reads_over_post_);
    }

    void read(const yaml_node& item)
    {
        yaml_map map(file_, item);
        policy::rule made;
        made.source = std::filesystem::path(file_.name()).filename().string() + ":" +
                      std::to_string(item.line) + " (coarse)";
        map.require("path");
        if (!map.read("path", made.path) || !is_template(*map.find("path"), made.path)) {
            return;
        }
        if (const yaml_node* hosts = map.find("hosts")) {
            read_hosts(*hosts, made.hosts);
        }
        for (const operation_class cls : classes) {
            const std::string key(policy::to_string(cls));
            texts scopes = usual_scopes(cls, facts_);
            map.read(key, scopes);
            made.cls = cls;
            made.methods = methods_of(cls);
            std::vector<texts> alternatives;
            for (std::string& scope : scopes) {
                alternatives.push_back({std::move(scope)});
            }
            made.scopes = std::move(alternatives);
            made.operation = key + " " + made.path;
            facts_.rules.push_back(made);
            if (cls == operation_class::read) {
                add_reads_over_post(made);
            }
        }
    }

private:
    bool is_template(const yaml_node& node, const std::string& path)
    {
        try {
            policy::parse_template(path);
            return true;
        } catch (const std::invalid_argument& error) {
            file_.report(node, error.what());
            return false;
        }
    }

    void read_hosts(const yaml_node& list, texts& hosts)
    {
        for (const std::string& name : file_.strings(list).value_or(texts{})) {
            const bool known = name == facts_.base.host ||
                               std::any_of(facts_.hosts.begin(), facts_.hosts.end(),
                                           [&](const auto& host) { return host.host == name; });
            if (known) {
                hosts.push_back(name);
            } else {
                file_.report(list, name + " is neither the base URL's host nor one of hosts");
            }
        }
    }

    // "POST /v1/search" reads with the scopes that reading takes, where the path covers it.
    void add_reads_over_post(policy::rule rule)
    {
        const std::string_view whole = rule.path;
        const std::string_view below = whole.substr(0, whole.find("**"));
        for (const std::string& pattern : texts(reads_over_post_)) {
            const std::size_t space = pattern.find(' ');
            const std::string path = pattern.substr(space + 1);
            if (space == std::string::npos || !path.starts_with(below) ||
                path.find("/**/") != std::string::npos) {
                continue;
            }
            policy::rule made = rule;
            made.methods = {pattern.substr(0, space)};
            made.path = path;
            made.operation = "read " + path;
            facts_.rules.push_back(std::move(made));
        }
    }

    yaml_file& file_;
    policy::provider_facts& facts_;
    texts reads_over_post_;
};

}  // namespace

void read_coarse(yaml_file& file, yaml_map& top, policy::provider_facts& facts)
{
    const yaml_node* list = top.find("coarse");
    if (!list || !file.expect_list(*list)) {
        return;
    }
    coarse_reader reader(file, top, facts);
    for (const yaml_node& item : list->items) {
        reader.read(item);
    }
}

}  // namespace sallyport::config
