#include "base/secret_file.hpp"

#include <gtest/gtest.h>

#include <cstdlib>

namespace sallyport {
namespace {

TEST(SecretFile, IsTheOwnersAlone)
{
    ::unsetenv("CREDENTIALS_DIRECTORY");
    EXPECT_FALSE(exposed_to_others("/srv/key", 0600));
    EXPECT_FALSE(exposed_to_others("/srv/key", 0400));
    for (const mode_t mode : {0640, 0620, 0610, 0604, 0602, 0601}) {
        EXPECT_TRUE(exposed_to_others("/srv/key", mode)) << mode;
    }
}

TEST(SecretFile, MayBeACredentialOfTheServiceManager)
{
    ::setenv("CREDENTIALS_DIRECTORY", "/run/credentials/sallyport.service", 1);
    EXPECT_FALSE(exposed_to_others("/run/credentials/sallyport.service/master.key", 0440));
    EXPECT_TRUE(exposed_to_others("/run/credentials/sallyport.service/master.key", 0460));
    EXPECT_TRUE(exposed_to_others("/run/credentials/sallyport.service/master.key", 0444));
    EXPECT_TRUE(exposed_to_others("/run/credentials/sallyport.service/below/master.key", 0440));
    EXPECT_TRUE(exposed_to_others("/run/credentials/other.service/master.key", 0440));
    EXPECT_TRUE(exposed_to_others("master.key", 0440));
    ::setenv("CREDENTIALS_DIRECTORY", "", 1);
    EXPECT_TRUE(exposed_to_others("/master.key", 0440));
    ::unsetenv("CREDENTIALS_DIRECTORY");
}

}  // namespace
}  // namespace sallyport
