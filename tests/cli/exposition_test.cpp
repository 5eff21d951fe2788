#include "cli/exposition.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace sallyport::cli {
namespace {

TEST(Exposition, AnnouncesAFamilyBeforeItsSamples)
{
    exposition out;
    out.family("calls_total", "counter", "Calls");
    out.sample({{"provider", "github"}, {"code", "ok"}}, std::uint64_t{7});
    out.family("up", "gauge", "Is it?");
    out.sample(1);
    EXPECT_EQ(out.take(),
              "# HELP calls_total Calls\n# TYPE calls_total counter\n"
              "calls_total{provider=\"github\",code=\"ok\"} 7\n"
              "# HELP up Is it?\n# TYPE up gauge\nup 1\n");
}

TEST(Exposition, EscapesLabels)
{
    exposition out;
    out.family("a", "gauge", "b");
    out.sample({{"x", "q\"b\\s\nn"}}, std::uint64_t{0});
    EXPECT_NE(out.take().find(R"(a{x="q\"b\\s\nn"} 0)"), std::string::npos);
}

TEST(Exposition, SumsBucketsUp)
{
    exposition out;
    out.family("t", "histogram", "Time");
    const double bounds[] = {0.5, 1};
    const std::uint64_t counts[] = {2, 0, 3};
    out.histogram({{"p", "q"}}, bounds, counts, 4.25);
    const std::string text = out.take();
    EXPECT_NE(
        text.find("t_bucket{p=\"q\",le=\"0.5\"} 2\nt_bucket{p=\"q\",le=\"1\"} 2\n"
                  "t_bucket{p=\"q\",le=\"+Inf\"} 5\nt_sum{p=\"q\"} 4.25\nt_count{p=\"q\"} 5\n"),
        std::string::npos)
        << text;
}

TEST(Exposition, WritesWhatHasNoEnd)
{
    exposition out;
    out.family("lease", "gauge", "Left");
    out.sample({}, std::numeric_limits<double>::infinity());
    EXPECT_NE(out.take().find("lease +Inf\n"), std::string::npos);
}

}  // namespace
}  // namespace sallyport::cli
