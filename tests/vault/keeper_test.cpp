#include "vault/keeper.hpp"

#include <gtest/gtest.h>

#include <cstdlib>

#include "tests/vault/fixture.hpp"
#include "vault/error.hpp"
#include "vault/open_store.hpp"

namespace sallyport::vault {
namespace {

class Keeper : public testing::Test, protected with_loop {
protected:
    Keeper() : settings_(settings_in(directory_)) { reopen(); }

    void reopen()
    {
        keeper_.reset();
        keeper_ = keeper::open(context_, settings_);
    }

    connection add(std::string_view value = "s3cret", const std::string& name = "")
    {
        connection fresh = example_connection(name);
        fresh.id.clear();
        fresh.status = status::added;
        const result<connection> added = ask(keeper_->add(fresh, one_secret(value)));
        EXPECT_TRUE(added);
        return added ? *added : connection();
    }

    // The value of `field` as a worker would get it, or why not.
    result<std::string> resolve(const std::string& id, std::string_view field = "secret")
    {
        const auto one = keeper_->make_resolver(context_);
        const auto found = ask(one->fetch(id));
        if (!found) {
            return found.error();
        }
        secret value;
        const result<void> opened = (*found)->open(field, value);
        if (!opened) {
            return opened.error();
        }
        return std::string(value.reveal());
    }

    std::string refusal()
    {
        try {
            reopen();
        } catch (const boost::system::system_error& error) {
            code_ = error.code();
            return error.what();
        }
        return "";
    }

    temporary_directory directory_;
    settings settings_;
    std::unique_ptr<keeper> keeper_;
    error_code code_;
};

TEST_F(Keeper, GivesAConnectionItsIdTimesAndVersions)
{
    const connection added = add();
    EXPECT_TRUE(is_connection_id(added.id));
    EXPECT_EQ(added.status, status::active);
    EXPECT_GT(added.created_at, 0);
    EXPECT_GT(added.connected_at, 0);
    EXPECT_EQ(added.version, 1u);
    EXPECT_GT(added.credential_version, 0u);
    EXPECT_EQ(*resolve(added.id), "s3cret");
}

TEST_F(Keeper, TakesAnIdThatIsOneAndFree)
{
    connection chosen = example_connection();
    EXPECT_EQ(ask(keeper_->add(chosen, std::nullopt))->id, chosen.id);
    EXPECT_EQ(why(keeper_->add(chosen, std::nullopt)), errc::already_exists);
    chosen.id = "conn_short";
    EXPECT_EQ(why(keeper_->add(chosen, std::nullopt)), errc::invalid_id);
}

TEST_F(Keeper, KeepsTheStatusOfAConnectionWithoutACredential)
{
    connection fresh = example_connection();
    fresh.status = status::pending;
    const auto added = ask(keeper_->add(fresh, std::nullopt));
    ASSERT_TRUE(added);
    EXPECT_EQ(added->status, status::pending);
    EXPECT_EQ(added->credential_version, 0u);
    EXPECT_EQ(resolve(added->id).error(), errc::not_found);
}

TEST_F(Keeper, RefusesAValueThatCannotBeSent)
{
    for (const std::string& bad :
         {std::string(), std::string("a\r\nb"), std::string("a\nb"), std::string("a\0b", 3),
          std::string("a\tb"), std::string("\x7f"), std::string(100'000, 'x')}) {
        EXPECT_EQ(why(keeper_->add(example_connection(), one_secret(bad))),
                  errc::invalid_credential);
    }
    EXPECT_EQ(why(keeper_->add(example_connection(), credential())), errc::invalid_credential);
    credential twice = one_secret("a");
    twice.push_back({"secret", secret("b")});
    EXPECT_EQ(why(keeper_->add(example_connection(), std::move(twice))), errc::invalid_credential);
    credential unnamed;
    unnamed.push_back({"a b", secret("b")});
    EXPECT_EQ(why(keeper_->add(example_connection(), std::move(unnamed))),
              errc::invalid_credential);
    EXPECT_TRUE(ask(keeper_->list("", ""))->empty());
}

TEST_F(Keeper, KeepsEveryFieldOfACredential)
{
    credential fields;
    fields.push_back({"username", secret("ann")});
    fields.push_back({"password", secret("p\xc3\xa4ss")});
    connection fresh = example_connection();
    fresh.kind = "basic";
    ASSERT_TRUE(ask(keeper_->add(fresh, std::move(fields))));
    EXPECT_EQ(*resolve(fresh.id, "username"), "ann");
    EXPECT_EQ(*resolve(fresh.id, "password"), "p\xc3\xa4ss");
    EXPECT_EQ(resolve(fresh.id, "secret").error(), errc::not_found);
}

TEST_F(Keeper, ChangesTheRecordAndTheCredential)
{
    const connection before = add("old");
    const auto rename = [](connection& record) {
        record.name = "renamed";
        record.workspace = "globex";
        record.id = "conn_other";
    };
    const auto renamed = ask(keeper_->update(before.id, rename, std::nullopt));
    ASSERT_TRUE(renamed);
    EXPECT_EQ(renamed->id, before.id);
    EXPECT_EQ(renamed->workspace, "acme");
    EXPECT_EQ(renamed->name, "renamed");
    EXPECT_EQ(renamed->version, 2u);
    EXPECT_EQ(*resolve(before.id), "old");
    const auto changed = ask(keeper_->update(before.id, nullptr, one_secret("new")));
    ASSERT_TRUE(changed);
    EXPECT_EQ(changed->credential_version, before.credential_version + 1);
    EXPECT_EQ(*resolve(before.id), "new");
    EXPECT_EQ(why(keeper_->update(before.id, nullptr, one_secret("a\nb"))),
              errc::invalid_credential);
    EXPECT_EQ(*resolve(before.id), "new");
}

TEST_F(Keeper, ActivatesWhatWaitedForACredentialButNotWhatWasSwitchedOff)
{
    connection fresh = example_connection();
    fresh.status = status::reauth_required;
    ASSERT_TRUE(ask(keeper_->add(fresh, std::nullopt)));
    EXPECT_EQ(ask(keeper_->update(fresh.id, nullptr, one_secret("x")))->status, status::active);
    const auto off = [](connection& record) { record.status = status::inactive; };
    ASSERT_TRUE(ask(keeper_->update(fresh.id, off, std::nullopt)));
    EXPECT_EQ(ask(keeper_->update(fresh.id, nullptr, one_secret("y")))->status, status::inactive);
    EXPECT_EQ(resolve(fresh.id).error(), errc::not_found);
}

TEST_F(Keeper, DoesNotLetAKindChangeUnderItsCredential)
{
    const connection added = add();
    const auto become_oauth = [](connection& record) { record.kind = "oauth2"; };
    EXPECT_EQ(why(keeper_->update(added.id, become_oauth, std::nullopt)), errc::invalid_credential);
    EXPECT_TRUE(ask(keeper_->update(added.id, become_oauth, one_secret("token"))));
    EXPECT_EQ(*resolve(added.id), "token");
}

TEST_F(Keeper, DeletesTheCredentialOfARevokedConnection)
{
    const connection added = add();
    const auto revoked = ask(keeper_->revoke(added.id, "stolen"));
    ASSERT_TRUE(revoked);
    EXPECT_EQ(revoked->status, status::revoked);
    EXPECT_EQ(revoked->status_reason, "stolen");
    EXPECT_EQ(ask(keeper_->revoke(added.id, "again"))->status_reason, "stolen");
    EXPECT_EQ(resolve(added.id).error(), errc::not_found);
    EXPECT_EQ(why(keeper_->update(added.id, nullptr, one_secret("x"))), errc::revoked);
    EXPECT_EQ(ask(keeper_->show(added.id))->status, status::revoked);
    EXPECT_FALSE(why(keeper_->remove(added.id)));
    EXPECT_EQ(why(keeper_->show(added.id)), errc::not_found);
    EXPECT_EQ(why(keeper_->revoke(added.id, "")), errc::not_found);
}

TEST_F(Keeper, LeavesNothingOfARevokedCredentialInTheFiles)
{
    const connection added = add();
    keeper_.reset();
    std::string sealed;
    {
        const auto raw = open_store(context_, settings_.store);
        sealed = ask(raw->load(added.id))->sealed;
        ASSERT_TRUE(ask(raw->revoke(added.id, "")));
        std::string everything;
        for (const char* name : {"vault.db", "vault.db-wal"}) {
            std::ifstream file(directory_.file(name), std::ios::binary);
            everything.append(std::istreambuf_iterator<char>(file), {});
        }
        EXPECT_EQ(everything.find(sealed.substr(52, 32)), std::string::npos);
    }
}

TEST_F(Keeper, OpensWhatItSealedAfterARestart)
{
    const connection added = add("lasting");
    reopen();
    EXPECT_EQ(*resolve(added.id), "lasting");
}

TEST_F(Keeper, RefusesACredentialPutBackFromAnEarlierTime)
{
    const connection added = add("old");
    keeper_.reset();
    auto raw = open_store(context_, settings_.store);
    const std::string old_seal = ask(raw->load(added.id))->sealed;
    raw.reset();
    reopen();
    ASSERT_TRUE(ask(keeper_->update(added.id, nullptr, one_secret("new"))));
    keeper_.reset();
    raw = open_store(context_, settings_.store);
    stored_connection now = *ask(raw->load(added.id));
    now.sealed = old_seal;
    const std::uint64_t version = now.record.version;
    ASSERT_TRUE(ask(raw->replace(now, version)));
    raw.reset();
    reopen();
    EXPECT_EQ(resolve(added.id).error(), errc::corrupted);
}

TEST_F(Keeper, RefusesACredentialPutBackUnderAnIdThatWasUsedAgain)
{
    const connection first = add("old");
    keeper_.reset();
    auto raw = open_store(context_, settings_.store);
    const std::string old_seal = ask(raw->load(first.id))->sealed;
    raw.reset();
    reopen();
    ASSERT_TRUE(ask(keeper_->remove(first.id)));
    connection again = example_connection();
    again.id = first.id;
    ASSERT_TRUE(ask(keeper_->add(again, one_secret("new"))));
    keeper_.reset();
    raw = open_store(context_, settings_.store);
    stored_connection now = *ask(raw->load(first.id));
    now.sealed = old_seal;
    ASSERT_TRUE(ask(raw->replace(now, 1)));
    raw.reset();
    reopen();
    EXPECT_EQ(resolve(first.id).error(), errc::corrupted);
}

TEST_F(Keeper, RefusesACredentialMovedToAnotherConnectionOrTakenAway)
{
    const connection first = add("first");
    const connection second = add("second");
    keeper_.reset();
    auto raw = open_store(context_, settings_.store);
    stored_connection target = *ask(raw->load(second.id));
    target.sealed = ask(raw->load(first.id))->sealed;
    ASSERT_TRUE(ask(raw->replace(target, 1)));
    stored_connection bare = *ask(raw->load(first.id));
    bare.sealed.clear();
    ASSERT_TRUE(ask(raw->replace(bare, 1)));
    raw.reset();
    reopen();
    EXPECT_EQ(resolve(second.id).error(), errc::corrupted);
    EXPECT_EQ(resolve(first.id).error(), errc::corrupted);
}

TEST_F(Keeper, RefusesToStartWithAnotherMasterKey)
{
    add();
    write_file(directory_.file("master.key"), std::string(64, 'a'));
    const std::string sentence = refusal();
    EXPECT_EQ(code_, errc::wrong_master_key);
    EXPECT_NE(sentence.find("another master key"), std::string::npos);
    EXPECT_EQ(sentence.find("aaaa"), std::string::npos);
    write_file(directory_.file("master.key"), test_master_key);
    EXPECT_EQ(refusal(), "");
}

TEST_F(Keeper, RefusesAMasterKeyOthersCanRead)
{
    std::filesystem::permissions(directory_.file("master.key"), std::filesystem::perms{0640});
    EXPECT_NE(refusal().find("chmod 600"), std::string::npos);
    EXPECT_EQ(code_, errc::misconfigured);
}

TEST_F(Keeper, RefusesAMasterKeyThatIsNoneWithoutRepeatingIt)
{
    for (const char* text : {"", "deadbeef", "not a key at all, but a pass phrase"}) {
        write_file(directory_.file("master.key"), text);
        const std::string sentence = refusal();
        EXPECT_EQ(code_, errc::misconfigured);
        EXPECT_NE(sentence.find("32 bytes"), std::string::npos);
        EXPECT_EQ(sentence.find("pass phrase"), std::string::npos);
    }
    settings_.master_key = "deadbeef";
    EXPECT_EQ(refusal().find("deadbeef"), std::string::npos);
    EXPECT_EQ(code_, errc::misconfigured);
    settings_.master_key = "file:" + directory_.file("nowhere");
    EXPECT_NE(refusal().find("cannot be opened"), std::string::npos);
    settings_.master_key = "file:/dev/null";
    EXPECT_NE(refusal().find("not a regular file"), std::string::npos);
}

TEST_F(Keeper, ReadsTheMasterKeyFromTheEnvironmentAgainAndAgain)
{
    const connection added = add("value");
    ::setenv("VAULT_TEST_KEY", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", 1);
    settings_.master_key = "env:VAULT_TEST_KEY";
    EXPECT_EQ(refusal(), "");
    EXPECT_EQ(*resolve(added.id), "value");
    EXPECT_EQ(refusal(), "");
    ::unsetenv("VAULT_TEST_KEY");
    EXPECT_NE(refusal().find("is not set"), std::string::npos);
}

TEST_F(Keeper, RefusesAStoreItCannotUseWithoutRepeatingItsPassword)
{
    for (const char* where :
         {"rediss://u:hunter2@localhost:99999", "redis+sentinel://u:hunter2@localhost",
          "mysql://u:hunter2@localhost"}) {
        settings_.store = where;
        EXPECT_EQ(refusal().find("hunter2"), std::string::npos);
        EXPECT_EQ(code_, errc::misconfigured) << where;
    }
}

TEST_F(Keeper, EndsARunForGood)
{
    run_record live{"acme", "r1", "ann", "mailer", now_micros(), now_micros() + 60'000'000, 0};
    ASSERT_TRUE(ask(keeper_->start_run(live)));
    EXPECT_EQ(why(keeper_->start_run(live)), errc::already_exists);
    EXPECT_EQ(ask(keeper_->list_runs("acme"))->size(), 1u);
    ASSERT_TRUE(ask(keeper_->end_run("acme", "r1", live.expires_at)));
    EXPECT_EQ(ask(keeper_->list_runs("acme"))->size(), 0u);
    EXPECT_EQ(why(keeper_->start_run(live)), errc::already_exists);
}

TEST(VaultError, HasASentenceForEveryValue)
{
    for (int value = static_cast<int>(errc::not_found); value <= static_cast<int>(errc::revoked);
         ++value) {
        const error_code code = static_cast<errc>(value);
        EXPECT_NE(code.message(), "unknown vault error") << value;
        EXPECT_STREQ(code.category().name(), "vault");
    }
}

TEST(Status, RoundTripsThroughItsName)
{
    for (int value = 0; value <= static_cast<int>(status::error); ++value) {
        const auto one = static_cast<status>(value);
        EXPECT_EQ(parse_status(to_string(one)), one);
    }
    EXPECT_FALSE(parse_status("Active"));
}

}  // namespace
}  // namespace sallyport::vault
