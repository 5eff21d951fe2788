#include "proxy/capture.hpp"

#include <gtest/gtest.h>
#include <filesystem>

#include "made_plan.hpp"

namespace sallyport::proxy {
namespace {

class failing_resolved final : public vault::resolved {
public:
    const vault::connection& record() const noexcept override { return record_; }
    result<void> open(std::string_view, vault::secret&) const override
    {
        return error_code(vault::errc::corrupted);
    }
    bool good(std::int64_t) const noexcept override { return true; }

private:
    vault::connection record_;
};

std::string masked(const fields_in_clear& fields, const policy::injection& injection,
                   std::string text, bool truncated = false, const std::string& kind = "api_key")
{
    policy::provider_facts facts = facts_injecting({injection});
    facts.credentials.front().kind = kind;
    const made_plan made(facts);
    const fake_resolved credential(made.connection, fields);
    vault::secret scratch;
    credential_spellings spellings;
    EXPECT_TRUE(spellings.collect(*made.plan->injections, credential,
                                  made.provider->provider->facts(), scratch));
    spellings.mask(text.data(), text.size(), truncated);
    return text;
}

const policy::injection bearer{in_header, "Authorization", "Bearer {secret}"};

TEST(Capture, MasksTheCredentialWhereverItStands)
{
    EXPECT_EQ(masked({{"secret", "s3cr3t"}}, bearer, "s3cr3t, again s3cr3ts3cr3t!"),
              "******, again ************!");
    EXPECT_EQ(masked({{"secret", "s3cr3t"}}, bearer, "none of it"), "none of it");
}

TEST(Capture, MasksItsSpellings)
{
    EXPECT_EQ(masked({{"secret", "a/b\"c d"}}, bearer, R"(a%2Fb%22c%20d {"x":"a/b\"c d"})"),
              R"(************* {"x":"********"})");
}

TEST(Capture, MasksBothHalvesOfBasicAndTheirBase64)
{
    const policy::injection basic{in_header, "Authorization", "Basic {basic}"};
    EXPECT_EQ(masked({{"username", "annie"}, {"password", "sesame"}}, basic,
                     "YW5uaWU6c2VzYW1l annie sesame", false, "basic"),
              "**************** ***** ******");
}

TEST(Capture, MasksWhatHasAnotherSpellingInIt)
{
    const policy::injection basic{in_header, "Authorization", "Basic {basic}"};
    EXPECT_EQ(masked({{"username", "alice"}, {"password", "alice-2024!"}}, basic,
                     "alice alice-2024!", false, "basic"),
              "***** ***********");
}

TEST(Capture, MasksWhatCallsAreSignedWith)
{
    const fake_resolved credential(
        {},
        {{"access_key_id", "AKIA1"}, {"secret_access_key", "s3cr3t"}, {"session_token", "t/k3n"}});
    vault::secret scratch;
    credential_spellings spellings;
    EXPECT_TRUE(spellings.collect_signing(credential, scratch));
    std::string text = "<Token-0>t/k3n</Token-0> t%2Fk3n AKIA1 s3cr3t";
    spellings.mask(text.data(), text.size(), false);
    EXPECT_EQ(text, "<Token-0>*****</Token-0> ******* ***** ******");
    EXPECT_FALSE(credential_spellings().collect_signing(failing_resolved(), scratch));
}

TEST(Capture, MasksAnAccessTokenThatStandsForTheSecret)
{
    EXPECT_EQ(masked({{"access_token", "t0k3n"}}, bearer, "t0k3n", false, "oauth2"), "*****");
}

TEST(Capture, MasksTheBeginningOfOneThatWasCutOff)
{
    EXPECT_EQ(masked({{"secret", "s3cr3t"}}, bearer, "x s3cr", true), "x ****");
    EXPECT_EQ(masked({{"secret", "s3cr3t"}}, bearer, "x s3cr", false), "x s3cr");
    EXPECT_EQ(masked({{"secret", "s3cr3t"}}, bearer, "s3", true), "**");
}

TEST(Capture, LeavesWhatIsTooShortToBeTold)
{
    EXPECT_EQ(masked({{"secret", "abc"}}, bearer, "abc", true), "abc");
}

TEST(Capture, GivesUpWhereTheCredentialCannotBeOpened)
{
    const made_plan made(facts_injecting({bearer}));
    vault::secret scratch;
    credential_spellings spellings;
    EXPECT_FALSE(spellings.collect(*made.plan->injections, failing_resolved(),
                                   made.provider->provider->facts(), scratch));
}

// Hands on everything, and counts.
class counting_sealer final : public audit::body_sealer {
public:
    explicit counting_sealer(std::vector<std::string>& into) : into_(into) {}
    result<std::string> seal(const std::string&, const std::string&, audit::body_side,
                             std::string_view text) override
    {
        into_.emplace_back(text);
        return std::string("sealed");
    }

private:
    std::vector<std::string>& into_;
};

class CaptureOfACall : public testing::Test {
protected:
    CaptureOfACall()
    {
        trail_.directory = testing::TempDir();
        journal_.emplace(trail_, std::make_unique<counting_sealer>(sealed_),
                         [](const auto&, const error_code&) {});
        record_.workspace = "acme";
        record_.id = "conn_1";
        record_.provider = "example";
    }
    ~CaptureOfACall() override
    {
        journal_.reset();
        std::filesystem::remove(trail_.directory + "/bodies-000001.sealed");
    }

    static message_head head_of(std::string_view type)
    {
        message_head head;
        head.fields = {{"CONTENT-TYPE", type}, {"Content-Encoding", "br"}};
        return head;
    }

    audit::settings trail_;
    std::vector<std::string> sealed_;  // of the journal's thread until it has stopped
    std::optional<audit::body_journal> journal_;
    vault::connection record_;
    policy::body_capture rules_{4, 6, {"text/*"}};
    audit::entry outcome_;
};

TEST_F(CaptureOfACall, TellsTheOutcomeAndGivesTheJournalTheSame)
{
    call_capture capture(rules_, *journal_);
    capture.open(audit::body_side::request, head_of("text/plain"));
    capture.add(audit::body_side::request, "four");
    capture.open(audit::body_side::response, head_of("text/html; a=b"));
    capture.add(audit::body_side::response, "an");
    capture.add(audit::body_side::response, "swering");
    credential_spellings spellings;
    spellings.add("swering");
    capture.settle(spellings, true);
    capture.tell(outcome_);
    EXPECT_EQ(outcome_.request_captured, 4);
    EXPECT_EQ(outcome_.response_captured, 6);
    ASSERT_EQ(outcome_.capture_truncated.size(), 1u);
    EXPECT_EQ(outcome_.capture_truncated[0], "response");
    const std::string proof(outcome_.response_proof);
    capture.keep("01ARYZ6S41TSV4RRFFQ69G5FAV", record_);
    journal_->stop();
    ASSERT_EQ(sealed_.size(), 2u);
    EXPECT_EQ(audit::proof_of(sealed_[1]), proof);
    const auto read = audit::read_body(sealed_[1]);
    ASSERT_TRUE(read);
    EXPECT_EQ(read->bytes, "an****");
    EXPECT_EQ(read->content_encoding, "br");
}

TEST_F(CaptureOfACall, PassesOverOtherTypesAndMissingBodies)
{
    call_capture capture(rules_, *journal_);
    capture.open(audit::body_side::request, head_of("image/png"));
    capture.add(audit::body_side::request, "four");
    capture.open(audit::body_side::response, head_of("text/html"));
    capture.settle({}, true);
    capture.tell(outcome_);
    EXPECT_EQ(outcome_.request_captured, -1);
    EXPECT_EQ(outcome_.response_captured, -1);
    EXPECT_EQ(outcome_.capture_fault, "");
    capture.keep("01ARYZ6S41TSV4RRFFQ69G5FAV", record_);
    journal_->stop();
    EXPECT_TRUE(sealed_.empty());
}

TEST_F(CaptureOfACall, SaysThatThereWasNoRoom)
{
    const auto all = journal_->take_room(audit::body_journal::room_bytes_max);
    call_capture capture(rules_, *journal_);
    capture.open(audit::body_side::request, head_of("text/plain"));
    capture.add(audit::body_side::request, "four");
    capture.settle({}, true);
    capture.tell(outcome_);
    EXPECT_EQ(outcome_.request_captured, -1);
    EXPECT_EQ(outcome_.capture_fault, "no_room");
}

TEST_F(CaptureOfACall, KeepsNothingThatCouldNotBeMasked)
{
    call_capture capture(rules_, *journal_);
    capture.open(audit::body_side::request, head_of("text/plain"));
    capture.add(audit::body_side::request, "four");
    capture.settle({}, false);
    capture.tell(outcome_);
    EXPECT_EQ(outcome_.request_captured, -1);
    EXPECT_EQ(outcome_.capture_fault, "credential_unreadable");
    capture.keep("01ARYZ6S41TSV4RRFFQ69G5FAV", record_);
    journal_->stop();
    EXPECT_TRUE(sealed_.empty());
    EXPECT_TRUE(journal_->take_room(audit::body_journal::room_bytes_max)) << "given back";
}

}  // namespace
}  // namespace sallyport::proxy
