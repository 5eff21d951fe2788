#include "proxy/trace.hpp"

#include <gtest/gtest.h>

#include "base/ulid.hpp"
#include "tests/proxy/heads.hpp"

namespace sallyport::proxy {
namespace {

constexpr std::string_view call_id = "01JD3X5C7ZABCDEFGHJKMNPQRS";
const std::string trace_id = "4bf92f3577b34da6a3ce929d0e0e4736";

trace_context read_fields(const std::string& fields)
{
    const std::string bytes = "GET / HTTP/1.1\r\nHost: gate\r\n" + fields + "\r\n";
    request_head head;
    EXPECT_EQ(read(bytes, head), head_state::complete) << bytes;
    trace_context trace;
    trace.read(head, call_id);
    return trace;
}

trace_context read_parent(const std::string& value)
{
    return read_fields("traceparent: " + value + "\r\n");
}

TEST(Trace, KeepsTheTraceAndBecomesItsNextSpan)
{
    const trace_context trace = read_parent("00-" + trace_id + "-00f067aa0ba902b7-01");
    ASSERT_TRUE(trace.known());
    EXPECT_EQ(trace.trace_id(), trace_id);
    EXPECT_EQ(trace.span_id().size(), 16u);
    EXPECT_NE(trace.span_id(), "00f067aa0ba902b7");
    EXPECT_EQ(trace.parent(), "00-" + trace_id + "-" + std::string(trace.span_id()) + "-01");
}

TEST(Trace, NumbersItsSpanByTheCall)
{
    const trace_context trace = read_parent("00-" + trace_id + "-00f067aa0ba902b7-00");
    std::string expected;
    const auto id = ulid::parse(call_id);
    ASSERT_TRUE(id);
    for (std::size_t i = 8; i < 16; ++i) {
        char digits[3];
        std::snprintf(digits, sizeof digits, "%02x", id->bytes[i]);
        expected += digits;
    }
    EXPECT_EQ(trace.span_id(), expected);
}

TEST(Trace, IsNotMadeUpWhereThereIsNone)
{
    const trace_context trace = read_fields("tracestate: a=b\r\n");
    EXPECT_FALSE(trace.known());
    EXPECT_EQ(trace.parent(), "");
    EXPECT_EQ(trace.trace_id(), "");
    EXPECT_EQ(trace.span_id(), "");
}

TEST(Trace, DropsAParentThatCannotBeRead)
{
    const std::string good = "00-" + trace_id + "-00f067aa0ba902b7-01";
    ASSERT_TRUE(read_parent(good).known());
    for (const std::string& bad :
         {std::string(), good.substr(1), good + "0", good + "-x", "ff" + good.substr(2),
          "0" + good.substr(0, 1) + good.substr(3), "00-" + std::string(32, '0') + good.substr(35),
          good.substr(0, 36) + std::string(16, '0') + good.substr(52),
          std::string("00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01"),
          good.substr(0, 53) + "0g", "00_" + good.substr(3), good + ", " + good}) {
        EXPECT_FALSE(read_parent(bad).known()) << bad;
    }
    EXPECT_FALSE(read_fields("traceparent: " + good + "\r\nTraceparent: " + good + "\r\n").known());
}

TEST(Trace, ReadsWhatALaterVersionBeginsWith)
{
    const std::string tail = trace_id + "-00f067aa0ba902b7-01";
    EXPECT_TRUE(read_parent("01-" + tail).known());
    EXPECT_TRUE(read_parent("cc-" + tail + "-what-is-to-come").known());
    EXPECT_FALSE(read_parent("01-" + tail + ".").known());
    EXPECT_TRUE(read_parent("cc-" + tail + "-x").parent().starts_with("00-"));
}

TEST(Trace, PassesOnNoFlagWithoutAMeaning)
{
    EXPECT_TRUE(read_parent("00-" + trace_id + "-00f067aa0ba902b7-ff").parent().ends_with("-03"));
    EXPECT_TRUE(read_parent("00-" + trace_id + "-00f067aa0ba902b7-f4").parent().ends_with("-00"));
}

TEST(Trace, ConsistsOfTwoFields)
{
    EXPECT_TRUE(belongs_to_trace("traceparent"));
    EXPECT_TRUE(belongs_to_trace("TraceState"));
    EXPECT_FALSE(belongs_to_trace("tracestates"));
    EXPECT_FALSE(belongs_to_trace("x-trace"));
    EXPECT_FALSE(belongs_to_trace(""));
}

}  // namespace
}  // namespace sallyport::proxy
