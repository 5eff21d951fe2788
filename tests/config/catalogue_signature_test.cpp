// Credentials that sign: what a file may say of them.
#include "tests/config/catalogue_directory.hpp"

namespace sallyport::config {
namespace {

std::string signing(std::string_view credential)
{
    return "id: example\nbase_url: \"https://s3.{region}.example.com\"\n"
           "variables: [{name: region, where: host, desc: region}]\n"
           "credentials:\n  - " +
           std::string(credential) + "\n";
}

TEST_F(CatalogueTest, ReadsACredentialThatSigns)
{
    write("example.yaml",
          signing("{kind: custom, sign: aws_sigv4, service: s3, region: \"{region}\"}"));
    const loaded_catalogue loaded = load();
    ASSERT_EQ(text_of(loaded.problems), "");
    const policy::credential_kind* kind = loaded.catalogue->find("example")->kind("custom");
    ASSERT_NE(kind, nullptr);
    EXPECT_EQ(kind->sign.service, "s3");
    EXPECT_EQ(kind->sign.region, "{region}");
    EXPECT_TRUE(kind->inject.empty());
}

TEST_F(CatalogueTest, SaysWhatIsWrongWithASignature)
{
    const std::pair<const char*, const char*> cases[] = {
        {"{kind: custom, sign: hmac, service: s3, region: us-east-1}", "expected aws_sigv4"},
        {"{kind: bearer, sign: aws_sigv4, service: s3, region: us-east-1}",
         "only a credential of the kind custom can sign"},
        {"{kind: custom, sign: aws_sigv4, region: us-east-1}", "the key \"service\" is missing"},
        {"{kind: custom, sign: aws_sigv4, service: s3}", "the key \"region\" is missing"},
        {"{kind: custom, sign: aws_sigv4, service: S3/x, region: us-east-1}",
         "expected a service's name, \"s3\""},
        {"{kind: custom, sign: aws_sigv4, service: s3, region: \"{zone}\"}",
         "{zone} is no variable of this provider"},
        {"{kind: custom, sign: aws_sigv4, service: s3, region: \"US East\"}",
         "expected a region, \"us-east-1\" or \"{region}\""},
        {"{kind: custom}", "the key \"inject\" is missing"},
        {"{kind: custom, service: s3, inject: [{in: header, name: A, value: \"{b}\"}]}",
         "unknown key \"service\""},
    };
    for (const auto& [credential, expected] : cases) {
        EXPECT_NE(problems_of(signing(credential)).find(expected), std::string::npos)
            << credential << "\n"
            << problems_of(signing(credential));
    }
}

}  // namespace
}  // namespace sallyport::config
