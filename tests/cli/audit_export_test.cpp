#include "cli/audit_export.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <gtest/gtest.h>

#include <sstream>

#include "cli/audit_stats.hpp"

namespace sallyport::cli {
namespace {

namespace json = boost::json;

const std::string outcome =
    R"({"id":"01ARYZ6S41TSV4RRFFQ69G5FAV","time":"2026-11-20T10:08:35.000042Z","kind":"call.outcome",)"
    R"("node":"gate-1","writer":"w0-1","seq":7,"call_id":"01CALL","workspace":"acme","app":"mailer",)"
    R"("run":"r1","user":"u_42","connection_id":"conn_1","provider":"github","method":"DELETE",)"
    R"("host":"api.github.com","path":"/user/keys/1","operation":"DELETE /user/keys/{id}",)"
    R"("class":"destructive","scopes_used":["admin:public_key","x"],"decision":"allow",)"
    R"("status":204,"duration_us":1900,"upstream_us":1700,"client":"10.0.0.7:4711","prev":"00","hash":"11"})";

// The attributes that OCSF 1.3 requires of API Activity, and the types it gives them.
TEST(Ocsf, HasEveryRequiredAttributeOfApiActivityWithItsType)
{
    const json::object event = json::parse(to_ocsf(outcome)).as_object();
    for (const char* integer : {"activity_id", "category_uid", "class_uid", "severity_id", "time",
                                "type_uid", "status_id"}) {
        ASSERT_TRUE(event.contains(integer)) << integer;
        EXPECT_TRUE(event.at(integer).is_int64()) << integer;
    }
    EXPECT_EQ(event.at("class_uid").as_int64(), 6003);
    EXPECT_EQ(event.at("category_uid").as_int64(), 6);
    EXPECT_EQ(event.at("activity_id").as_int64(), 4);  // Delete
    EXPECT_EQ(event.at("type_uid").as_int64(), 600304);
    EXPECT_EQ(event.at("time").as_int64(), 1795169315000);
    EXPECT_EQ(event.at("actor").at("user").at("name").as_string(), "u_42");
    EXPECT_EQ(event.at("api").at("operation").as_string(), "DELETE /user/keys/{id}");
    EXPECT_EQ(event.at("src_endpoint").at("ip").as_string(), "10.0.0.7");
    EXPECT_EQ(event.at("src_endpoint").at("port").as_int64(), 4711);
    EXPECT_TRUE(event.at("metadata").at("version").is_string());
    EXPECT_EQ(event.at("metadata").at("product").at("vendor_name").as_string(), "Sallyport");
    EXPECT_EQ(event.at("unmapped").at("scopes_used").as_array().size(), 2u);
}

TEST(Ocsf, KeepsItsRequirementsForLinesThatSayLittle)
{
    for (
        const char* line :
        {R"({"id":"1","time":"2026-11-20T10:08:35.000042Z","kind":"gate.started","seq":1,"actor":"gate"})",
         R"({"id":"2","time":"2026-11-20T10:08:35.000042Z","kind":"call.refused","seq":2,"client":"[::1]:80"})",
         R"({"id":"3","time":"x","kind":"trail.gap","seq":3,"client":"unix"})"}) {
        const json::object event = json::parse(to_ocsf(line)).as_object();
        EXPECT_FALSE(event.at("api").at("operation").as_string().empty()) << line;
        EXPECT_FALSE(event.at("actor").at("user").at("name").as_string().empty()) << line;
        EXPECT_FALSE(event.at("src_endpoint").as_object().empty()) << line;
        EXPECT_EQ(event.at("type_uid").as_int64(), 600300 + event.at("activity_id").as_int64());
    }
    EXPECT_EQ(to_ocsf("no line"), "");
}

TEST(Csv, QuotesWhatNeedsItAndDisarmsFormulas)
{
    const std::string header = csv_header(), row = to_csv(outcome);
    const auto commas = [](const std::string& text) {
        return std::count(text.begin(), text.end(), ',');
    };
    EXPECT_EQ(commas(header), commas(row));
    EXPECT_NE(row.find(",admin:public_key x,"), std::string::npos);
    const std::string bad = to_csv(R"({"id":"=1+1","user":"a,\"b\"","app":"@x"})");
    EXPECT_TRUE(bad.starts_with("'=1+1,")) << bad;
    EXPECT_NE(bad.find(R"("a,""b""")"), std::string::npos) << bad;
    EXPECT_NE(bad.find(",'@x,"), std::string::npos) << bad;
}

TEST(LatencyCounts, GivePercentilesWithinABucket)
{
    latency_counts counts;
    EXPECT_EQ(counts.percentile(0.5), 0u);
    for (std::uint64_t i = 1; i <= 1000; ++i) {
        counts.add(i * 100);
    }
    EXPECT_NEAR(static_cast<double>(counts.percentile(0.5)), 50'000, 50'000 * 0.07);
    EXPECT_NEAR(static_cast<double>(counts.percentile(0.99)), 99'000, 99'000 * 0.07);
    EXPECT_GE(counts.percentile(1.0 - 1e-9), 100'000u);
}

TEST(AuditStats, CountsCallsRefusalsAndWhatHasNoOutcome)
{
    audit_stats stats;
    const std::string intent =
        R"({"kind":"call.intent","time":"a","connection_id":"conn_1","scopes_used":["repo"]})";
    stats.add(intent);
    stats.add(intent);
    stats.add(outcome);
    stats.add(
        R"({"kind":"call.refused","time":"b","decision":"deny","provider":"github","code":"scope_missing","count":5})");
    stats.add("no line");
    const json::object sums = stats.to_json();
    EXPECT_EQ(sums.at("lines").to_number<int>(), 4);
    EXPECT_EQ(sums.at("without_outcome").to_number<int>(), 1);
    EXPECT_EQ(sums.at("providers").at("github").at("calls").to_number<int>(), 1);
    EXPECT_EQ(sums.at("providers").at("github").at("refused").to_number<int>(), 5);
    EXPECT_EQ(sums.at("top_refusals").as_array().at(0).at("code").as_string(), "scope_missing");
    EXPECT_EQ(stats.scopes_used().at("conn_1"), std::set<std::string>{"repo"});
    std::ostringstream text;
    stats.print(text);
    EXPECT_NE(text.str().find("1 calls have no outcome"), std::string::npos) << text.str();
}

}  // namespace
}  // namespace sallyport::cli
