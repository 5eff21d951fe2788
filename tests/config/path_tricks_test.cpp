// Paths that a server could read in another way, tried against every provider that ships: they are
// refused, or the rule that decides fits the very bytes that would be sent.
#include "policy/path_template.hpp"
#include "tests/config/shipped.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <regex>

namespace sallyport::config {
namespace {

using policy::path_fault;
using policy::request_path;

std::string path_for(std::string_view path)
{
    std::string made;
    for (;;) {
        const std::size_t open = path.find_first_of("{*");
        made += path.substr(0, open);
        if (open == std::string_view::npos) {
            return made;
        }
        if (path[open] == '*') {
            return made + "zz8/zz9";
        }
        made += path[open + 1] == '+' ? "zz1/zz2" : "zz9";
        path.remove_prefix(path.find('}', open) + 1);
    }
}

struct target {
    const policy::provider* provider = nullptr;
    const policy::rule_table* table = nullptr;
    const policy::rule* rule = nullptr;
    std::string path;

    policy::decision decide(const request_path& read) const
    {
        const policy::provider_facts& facts = provider->facts();
        const policy::scope_set everything = policy::scope_set::everything();
        return provider->decide(
            {rule->methods[0] == "*" ? "GET" : rule->methods[0],
             rule->hosts.empty() ? facts.base.host : rule->hosts[0], &read},
            {.kind = table && !table->kinds.empty() ? table->kinds[0] : facts.credentials[0].kind,
             .variant = table ? table->variant : "",
             .granted = &everything,
             .access = policy::operation_class::destructive});
    }
};

// Of every provider: its own rules, and rows from all over its tables.
std::vector<target> targets()
{
    constexpr std::size_t rows_of_a_table = 40;
    std::vector<target> found;
    for (const auto& provider : shipped().catalogue->all()) {
        for (const policy::rule& rule : provider->facts().rules) {
            found.push_back({provider.get(), nullptr, &rule, path_for(rule.path)});
        }
        for (const policy::rule_table& table : provider->facts().tables) {
            const std::size_t step = table.rows.size() / rows_of_a_table + 1;
            for (std::size_t i = 0; i < table.rows.size(); i += step) {
                found.push_back(
                    {provider.get(), &table, &table.rows[i], path_for(table.rows[i].path)});
            }
        }
    }
    return found;
}

// The path with `text` put in after its last slash, and after every other one in turn.
std::vector<std::string> with_inserted(const std::string& path, const std::string& text)
{
    std::vector<std::string> made;
    for (std::size_t at = path.find('/'); at != std::string::npos; at = path.find('/', at + 1)) {
        made.push_back(path.substr(0, at + 1) + text + path.substr(at + 1));
    }
    return made;
}

path_fault read(const policy::provider& provider, const std::string& raw)
{
    request_path path;
    return path.parse(raw, provider.facts().paths);
}

TEST(PathTricks, AreRefusedForEveryProvider)
{
    for (const target& each : targets()) {
        for (const char* segment :
             {"../",         "./",    "%2e%2e/", "%2E%2e/",       ".%2e/",  "%2e/",       "..;x/",
              "%2e%2e;a=b/", "x%5c",  "x\\",     "%00",           "x%00",   "%0a",        "%7f",
              "%252e%252e/", "%252f", "x%255c",  "%c0%ae%c0%ae/", "%c0%af", "%e0%80%ae/", "%/",
              "%2/",         "%zz",   "%u002e/", "\x01",          "x y/",   "\xff"}) {
            for (const std::string& raw : with_inserted(each.path, segment)) {
                EXPECT_NE(read(*each.provider, raw), path_fault::none)
                    << each.provider->facts().id << " " << raw;
            }
        }
    }
}

TEST(PathTricks, NeedTheProvidersLeaveForEmptySegmentsAndEncodedSlashes)
{
    for (const target& each : targets()) {
        const policy::path_allowances& allowed = each.provider->facts().paths;
        for (const std::string& raw : with_inserted(each.path, "/")) {
            const bool inside = raw.find("//") != std::string::npos && !raw.ends_with("//");
            if (inside && !allowed.empty_segments) {
                EXPECT_NE(read(*each.provider, raw), path_fault::none) << raw;
            }
        }
        for (const std::string& raw : with_inserted(each.path, "x%2f")) {
            EXPECT_EQ(read(*each.provider, raw) == path_fault::none, allowed.encoded_slash) << raw;
        }
        for (const std::string& raw : with_inserted(each.path, "..%2f")) {
            EXPECT_NE(read(*each.provider, raw), path_fault::none) << raw;
        }
    }
}

// The template as a regular expression over the decoded path: another reader of the same text.
std::regex expression(const policy::rule& rule, bool fold)
{
    std::string text;
    std::string_view path = rule.path;
    while (!path.empty()) {
        if (path == "/**") {
            text += "(/.*)?";
            break;
        }
        if (path.starts_with("{")) {
            text += path.starts_with("{+") ? "[^/](.*[^/])?" : "[^/]+";
            path.remove_prefix(path.find('}') + 1);
            continue;
        }
        if (std::string_view(".()$^[]|?*+\\").find(path[0]) != std::string_view::npos) {
            text += '\\';
        }
        text += path[0];
        path.remove_prefix(1);
    }
    return std::regex(text,
                      fold ? std::regex::ECMAScript | std::regex::icase : std::regex::ECMAScript);
}

std::string joined(const request_path& path, bool without_parameters)
{
    std::string text;
    for (const std::string_view segment : path.segments()) {
        text += '/';
        text += without_parameters ? segment.substr(0, segment.find(';')) : segment;
    }
    return text;
}

TEST(PathTricks, AreDecidedByARuleThatFitsTheBytesThatAreSent)
{
    std::size_t decided = 0;
    std::size_t denied = 0;
    for (const target& each : targets()) {
        const bool fold = each.provider->facts().path_case_insensitive;
        std::string upper = each.path;
        std::transform(upper.begin(), upper.end(), upper.begin(), [](char c) {
            return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
        });
        std::string escaped = each.path;
        escaped.replace(escaped.size() - 1, 1, [&] {
            constexpr std::string_view digits = "0123456789ABCDEF";
            const auto last = static_cast<unsigned char>(escaped.back());
            return std::string("%") + digits[last >> 4] + digits[last & 15];
        }());
        std::vector<std::string> tricks = {each.path,
                                           upper,
                                           each.path + "/",
                                           each.path + ".",
                                           each.path + "...",
                                           each.path + "%20",
                                           each.path + ";x",
                                           each.path + ";",
                                           each.path + "%3bx",
                                           each.path + ",x",
                                           escaped,
                                           each.path + "%3f",
                                           each.path + "%23"};
        for (std::string& raw : with_inserted(each.path, ";x/")) {
            tricks.push_back(std::move(raw));
        }
        for (const std::string& raw : tricks) {
            request_path path;
            if (path.parse(raw, each.provider->facts().paths) != path_fault::none) {
                continue;
            }
            const policy::decision found = each.decide(path);
            if (!found.decided_by) {
                ++denied;
                continue;
            }
            ++decided;
            const std::regex fits = expression(*found.decided_by, fold);
            EXPECT_TRUE(std::regex_match(joined(path, false), fits))
                << raw << " by " << found.decided_by->source;
            EXPECT_TRUE(std::regex_match(joined(path, true), fits))
                << raw << " by " << found.decided_by->source;
        }
    }
    EXPECT_GT(decided, 1000u);
    EXPECT_GT(denied, 1000u);
}

}  // namespace
}  // namespace sallyport::config
