#include "proxy/hop.hpp"

#include <gtest/gtest.h>

namespace sallyport::proxy {
namespace {

TEST(Hop, EndsInBothDirectionsWhatBelongsToOneConnection)
{
    for (const char* name : {"Connection", "keep-alive", "TE", "Trailer", "Transfer-Encoding",
                             "Upgrade", "Content-Length", "Sallyport-Anything"}) {
        EXPECT_TRUE(ends_at_gate(name, direction::to_provider)) << name;
        EXPECT_TRUE(ends_at_gate(name, direction::to_caller)) << name;
    }
}

TEST(Hop, TellsTheDirectionsApart)
{
    for (const char* name : {"Host", "Expect", "HTTP2-Settings", "Connection-Id", "Proxy-Status"}) {
        EXPECT_TRUE(ends_at_gate(name, direction::to_provider)) << name;
        EXPECT_FALSE(ends_at_gate(name, direction::to_caller)) << name;
    }
    for (const char* name : {"Alt-Svc", "Strict-Transport-Security", "Clear-Site-Data"}) {
        EXPECT_FALSE(ends_at_gate(name, direction::to_provider)) << name;
        EXPECT_TRUE(ends_at_gate(name, direction::to_caller)) << name;
    }
    for (const char* name : {"Proxy-Authenticate", "Proxy-Connection"}) {
        EXPECT_TRUE(ends_at_gate(name, direction::to_provider)) << name;
        EXPECT_TRUE(ends_at_gate(name, direction::to_caller)) << name;
    }
}

TEST(Hop, LetsEverythingElseThrough)
{
    for (const char* name : {"Accept", "Trailers", "T", "Content-Type", "Proxy", "X-Connection",
                             "Upgrade-Insecure-Requests", "1", "~"}) {
        EXPECT_FALSE(ends_at_gate(name, direction::to_provider)) << name;
        EXPECT_FALSE(ends_at_gate(name, direction::to_caller)) << name;
    }
}

}  // namespace
}  // namespace sallyport::proxy
