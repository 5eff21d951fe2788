#include "vault/secret.hpp"

#include <gtest/gtest.h>
#include <openssl/crypto.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstring>
#include <ostream>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "vault/secure_heap.hpp"

namespace sallyport::vault {
namespace {

template <class T>
concept streamable = requires(std::ostream& out, const T& value)
{
    out << value;
};

static_assert(!streamable<secret>);
static_assert(!std::is_copy_constructible_v<secret> && !std::is_copy_assignable_v<secret>);
static_assert(!std::is_convertible_v<secret, std::string_view>);
static_assert(!std::is_convertible_v<secret, std::string>);
static_assert(!std::is_constructible_v<std::string, secret>);
static_assert(!std::is_convertible_v<std::string_view, secret>);
static_assert(std::is_nothrow_move_constructible_v<secret>);

class SecureHeap : public testing::Test {
protected:
    static void SetUpTestSuite() { opened_ = CRYPTO_secure_malloc_initialized() != 0 || open(); }
    static bool open()
    {
        return open_secure_heap(heap_bytes) || CRYPTO_secure_malloc_initialized();
    }
    static constexpr std::size_t heap_bytes = 64 * 1024;
    static inline bool opened_ = false;
};

TEST_F(SecureHeap, HoldsSecrets)
{
    ASSERT_TRUE(opened_);
    const secret value("correct horse");
    EXPECT_EQ(value.reveal(), "correct horse");
    EXPECT_TRUE(CRYPTO_secure_allocated(value.reveal().data()));
}

// In a process of its own, which has no heap yet.
TEST(SecureHeapDeathTest, IsAsLargeAsMayBeLocked)
{
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    const auto open_within_limit = [] {
        const rlimit limit{100'000, 100'000};
        const bool limited = ::setrlimit(RLIMIT_MEMLOCK, &limit) == 0;
        open_secure_heap();
        const secret fits = secret::of_size(32 * 1024);
        const secret too_large = secret::of_size(128 * 1024);
        ::_exit(limited && CRYPTO_secure_allocated(fits.reveal().data()) == 1 &&
                        CRYPTO_secure_allocated(too_large.reveal().data()) == 0
                    ? 0
                    : 1);
    };
    EXPECT_EXIT(open_within_limit(), testing::ExitedWithCode(0), "");
}

TEST_F(SecureHeap, GivesWayToWipedMemoryWhenItIsFull)
{
    ASSERT_TRUE(opened_);
    static int told = 0;
    on_full_secure_heap([] { ++told; });
    std::vector<secret> many;
    bool outside = false;
    for (int i = 0; i < 64 && !outside; ++i) {
        many.push_back(secret::of_size(4096));
        std::memset(many.back().data(), i, 4096);
        outside = CRYPTO_secure_allocated(many.back().data()) == 0;
    }
    EXPECT_TRUE(outside);
    many.push_back(secret::of_size(heap_bytes));
    EXPECT_EQ(told, 1);
    many.clear();
    const secret again("room again");
    EXPECT_TRUE(CRYPTO_secure_allocated(again.reveal().data()));
}

TEST_F(SecureHeap, IsWipedWhenASecretShrinksOrIsRenewed)
{
    secret value("0123456789");
    const char* const room = value.data();
    value.shrink(4);
    EXPECT_EQ(value.reveal(), "0123");
    EXPECT_EQ(std::string(room + 4, 6), std::string(6, '\0'));
    value.renew(10);
    EXPECT_EQ(value.data(), room);
    EXPECT_EQ(value.reveal(), std::string(10, '\0'));
}

TEST(Secret, LeavesNothingBehindWhenMoved)
{
    secret first("value");
    secret second(std::move(first));
    EXPECT_TRUE(first.empty());  // NOLINT(bugprone-use-after-move): that is the question.
    EXPECT_EQ(second.reveal(), "value");
    secret third("other");
    third = std::move(second);
    EXPECT_EQ(third.reveal(), "value");
}

TEST(Secret, MayBeEmpty)
{
    const secret nothing("");
    EXPECT_TRUE(nothing.empty());
    EXPECT_EQ(nothing.reveal(), "");
}

}  // namespace
}  // namespace sallyport::vault
