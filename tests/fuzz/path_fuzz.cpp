// Paths and decisions. Whatever the bytes are, a path that is accepted obeys the promises of
// policy/path.hpp, and a decision ends, in bounded time, with a rule that covers the method.
//
// Seeds: paths of the provider tables, and the tricks of tests/policy/path_test.cpp, each after one
// byte that picks the method and what the provider's file allows.
#include "policy/explain.hpp"
#include "policy/provider.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

namespace {

using namespace sallyport::policy;

rule make_rule(const char* path)
{
    rule made;
    made.operation = path;
    made.methods = {"GET"};
    made.path = path;
    made.source = path;
    made.scopes = {{"a"}, {"b", "c"}};
    return made;
}

std::unique_ptr<provider> make_provider(path_allowances allowances)
{
    provider_facts facts;
    facts.id = "fuzz";
    facts.base.host = "api.test";
    facts.paths = allowances;
    for (const char* path : {"/a/{x}", "/a/send", "/{+x}/a/{+y}/b/{+z}", "/{x}/{y}/{z}:go",
                             "/a/{+x}/**", "/r(x={v},y={w})", "/{+x}/{y}/a", "/", "/a/{x}/"}) {
        facts.rules.push_back(make_rule(path));
    }
    return std::make_unique<provider>(std::move(facts));
}

void require(bool holds)
{
    if (!holds) {
        std::abort();
    }
}

void check_segments(const request_path& path, path_allowances allowances)
{
    require(path.raw().starts_with('/') && !path.segments().empty());
    require(path.segments().size() <= path_segments_max);
    for (std::size_t i = 0; i < path.segments().size(); ++i) {
        const std::string_view segment = path.segments()[i];
        require(segment != "." && segment != "..");
        require(!segment.starts_with("..;") && !segment.starts_with(".;"));
        require(allowances.encoded_slash || segment.find('/') == std::string_view::npos);
        require(allowances.empty_segments || !segment.empty() || i + 1 == path.segments().size());
        for (const char c : segment) {
            require(c != '\\' && static_cast<unsigned char>(c) >= 0x20 && c != 0x7f);
        }
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    if (size == 0) {
        return 0;
    }
    const path_allowances allowances{.empty_segments = (data[0] & 1) != 0,
                                     .encoded_slash = (data[0] & 2) != 0};
    static const std::unique_ptr<provider> providers[] = {
        make_provider({}), make_provider({true, false}), make_provider({false, true}),
        make_provider({true, true})};
    const provider& provider = *providers[data[0] & 3];
    const std::string_view raw(reinterpret_cast<const char*>(data) + 1, size - 1);

    request_path path;
    if (path.parse(raw, allowances) != path_fault::none) {
        require(path.segments().empty());
        return 0;
    }
    check_segments(path, allowances);
    const scope_set granted = provider.closure({"b", "c"});
    const decision decided = provider.decide(
        {(data[0] & 4) != 0 ? "GET" : "POST", "api.test", &path}, {.granted = &granted});
    require((data[0] & 4) != 0 || decided.outcome == verdict::no_rule);
    require((decided.outcome == verdict::no_rule) == (decided.decided_by == nullptr));
    require(decided.outcome != verdict::allow || decided.alternative == 1);
    return 0;
}
