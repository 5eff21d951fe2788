#include "vault/envelope.hpp"

#include <gtest/gtest.h>

#include <string>

#include "base/encoding.hpp"
#include "vault/error.hpp"

namespace sallyport::vault {
namespace {

constexpr std::string_view connection_id = "conn_01ARYZ6S41TSV4RRFFQ69G5FAV";
constexpr std::string_view store_key = "sallyport:connection:conn_01ARYZ6S41TSV4RRFFQ69G5FAV";

record_salt counting_salt()
{
    record_salt salt;
    for (std::size_t i = 0; i < salt.size(); ++i) {
        salt[i] = static_cast<char>(i);
    }
    return salt;
}

class Envelope : public testing::Test {
protected:
    Envelope() : key_(std::string(key_bytes, 'k')) {}

    std::string sealed() { return box_.seal(key_, what_, where_, "plain text"); }

    error_code why(const label& what, const place& where, std::string_view record)
    {
        const result<secret> opened = box_.open(key_, what, where, record);
        return opened ? error_code() : opened.error();
    }

    envelope box_;
    secret key_;
    label what_{"acme", connection_id, 1, 7, sealed_kind::fixed};
    place where_{store_key, "sealed"};
};

TEST_F(Envelope, OpensWhatItSealed)
{
    for (const std::size_t size : {0u, 1u, 63u, 64u, 65u, 5000u}) {
        const std::string plain(size, 'x');
        const std::string record = box_.seal(key_, what_, where_, plain);
        const result<secret> opened = box_.open(key_, what_, where_, record);
        ASSERT_TRUE(opened) << size;
        EXPECT_EQ(opened->reveal(), plain);
        EXPECT_EQ(record.size(), 132 + (size / 64 + 1) * 64 + 16);
    }
}

TEST_F(Envelope, NeverSealsTheSameWayTwice) { EXPECT_NE(sealed(), sealed()); }

TEST_F(Envelope, HidesTheLengthOfTheCredential)
{
    EXPECT_EQ(box_.seal(key_, what_, where_, "short").size(),
              box_.seal(key_, what_, where_, std::string(60, 'x')).size());
}

TEST_F(Envelope, RefusesEveryFlippedBit)
{
    const std::string record = sealed();
    for (std::size_t bit = 0; bit < record.size() * 8; ++bit) {
        std::string damaged = record;
        damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
        ASSERT_EQ(why(what_, where_, damaged), errc::corrupted) << bit;
    }
}

TEST_F(Envelope, RefusesEveryTruncationAndAnyAddition)
{
    const std::string record = sealed();
    for (std::size_t size = 0; size < record.size(); ++size) {
        ASSERT_EQ(why(what_, where_, record.substr(0, size)), errc::corrupted) << size;
    }
    EXPECT_EQ(why(what_, where_, record + '\0'), errc::corrupted);
    EXPECT_EQ(why(what_, where_, record + std::string(64, '\0')), errc::corrupted);
    EXPECT_EQ(why(what_, where_, std::string(sealed_bytes_max + 1, '\0')), errc::corrupted);
}

TEST_F(Envelope, RefusesARecordMovedToAnotherConnection)
{
    label other = what_;
    other.connection_id = "conn_01ARYZ6S41TSV4RRFFQ69G5FAW";
    EXPECT_EQ(why(other, where_, sealed()), errc::corrupted);
}

TEST_F(Envelope, RefusesARecordMovedToAnotherWorkspace)
{
    label other = what_;
    other.workspace = "globex";
    EXPECT_EQ(why(other, where_, sealed()), errc::corrupted);
}

TEST_F(Envelope, RefusesARecordMovedToAnotherPlaceInTheStore)
{
    EXPECT_EQ(why(what_, {store_key, "draft"}, sealed()), errc::corrupted);
    EXPECT_EQ(why(what_, {"sallyport:connection:other", "sealed"}, sealed()), errc::corrupted);
}

TEST_F(Envelope, RefusesAnEarlierVersionPutBack)
{
    label newer = what_;
    newer.version = 8;
    EXPECT_EQ(why(newer, where_, sealed()), errc::corrupted);
}

TEST_F(Envelope, RefusesAnotherKindGenerationOrKey)
{
    label other = what_;
    other.kind = sealed_kind::oauth;
    EXPECT_EQ(why(other, where_, sealed()), errc::corrupted);
    other = what_;
    other.generation = 2;
    EXPECT_EQ(why(other, where_, sealed()), errc::corrupted);
    const secret another(std::string(key_bytes, 'K'));
    const result<secret> opened = box_.open(another, what_, where_, sealed());
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error(), errc::corrupted);
}

TEST_F(Envelope, RefusesAFormatItDoesNotKnow)
{
    std::string record = sealed();
    record[3] = '2';
    EXPECT_EQ(why(what_, where_, record), errc::corrupted);
    EXPECT_FALSE(envelope::generation_of(record));
    record = sealed();
    record[4] = 2;
    EXPECT_EQ(why(what_, where_, record), errc::corrupted);
}

TEST_F(Envelope, NamesTheGenerationItNeeds)
{
    EXPECT_EQ(envelope::generation_of(sealed()), 1u);
    EXPECT_FALSE(envelope::generation_of(""));
}

TEST_F(Envelope, UnwrapsTheKeyItWrapped)
{
    const secret master(std::string(key_bytes, 'm'));
    const wrap_label what{"acme", 3, 1'763'633'315'000'042};
    const std::string wrapped = box_.wrap(master, what, "sallyport:keys:acme", key_);
    EXPECT_EQ(wrapped.size(), 148u);
    const result<secret> key = box_.unwrap(master, {"acme", 3}, "sallyport:keys:acme", wrapped);
    ASSERT_TRUE(key);
    EXPECT_EQ(key->reveal(), key_.reveal());
}

TEST_F(Envelope, RefusesAWrappedKeyThatWasDamagedOrMoved)
{
    const secret master(std::string(key_bytes, 'm'));
    const std::string wrapped = box_.wrap(master, {"acme", 3, 1}, "sallyport:keys:acme", key_);
    const auto reason = [&](const wrap_label& what, std::string_view key, std::string_view record) {
        const result<secret> opened = box_.unwrap(master, what, key, record);
        return opened ? error_code() : opened.error();
    };
    for (std::size_t bit = 0; bit < wrapped.size() * 8; ++bit) {
        std::string damaged = wrapped;
        damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
        const bool in_key_id = bit / 8 >= 4 && bit / 8 < 8;
        ASSERT_EQ(reason({"acme", 3}, "sallyport:keys:acme", damaged),
                  in_key_id ? errc::wrong_master_key : errc::corrupted)
            << bit;
    }
    EXPECT_EQ(reason({"acme", 4}, "sallyport:keys:acme", wrapped), errc::corrupted);
    EXPECT_EQ(reason({"globex", 3}, "sallyport:keys:acme", wrapped), errc::corrupted);
    EXPECT_EQ(reason({"acme", 3}, "sallyport:keys:globex", wrapped), errc::corrupted);
    EXPECT_EQ(reason({"acme", 3}, "sallyport:keys:acme", wrapped.substr(1)), errc::corrupted);
}

TEST_F(Envelope, RecognisesAnotherMasterKeyBeforeUsingIt)
{
    const secret master(std::string(key_bytes, 'm'));
    const secret other(std::string(key_bytes, 'n'));
    const std::string wrapped = box_.wrap(master, {"acme", 1, 1}, "sallyport:keys:acme", key_);
    const result<secret> key = box_.unwrap(other, {"acme", 1}, "sallyport:keys:acme", wrapped);
    ASSERT_FALSE(key);
    EXPECT_EQ(key.error(), errc::wrong_master_key);
}

// The vectors of FORMAT.md; tests/vault/format_vectors.py computes the same bytes from the
// primitives alone.
TEST_F(Envelope, KeepsTheSealedVector)
{
    const std::string record = box_.seal(key_, what_, where_, "plain text", counting_salt());
    EXPECT_EQ(to_hex(record),
              "43565231010000000001822b33ad87c148a0a20a5ba7cd5ebcaa01563df36481d6764c61efb99302"
              "bd5b00000000000000070100000102030405060708090a0b0c0d0e0f101112131415161718191a1b"
              "1c1d1e1f7501e87f33d59d32a0952c0128bf1990678371e61461a57ddb0c3bbede4212e19abe59cc"
              "076c57482c70f0320000004009e325818c023dd433d3b60fe5d41ba92dd3309019a4c1539d4a9f16"
              "5c2a8fe8a872cfb89c97440cb773244aece1de0702bf5be34958467105f475483f8bfd9c3f07adfe"
              "07acbe45c4ae045d41574884");
}

TEST_F(Envelope, KeepsTheWrappedVector)
{
    const secret master(std::string(key_bytes, 'm'));
    const key_id id = box_.identify(master);
    EXPECT_EQ(to_hex({id.data(), id.size()}), "283d4306");
    const std::string wrapped = box_.wrap(master, {"acme", 1, 1'763'633'315'000'042},
                                          "sallyport:keys:acme", key_, counting_salt());
    EXPECT_EQ(to_hex(wrapped),
              "43565731283d4306822b33ad87c148a0a20a5ba7cd5ebcaa0000000100064403e1412eea00010203"
              "0405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f11316f8ce2f2d8a0637e2377"
              "0e4f6b8b60415d711708f0f88a55b3625762d3641519bdfb419e2e9cf4590027d11e7cc3ed2ad05f"
              "97e0fa26b70c9362e602a2111e774bac12a0ec1e760053f786271e32");
}

// RFC 5869, appendix A.1 and A.3.
TEST(Hkdf, KeepsTheVectorsOfItsRfc)
{
    hkdf_sha256 hkdf;
    const std::string key(22, '\x0b');
    const auto salt = from_hex("000102030405060708090a0b0c");
    const auto info = from_hex("f0f1f2f3f4f5f6f7f8f9");
    ASSERT_TRUE(salt && info);
    char okm[42];
    hkdf.derive(key, *salt, {*info}, okm, sizeof okm);
    EXPECT_EQ(
        to_hex({okm, sizeof okm}),
        "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865");
    hkdf.derive(key, {}, {}, okm, sizeof okm);
    EXPECT_EQ(
        to_hex({okm, sizeof okm}),
        "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8");
}

}  // namespace
}  // namespace sallyport::vault
