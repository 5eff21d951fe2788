#include "vault/backup.hpp"

#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "tests/vault/fixture.hpp"
#include "vault/places.hpp"
#include "vault/self_test.hpp"

namespace sallyport::vault {
namespace {

namespace json = boost::json;

class Backup : public testing::Test {
protected:
    Backup()
    {
        const secret key(std::string(key_bytes, 'k'));
        key_.workspace = "acme";
        key_.generation = 3;
        key_.wrapped = box_.wrap(key, {"acme", 3, 5}, keys_key("acme"), key);
        stored_.record = example_connection("work");
        stored_.record.credential_version = 7;
        stored_.record.scopes_granted = {"repo"};
        const std::string place = connection_key(stored_.record.id);
        stored_.sealed = box_.seal(key, {"acme", stored_.record.id, 3, 7, sealed_kind::fixed},
                                   {place, sealed_field}, "text");
        run_.workspace = "acme";
        run_.run = "r1";
        run_.expires_at = 10;
        run_.ended_at = 9;
    }

    // A line with one member changed; `value` null: without it.
    static bool reads(json::object line, std::string_view kind, std::string_view member,
                      const json::value& value)
    {
        line[kind].as_object()[member] = value;
        return from_backup(line).has_value();
    }

    envelope box_;
    wrapped_key key_;
    stored_connection stored_;
    run_record run_;
};

TEST_F(Backup, ReadsWhatItWrote)
{
    const auto key = from_backup(to_backup(key_));
    ASSERT_TRUE(key);
    EXPECT_EQ(std::get<wrapped_key>(*key).wrapped, key_.wrapped);
    EXPECT_EQ(std::get<wrapped_key>(*key).generation, 3u);
    const auto stored = from_backup(to_backup(stored_));
    ASSERT_TRUE(stored);
    EXPECT_EQ(std::get<stored_connection>(*stored).sealed, stored_.sealed);
    EXPECT_EQ(std::get<stored_connection>(*stored).record.scopes_granted,
              stored_.record.scopes_granted);
    const auto run = from_backup(to_backup(run_));
    ASSERT_TRUE(run);
    EXPECT_EQ(std::get<run_record>(*run).expires_at, 10);
    EXPECT_EQ(name_of(*key), "key acme 3");
    EXPECT_EQ(name_of(*stored), "connection " + stored_.record.id);
    EXPECT_EQ(name_of(*run), "run acme/r1");
}

TEST_F(Backup, PutsRunsFirstAndAKeyBeforeWhatIsSealedUnderIt)
{
    stored_connection bare = stored_;
    bare.sealed.clear();
    wrapped_key later = key_;
    later.generation = 4;
    EXPECT_LT(order_of(run_), order_of(bare));
    EXPECT_LT(order_of(bare), order_of(key_));
    EXPECT_LT(order_of(key_), order_of(stored_));
    EXPECT_LT(order_of(stored_), order_of(later));
}

TEST_F(Backup, RefusesAKeyThatIsNotWhatItsNameSays)
{
    const json::object line = to_backup(key_);
    EXPECT_FALSE(reads(line, "key", "workspace", ""));
    EXPECT_FALSE(reads(line, "key", "workspace", "a/b"));
    EXPECT_FALSE(reads(line, "key", "generation", 2));
    EXPECT_FALSE(reads(line, "key", "generation", -3));
    EXPECT_FALSE(reads(line, "key", "generation", "3"));
    EXPECT_FALSE(reads(line, "key", "wrapped", "c2hvcnQ="));
    EXPECT_FALSE(reads(line, "key", "wrapped", "not base 64"));
    EXPECT_FALSE(reads(line, "key", "wrapped", nullptr));
    EXPECT_TRUE(reads(line, "key", "wrapped", "")) << "a shredded one";
}

TEST_F(Backup, RefusesAConnectionThatIsNotWhatItsRecordSays)
{
    const json::object line = to_backup(stored_);
    EXPECT_FALSE(reads(line, "connection", "record", "text"));
    EXPECT_FALSE(reads(line, "connection", "record", json::object{}));
    EXPECT_FALSE(reads(line, "connection", "sealed", ""));
    EXPECT_FALSE(reads(line, "connection", "sealed", "c2hvcnQ="));
    for (const char* member : {"id", "workspace", "user", "status", "version"}) {
        json::object record = line.at("connection").at("record").as_object();
        record[member] = "a/b";
        EXPECT_FALSE(reads(line, "connection", "record", record)) << member;
    }
    stored_.record.status = status::revoked;
    stored_.sealed.clear();
    EXPECT_TRUE(from_backup(to_backup(stored_))) << "a tombstone";
}

TEST_F(Backup, RefusesRunsAndLinesOfAnotherShape)
{
    const json::object line = to_backup(run_);
    EXPECT_FALSE(reads(line, "run", "run", "a/b"));
    EXPECT_FALSE(reads(line, "run", "expires_at", -1));
    EXPECT_FALSE(reads(line, "run", "ended_at", 1.5));
    EXPECT_FALSE(from_backup({}));
    json::object two = line;
    two["key"] = to_backup(key_).at("key");
    EXPECT_FALSE(from_backup(two));
    EXPECT_FALSE(from_backup({{"run", 1}}));
}

TEST_F(Backup, EndsWithWhatStoodBefore)
{
    backup_trailer counted;
    counted.count(backup_item(key_));
    counted.count(backup_item(stored_));
    counted.count(backup_item(stored_));
    backup_digest digest;
    digest.add("a");
    digest.add("bc");
    counted.sha256 = digest.hex();
    EXPECT_EQ(counted.sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    EXPECT_EQ(trailer_from(to_json(counted)), counted);
    const backup_header header{"2026-11-20T10:00:00.000000Z", {"01020304"}};
    const auto read = header_from(to_json(header));
    ASSERT_TRUE(read);
    EXPECT_EQ(read->master_keys, header.master_keys);
    EXPECT_FALSE(header_from(to_json(counted)));
    EXPECT_FALSE(header_from({{"sallyport_backup", {{"format", 2}, {"made_at", ""}}}}));
}

TEST(SelfTest, PassesHere) { EXPECT_NO_THROW(require_sound_envelope()); }

}  // namespace
}  // namespace sallyport::vault
