#include "catalogue_directory.hpp"

namespace sallyport::config {
namespace {

class CaptureBodies : public CatalogueTest {
protected:
    policy::body_capture read(std::string_view text)
    {
        EXPECT_EQ(problems_of(std::string(head) + std::string(text)), "");
        return load().catalogue->find("example")->facts().capture;
    }
    std::string wrong(std::string_view text)
    {
        return problems_of(std::string(head) + std::string(text));
    }
};

TEST_F(CaptureBodies, AreOffUnlessTheFileAsksForThem) { EXPECT_FALSE(read("").is_on()); }

TEST_F(CaptureBodies, AreReadWithTheirLimitsAndTypes)
{
    const policy::body_capture both = read(
        "capture_bodies: {request: 64KiB, response: 100B, content_types: [Application/JSON, "
        "\"text/*\"]}\n");
    EXPECT_EQ(both.request_bytes, policy::captured_bytes_max);
    EXPECT_EQ(both.response_bytes, 100u);
    EXPECT_EQ(both.content_types, (std::vector<std::string>{"application/json", "text/*"}));
    EXPECT_EQ(read("capture_bodies: {response: 1KiB}\n").request_bytes, 0u);
}

TEST_F(CaptureBodies, AreRefusedBeyondTheGatesOwnLimit)
{
    EXPECT_NE(wrong("capture_bodies: {request: 65KiB}\n").find("example.yaml:4:"),
              std::string::npos);
    EXPECT_NE(wrong("capture_bodies: {response: 0}\n"), "");
    EXPECT_NE(wrong("capture_bodies: {response: much}\n"), "");
}

TEST_F(CaptureBodies, AreRefusedWhereTheyNameNothing)
{
    EXPECT_NE(wrong("capture_bodies: {}\n").find("names neither request nor response"),
              std::string::npos);
    EXPECT_NE(wrong("capture_bodies: {request: 1KiB, content_types: []}\n").find("is empty"),
              std::string::npos);
    EXPECT_NE(wrong("capture_bodies: {request: 1KiB, content_types: [json]}\n")
                  .find("expected a media type"),
              std::string::npos);
    EXPECT_NE(wrong("capture_bodies: {request: 1KiB, answer: 1KiB}\n"), "");
    EXPECT_NE(wrong("capture_bodies: yes\n"), "");
}

}  // namespace
}  // namespace sallyport::config
