#include "proxy/body_rewrite.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/proxy/heads.hpp"

namespace sallyport::proxy {
namespace {

using testing::HasSubstr;

const std::vector<std::string> token_and_key{"token", "api_key"};

struct stripping {
    body_fault fault;
    std::string body;
    std::vector<std::string> stripped;
};

stripping strip(body_type type, std::string_view body, bool receives = false,
                const std::vector<std::string>& removed = token_and_key)
{
    stripping out;
    std::vector<std::string_view> stripped;
    out.fault = strip_body(type, body, removed, receives, out.body, stripped);
    out.stripped.assign(stripped.begin(), stripped.end());
    return out;
}

std::string with(body_type type, std::string body, const body_member& member)
{
    body.reserve(body.size() + room_for(member));
    const char* const place = body.data();
    add_to_body(type, member, body);
    EXPECT_EQ(body.data(), place) << "moved: a copy of the credential is left behind";
    return body;
}

struct reading {
    body_fault fault;
    body_type type;
    body_fault coding;
};

reading read_type(const std::string& fields, std::string_view connection = {})
{
    request_head head;
    const std::string bytes = "POST / HTTP/1.1\r\n" + fields + "\r\n";
    EXPECT_EQ(read(bytes, head), head_state::complete) << fields;
    reading out{};
    out.fault = read_body_type(head, connection, out.type);
    out.coding = check_coding(head, connection);
    return out;
}

TEST(JsonBody, LosesTheMembersNamedAndNoOtherByte)
{
    struct {
        std::string body, left;
        std::vector<std::string> stripped;
    } const table[] = {
        {R"({"a": [1, 2.50], "api_key": "mine"})", R"({"a": [1, 2.50]})", {"api_key"}},
        {R"({"token": "mine", "a": 1})", R"({ "a": 1})", {"token"}},
        {R"({"a":1,"token":"mine","b":2})", R"({"a":1,"b":2})", {"token"}},
        {R"({"token":1,"a":1,"token":2,"api_key":3})", R"({"a":1})", {"token", "token", "api_key"}},
        {R"({"token":"mine"})", "{}", {"token"}},
        {"\r\n {\t\"token\" : \"mine\" }\n ", "\r\n {}\n ", {"token"}},
        {R"({"\u0074oken":1,"tok\u0065n":2,"a":3})", R"({"a":3})", {"token", "token"}},
        {R"({"Token":1,"API_KEY":2,"a":3})", R"({"a":3})", {"token", "api_key"}},
        {R"({"token":{"token":[1,{"x":"}"}]},"a":3})", R"({"a":3})", {"token"}},
        {R"({"token":"a\"},{\\","b":"\\\\"})", R"({"b":"\\\\"})", {"token"}},
        {R"({"token":[],"b":[]})", R"({"b":[]})", {"token"}},
        {R"({"token":-1.5e+3})", "{}", {"token"}},
    };
    for (const auto& row : table) {
        const stripping out = strip(body_type::json, row.body);
        EXPECT_EQ(out.fault, body_fault::none) << row.body;
        EXPECT_EQ(out.body, row.left) << row.body;
        EXPECT_EQ(out.stripped, row.stripped) << row.body;
    }
}

TEST(JsonBody, GoesOnByteForByteWithoutAMemberThatIsNamed)
{
    const std::string table[] = {
        "{}",
        "{ \r\n\t}",
        R"({"a":{"token":"nested"},"b":["token",{"token":1}]})",
        R"({"tokens":1,"tok":2,"":3,"\\token":4,"token ":5})",
        R"({ "n" : 2.50 , "big":12345678901234567890123, "e":1E+2,"neg":-0 })",
        R"({"s":"\u00e9 \/ \ud83d\ude00 é","a":1,"a":2})",
        R"({"a":"\"token\":1,","b":"{[","c":"]}"})",
        R"([{"token":1},"token"])",
        R"("token")",
        " null ",
        "1.0",
        "",
    };
    for (const std::string& body : table) {
        const stripping out = strip(body_type::json, body);
        EXPECT_EQ(out.fault, body_fault::none) << body;
        EXPECT_EQ(out.body, body);
        EXPECT_TRUE(out.stripped.empty()) << body;
    }
}

TEST(JsonBody, IsRefusedIfItIsNotJson)
{
    const std::string table[] = {
        " ",
        "{",
        "}",
        "{\"token\":1",
        "{\"token\"}",
        "{\"token\":}",
        "{\"a\":1,}",
        "{,}",
        "{\"a\":1}}",
        "{\"a\":1} x",
        "{} {}",
        "{'token':1}",
        "{token:1}",
        "{\"a\":01}",
        "{\"a\":.5}",
        "{\"a\":+1}",
        "{\"a\":NaN}",
        "{\"a\":1,/**/\"b\":2}",
        "{\"a\":1}//",
        "[1,]",
        "{\"a\":\"\x01\"}",
        "{\"to\nken\":1}",
        "{\"a\":\"\\x41\"}",
        "{\"a\":\"\\u12\"}",
        "{\"to\xffken\":1}",
        "{\"t\xc0\xafoken\":1}",
        "{\"to\\ud800ken\":1}",
        "\xef\xbb\xbf{\"token\":1}",
        "token=mine",
        std::string("{\"a\":1}\0", 8),
        std::string("{\0}", 3),
        std::string("{\0\"\0a\0", 6),
        "tru",
        "nul",
        "\"open",
        "\"a\\\"",
    };
    for (const std::string& body : table) {
        EXPECT_EQ(strip(body_type::json, body).fault, body_fault::malformed) << body;
    }
}

TEST(JsonBody, MayBeNestedToADepth)
{
    const auto nested = [](std::size_t depth) {
        return "{\"token\":" + std::string(depth - 1, '[') + std::string(depth - 1, ']') + "}";
    };
    const stripping deep = strip(body_type::json, nested(json_depth_max));
    EXPECT_EQ(deep.fault, body_fault::none);
    EXPECT_EQ(deep.body, "{}");
    EXPECT_EQ(strip(body_type::json, nested(json_depth_max + 1)).fault, body_fault::malformed);
    EXPECT_EQ(strip(body_type::json, std::string(collected_body_bytes_max, '[')).fault,
              body_fault::malformed);
    std::string objects;
    while (objects.size() < collected_body_bytes_max) {
        objects += "{\"a\":";
    }
    EXPECT_EQ(strip(body_type::json, objects).fault, body_fault::malformed);
}

TEST(JsonBody, OfManyMembersIsReadInOnePass)
{
    std::string body = "{\"a\":0";
    while (body.size() < collected_body_bytes_max - 100) {
        body += ",\"t\\u006fken\":[1,\"x\"]";
    }
    body += "}";
    const stripping out = strip(body_type::json, body);
    EXPECT_EQ(out.fault, body_fault::none);
    EXPECT_EQ(out.body, "{\"a\":0}");
    EXPECT_GT(out.stripped.size(), 40'000u);
}

TEST(JsonBody, MustBeAnObjectToReceiveACredential)
{
    for (const std::string body : {"[]", "[{\"a\":1}]", "\"x\"", "1", "null", " true "}) {
        EXPECT_EQ(strip(body_type::json, body, true).fault, body_fault::no_place) << body;
    }
    EXPECT_EQ(strip(body_type::json, "{}", true).fault, body_fault::none);
    EXPECT_EQ(strip(body_type::json, "", true).fault, body_fault::no_body);
    EXPECT_EQ(strip(body_type::form, "", true).fault, body_fault::no_body);
    EXPECT_EQ(strip(body_type::multipart, "--x--", true).fault, body_fault::no_place);
    EXPECT_EQ(strip(body_type::other, "x", true).fault, body_fault::no_place);
}

TEST(JsonBody, ReceivesAMemberAtItsEnd)
{
    const std::pair<std::string, std::string> table[] = {
        {"{}", R"({"api_key":"k"})"},
        {" {\n}\n", " {\n\"api_key\":\"k\"}\n"},
        {R"({"a": [1, 2.50]})", R"({"a": [1, 2.50],"api_key":"k"})"},
        {R"({"a":{}})", R"({"a":{},"api_key":"k"})"},
        {R"({"a":"}{"} )", R"({"a":"}{","api_key":"k"} )"},
    };
    for (const auto& [body, expected] : table) {
        EXPECT_EQ(with(body_type::json, body, {"api_key", "k"}), expected);
    }
    EXPECT_EQ(with(body_type::json, "{}", {"a\"b", "q\"\\/é"}), R"({"a\"b":"q\"\\/é"})");
    EXPECT_EQ(with(body_type::json, "{}", {"k", std::string(1000, '"')}).size(), 2008u);
}

TEST(FormBody, LosesTheFieldsNamedAndNoOtherByte)
{
    struct {
        std::string body, left;
        std::size_t stripped;
    } const table[] = {
        {"token=mine&a=1", "a=1", 1},
        {"a=%41+b&token=mine&b=2.50&", "a=%41+b&b=2.50&", 1},
        {"tok%65n=1&%74oken=2&a", "a", 2},
        {"a=1;token=mine&b=2", "b=2", 1},
        {"token", "", 1},
        {"a=token&tokens=1&xtoken=2", "a=token&tokens=1&xtoken=2", 0},
        {"", "", 0},
    };
    for (const auto& row : table) {
        const stripping out = strip(body_type::form, row.body);
        EXPECT_EQ(out.fault, body_fault::none) << row.body;
        EXPECT_EQ(out.body, row.left) << row.body;
        EXPECT_EQ(out.stripped.size(), row.stripped) << row.body;
    }
}

TEST(FormBody, ReceivesAFieldEscaped)
{
    EXPECT_EQ(with(body_type::form, "a=1", {"api_key", "k"}), "a=1&api_key=k");
    EXPECT_EQ(with(body_type::form, "", {"a b", "k&x=1+2%é"}), "a%20b=k%26x%3D1%2B2%25%C3%A9");
}

std::string part(const std::string& disposition)
{
    return "--b\r\nContent-Disposition: form-data; " + disposition + "\r\n\r\nvalue\r\n--b--\r\n";
}

TEST(MultipartBody, IsRefusedIfAPartMayBeACarrier)
{
    const std::string table[] = {
        "name=\"token\"",
        "name=token",
        "name='token'",
        "NAME=\"Token\"",
        "name = \"token\"",
        "filename=\"x\"; name=\"token\"",
        "name=\"a\"; name=\"token\"",
        "name=\"t\\oken\"",
        "name=\"tok%65n\"",
        "name=\" token \"",
        "name*=utf-8''token",
        "name*0=\"tok\"; name*1=\"en\"",
        "name=\r\n \"token\"",
        "\r\n name=\"token\"",
        "name=\"token",
        "name=token; x=y",
        "name=token x",
        "name=\"=?utf-8?Q?token?=\"",
        "x=\"\\\"; name=\"token\"",
        std::string("name=\"token\0x\"", 14),
        "name=\"file\"\n\nname=\"token\"",
    };
    for (const std::string& disposition : table) {
        EXPECT_EQ(strip(body_type::multipart, part(disposition)).fault, body_fault::carrier_in_part)
            << disposition;
    }
    std::string lower_case = "--b\ncontent-disposition:form-data;name=\"token\"\n\nv\n--b--\n";
    EXPECT_EQ(strip(body_type::multipart, lower_case).fault, body_fault::carrier_in_part);
    EXPECT_EQ(strip(body_type::multipart, part("name=\"file\"") + part("name=\"api_key\"")).fault,
              body_fault::carrier_in_part);
}

TEST(MultipartBody, GoesOnByteForByteOtherwise)
{
    const std::string table[] = {
        part("name=\"file\"; filename=\"token\"") + "token=1\r\nname=\"token\"",
        part("name=\"tokens\""),
        part("name=\"x token\""),
        part("name"),
        part("name="),
        part("surname=\"token\""),
        "--b\r\nContent-Disposition",
        "",
    };
    for (const std::string& body : table) {
        const stripping out = strip(body_type::multipart, body);
        EXPECT_EQ(out.fault, body_fault::none) << body;
        EXPECT_EQ(out.body, body);
    }
}

TEST(BodyType, IsReadFromTheOneFieldThatTravelsOn)
{
    struct {
        std::string fields;
        body_fault fault;
        body_type type;
    } const table[] = {
        {"Content-Type: application/json\r\n", body_fault::none, body_type::json},
        {"content-type: Application/JSON ; charset=\"UTF-8\"\r\n", body_fault::none,
         body_type::json},
        {"Content-Type: text/json\r\n", body_fault::none, body_type::json},
        {"Content-Type: application/vnd.api+json;v=1\r\n", body_fault::none, body_type::json},
        {"Content-Type: application/x-www-form-urlencoded;charset=utf-8\r\n", body_fault::none,
         body_type::form},
        {"Content-Type: multipart/form-data; boundary=b\r\n", body_fault::none,
         body_type::multipart},
        {"Content-Type: application/jsonl\r\n", body_fault::none, body_type::other},
        {"Content-Type: text/plain; charset=utf-16\r\n", body_fault::none, body_type::other},
        {"", body_fault::type_missing, body_type::other},
        {"Content-Type:\r\n", body_fault::type_missing, body_type::other},
        {"Content_Type: application/json\r\n", body_fault::type_missing, body_type::other},
        {"Content-Type: text/plain\r\nContent-Type: application/json\r\n",
         body_fault::type_ambiguous, body_type::other},
        {"Content-Type: json\r\n", body_fault::type_ambiguous, body_type::other},
        {"Content-Type: text/plain, application/json\r\n", body_fault::type_ambiguous,
         body_type::other},
        {"Content-Type: application/json; charset=utf-16\r\n", body_fault::type_ambiguous,
         body_type::json},
        {"Content-Type: application/json; x=y;CHARSET = utf-7\r\n", body_fault::type_ambiguous,
         body_type::json},
        {"Content-Type: application/json; charset\r\n", body_fault::type_ambiguous,
         body_type::json},
    };
    for (const auto& row : table) {
        const reading out = read_type(row.fields);
        EXPECT_EQ(out.fault, row.fault) << row.fields;
        EXPECT_EQ(out.type, row.type) << row.fields;
    }
    EXPECT_EQ(read_type("Content-Type: text/plain\r\n", "close, content-type").fault,
              body_fault::type_missing);
}

TEST(BodyType, TellsWhetherTheBodyIsCompressed)
{
    EXPECT_EQ(read_type("").coding, body_fault::none);
    EXPECT_EQ(read_type("Content-Encoding: identity\r\n").coding, body_fault::none);
    EXPECT_EQ(read_type("Content-Encoding: gzip\r\n").coding, body_fault::encoded);
    EXPECT_EQ(read_type("Content-Encoding: identity\r\nContent-Encoding: br\r\n").coding,
              body_fault::encoded);
    EXPECT_EQ(read_type("Content-Encoding: identity, gzip\r\n").coding, body_fault::encoded);
}

TEST(BodyFault, IsDescribedInASentence)
{
    for (auto value = static_cast<unsigned>(body_fault::type_missing);
         value <= static_cast<unsigned>(body_fault::too_large); ++value) {
        EXPECT_THAT(std::string(describe(static_cast<body_fault>(value))), HasSubstr("."));
    }
    EXPECT_EQ(describe(body_fault::none), "");
}

}  // namespace
}  // namespace sallyport::proxy
