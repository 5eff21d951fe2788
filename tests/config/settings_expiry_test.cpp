// How long before their end connections are told of.
#include <gtest/gtest.h>

#include "tests/config/settings_directory.hpp"

namespace sallyport::config {
namespace {

using namespace std::chrono_literals;
using SettingsExpiry = SettingsTest;

TEST_F(SettingsExpiry, IsAWeekUnlessSaidOtherwiseAndCanBeOff)
{
    const auto warning = [this](const char* yaml) {
        EXPECT_EQ(directory->problems(yaml), "") << yaml;
        return directory->load(yaml).settings.control.expiry_warning;
    };
    EXPECT_EQ(warning("control: {}"), 168h);
    EXPECT_EQ(warning("control: {expiry_warning: 36h}"), 36h);
    EXPECT_EQ(warning("control: {expiry_warning: \"\"}"), 0ms);
}

TEST_F(SettingsExpiry, OutOfRangeOrNoDurationIsReportedWhereItStands)
{
    for (const char* yaml : {"control: {expiry_warning: 1s}", "control: {expiry_warning: 8761h}",
                             "control: {expiry_warning: 7d}", "control: {expiry_warning: [1h]}"}) {
        EXPECT_NE(directory->problems(yaml).find("1:27"), std::string::npos)
            << directory->problems(yaml);
    }
}

}  // namespace
}  // namespace sallyport::config
