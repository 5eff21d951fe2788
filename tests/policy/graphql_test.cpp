#include "policy/graphql.hpp"

#include <gtest/gtest.h>

namespace sallyport::policy {
namespace {

using fields = std::vector<std::string>;

graphql_type type_of(std::string_view document, std::string_view name = "")
{
    return read_graphql_document(document, name).type;
}

TEST(GraphQl, TellsQueriesFromMutations)
{
    EXPECT_EQ(type_of("{ viewer { login } }"), graphql_type::query);
    EXPECT_EQ(type_of("query { viewer { login } }"), graphql_type::query);
    EXPECT_EQ(type_of("query Q($n: Int = 3, $o: O = {a: [1, 2]}) @live { a(n: $n) { b } }"),
              graphql_type::query);
    EXPECT_EQ(type_of("mutation { issueCreate(input: {title: \"a\"}) { id } }"),
              graphql_type::mutation);
    EXPECT_EQ(type_of("\xef\xbb\xbf mutation M{a}"), graphql_type::mutation);
    EXPECT_EQ(type_of("fragment F on User { a } query { ...F }"), graphql_type::query);
    EXPECT_EQ(type_of("query { mutation }"), graphql_type::query);
    EXPECT_EQ(type_of("mutation { query }"), graphql_type::mutation);
}

TEST(GraphQl, IsNotMisledByTextsAndComments)
{
    EXPECT_EQ(type_of("# query {a}\nmutation { a }"), graphql_type::mutation);
    EXPECT_EQ(type_of("# x\rmutation { a } #"), graphql_type::mutation);
    EXPECT_EQ(type_of(R"({ a(s: "} mutation { b") })"), graphql_type::query);
    EXPECT_EQ(type_of(R"({ a(s: "\"} mutation { b") })"), graphql_type::query);
    EXPECT_EQ(type_of(R"({ a(s: """ " \""" } mutation { b """) })"), graphql_type::query);
    EXPECT_EQ(type_of("{ a(s: \"\") } mutation M { b }"), graphql_type::none);
    EXPECT_EQ(type_of("{ a(s: \"x\ny\") }"), graphql_type::none);
}

TEST(GraphQl, RunsTheOperationThatIsNamed)
{
    const std::string_view both = "query Read { a } mutation Write { b }";
    EXPECT_EQ(type_of(both, "Read"), graphql_type::query);
    EXPECT_EQ(type_of(both, "Write"), graphql_type::mutation);
    EXPECT_EQ(type_of(both), graphql_type::none);
    EXPECT_EQ(type_of(both, "write"), graphql_type::none);
    EXPECT_EQ(type_of("query A { a } mutation A { b }", "A"), graphql_type::none);
    EXPECT_EQ(type_of("{ a } mutation A { b }", "A"), graphql_type::none);
    EXPECT_EQ(type_of("mutation A { b }", "other"), graphql_type::mutation);
}

TEST(GraphQl, NamesTheRootFieldsWithoutTheirAliases)
{
    const auto roots = [](std::string_view document) {
        return read_graphql_document(document, "").root_fields;
    };
    EXPECT_EQ(roots("mutation { safe: issueDelete(id: 1) { ok } b @skip(if: false) }"),
              (fields{"issueDelete", "b"}));
    EXPECT_EQ(roots("{ a { b c } d }"), (fields{"a", "d"}));
    EXPECT_EQ(roots("{ a ...F } fragment F on Q { b }"), std::nullopt);
    EXPECT_EQ(roots("{ ... on Q { b } }"), std::nullopt);
    EXPECT_EQ(roots("{ ... @include(if: true) { b } }"), std::nullopt);
    EXPECT_EQ(roots("{ ...F c }"), std::nullopt);
}

TEST(GraphQl, RefusesWhatIsNoRequest)
{
    for (const char* document : {"",
                                 " ",
                                 "# nothing",
                                 "{}",
                                 "{",
                                 "{ a",
                                 "{ a } }",
                                 "{ a(b: ] ) }",
                                 "{ a: }",
                                 "{ : a }",
                                 "subscription { a }",
                                 "type A { b: C }",
                                 "schema { query: Q }",
                                 "extend type A { b: C }",
                                 "query",
                                 "query Q",
                                 "query Q { a } garbage",
                                 "query Q ! { a }",
                                 "{ a(b: \"x) }",
                                 "{ a ; }",
                                 "{ a(s: \"\"\"x) }",
                                 "\"description\" query { a }",
                                 "{ \xc3\xa9 }",
                                 "fragment F on A {a}",
                                 "QUERY { a }",
                                 "{ a @ }",
                                 "{ ... }}",
                                 "{ a(b: %) }"}) {
        EXPECT_EQ(type_of(document), graphql_type::none) << document;
    }
}

TEST(GraphQl, IsBounded)
{
    const auto nested = [](std::size_t depth) {
        std::string document = "{ a";
        for (std::size_t i = 0; i < depth; ++i) {
            document += "{ a";
        }
        return document + std::string(depth, '}') + "}";
    };
    EXPECT_EQ(type_of(nested(graphql_depth_max)), graphql_type::query);
    EXPECT_EQ(type_of(nested(graphql_depth_max + 1)), graphql_type::none);
    std::string many = "{ a(x: [";
    for (std::size_t i = 0; i < graphql_tokens_max; ++i) {
        many += "1 ";
    }
    EXPECT_EQ(type_of(many + "]) }"), graphql_type::none);
    std::string wide = "{";
    for (std::size_t i = 0; i <= graphql_root_fields_max; ++i) {
        wide += " a";
    }
    EXPECT_EQ(type_of(wide + "}"), graphql_type::none);
    std::string operations;
    for (std::size_t i = 0; i <= graphql_operations_max; ++i) {
        operations += "query Q" + std::to_string(i) + " { a } ";
    }
    EXPECT_EQ(type_of(operations, "Q1"), graphql_type::none);
}

TEST(GraphQlBody, ReadsTheFourMembersOfARequest)
{
    const auto type = [](std::string_view body) { return read_graphql_body(body).type; };
    EXPECT_EQ(type(R"({"query": "{ a }"})"), graphql_type::query);
    EXPECT_EQ(type(R"( {"query":"mutation{a}","variables":{"x":[1,{"y":null}]}} )"),
              graphql_type::mutation);
    EXPECT_EQ(type(R"({"query":"query A{a} mutation B{b}","operationName":"B"})"),
              graphql_type::mutation);
    EXPECT_EQ(type(R"({"operationName":null,"query":"{a}","variables":null,"extensions":{}})"),
              graphql_type::query);
    EXPECT_EQ(type(R"({"query":"\u006dutation { a }"})"), graphql_type::mutation);
    EXPECT_EQ(type(R"({"qu\u0065ry":"{ a(s: \"\uD83D\uDE00\") }"})"), graphql_type::query);
    EXPECT_EQ(type(R"({"query":"{a}","extensions":{"clientLibrary":{"name":"x"}}})"),
              graphql_type::query);
}

TEST(GraphQlBody, RefusesWhatTwoServersCouldReadInTwoWays)
{
    for (const char* body :
         {"",
          "{}",
          "null",
          "[]",
          "\"{ a }\"",
          R"([{"query":"{a}"}])",
          R"({"query":"{a}"}{})",
          R"({"query":"{a}","query":"mutation{b}"})",
          R"({"query":"{a}","qu\u0065ry":"mutation{b}"})",
          R"({"query":null})",
          R"({"query":["{a}"]})",
          R"({"query":"{a}","Query":"mutation{b}"})",
          R"({"query":"{a}","documentId":"7"})",
          R"({"id":"7"})",
          R"({"query":"{a}","operationName":7})",
          R"({"query":"{a}","extensions":{"persistedQuery":{"sha256Hash":"x"}}})",
          R"({"query":"{a}","variables":[]})",
          R"({"query":"{a}",})",
          R"({'query':'{a}'})",
          R"({"query":"{a}" /**/})",
          R"({"query":"\ud800{a}"})",
          R"({"query":"\x{a}"})",
          R"({"query":"{a}","variables":{"a":}})",
          "{\"query\":\"{a\n}\"}",
          R"({"query":"{a}")"}) {
        EXPECT_EQ(read_graphql_body(body).type, graphql_type::none) << body;
    }
    std::string deep = R"({"query":"{a}","variables":{"a":)";
    deep += std::string(5000, '[') + std::string(5000, ']') + "}}";
    EXPECT_EQ(read_graphql_body(deep).type, graphql_type::none);
}

}  // namespace
}  // namespace sallyport::policy
