#include "net/stream.hpp"

#include <gtest/gtest.h>

#include "net/error.hpp"
#include "tests/net/traffic.hpp"

namespace sallyport::net {
namespace {

using std::chrono::milliseconds;

TEST(Stream, CarriesWhatSeveralPartsHold)
{
    loop on;
    auto [left, right] = on.pair();
    EXPECT_TRUE(left->put({"one ", "", "two ", "three"}));
    std::string got;
    EXPECT_FALSE(on.run(take(*right, 13, got)));
    EXPECT_EQ(got, "one two three");
}

TEST(Stream, KeepsWhatIsNotConsumed)
{
    loop on;
    auto [left, right] = on.pair();
    left->put({"hello"});
    EXPECT_FALSE(on.run(right->fill()));
    EXPECT_EQ(right->pending(), "hello");
    right->consume(2);
    EXPECT_EQ(right->pending(), "llo");
    left->put({" world"});
    EXPECT_FALSE(on.run(right->fill()));
    EXPECT_EQ(right->pending(), "llo world");
}

TEST(Stream, ReportsTheOrderlyEndOnceAllWasRead)
{
    loop on;
    auto [left, right] = on.pair();
    left->put({"bye"});
    left->shut_down_output();
    std::string got;
    EXPECT_FALSE(on.run(take(*right, 3, got)));
    EXPECT_EQ(on.run(right->fill()), errc::closed);
    EXPECT_TRUE(right->ended());
    EXPECT_EQ(right->end_reason(), errc::closed);
    EXPECT_EQ(on.run(right->fill()), errc::closed) << "and again when asked again";
    right->put({"still open this way"});
    std::string back;
    EXPECT_FALSE(on.run(take(*left, 19, back)));
    EXPECT_EQ(back, "still open this way");
}

TEST(Stream, CarriesMegabytesAgainstBackPressure)
{
    loop on;
    auto [left, right] = on.pair();
    const std::string sent = pattern(5 << 20);
    sending result;
    start_sending(on, *left, sent, 60'000, result);
    on.run_for(milliseconds(50));
    EXPECT_FALSE(result.done) << "nobody reads: the sender must wait";
    EXPECT_GT(result.waits, 0);
    std::string got;
    EXPECT_FALSE(on.run(take(*right, sent.size(), got)));
    EXPECT_EQ(got, sent);
    EXPECT_TRUE(on.run_until([&] { return result.done; }));
    EXPECT_FALSE(result.outcome);
}

TEST(Stream, NeverHoldsMoreThanItsLargeBuffer)
{
    loop on;
    auto [left, right] = on.pair();
    const std::string sent = pattern(1 << 20);
    sending result;
    start_sending(on, *left, sent, 100'000, result);
    error_code full;
    while (!full) {
        full = on.run(right->fill());
    }
    EXPECT_EQ(full, errc::no_room);
    EXPECT_LE(right->pending().size(), buffer::large_size);
    EXPECT_GT(right->pending().size(), buffer::small_size) << "it grows before it refuses";
    EXPECT_EQ(right->pending(), std::string_view(sent).substr(0, right->pending().size()));
    right->consume(right->pending().size());
    EXPECT_FALSE(on.run(right->fill())) << "and goes on once there is room";
    left->close();
    EXPECT_TRUE(on.run_until([&] { return result.done; }));
}

TEST(Stream, ShrinksAfterABulkTransfer)
{
    loop on;
    auto [left, right] = on.pair();
    const std::string sent = pattern(300'000);
    sending result;
    start_sending(on, *left, sent, sent.size(), result);
    std::string got;
    EXPECT_FALSE(on.run(take(*right, sent.size(), got)));
    right->shrink();
    left->put({"next"});
    got.clear();
    EXPECT_FALSE(on.run(take(*right, 4, got)));
    EXPECT_EQ(got, "next");
    EXPECT_TRUE(on.run_until([&] { return result.done; }));
}

TEST(Stream, EndsAtItsDeadline)
{
    loop on;
    auto [left, right] = on.pair();
    right->expires_after(milliseconds(150));
    EXPECT_EQ(on.run(right->fill()), errc::timed_out);
    EXPECT_TRUE(right->timed_out());
    EXPECT_FALSE(right->is_open());
    EXPECT_EQ(on.run(left->fill()), errc::closed) << "the peer sees it";
}

TEST(Stream, WakesAtASoftDeadlineAndStaysOpen)
{
    loop on;
    auto [left, right] = on.pair();
    right->expires_after(milliseconds(150), true);
    EXPECT_FALSE(on.run(right->fill()));
    EXPECT_TRUE(right->pending().empty());
    EXPECT_TRUE(right->timed_out());
    EXPECT_TRUE(right->is_open());
    right->expires_after({});
    EXPECT_FALSE(right->timed_out());
    left->put({"late"});
    EXPECT_FALSE(on.run(right->fill()));
    EXPECT_EQ(right->pending(), "late");
}

TEST(Stream, EndsABlockedWriteAtItsDeadline)
{
    loop on;
    auto [left, right] = on.pair();
    const std::string sent = pattern(4 << 20);
    left->expires_after(milliseconds(150));
    int waits = 0;
    EXPECT_EQ(on.run(give(*left, sent, 100'000, waits)), errc::timed_out);
}

TEST(Stream, CanBeInterrupted)
{
    loop on;
    auto [left, right] = on.pair();
    asio::steady_timer later(on.io, milliseconds(20));
    later.async_wait([stream = right.get()](const error_code&) { stream->interrupt(); });
    EXPECT_FALSE(on.run(right->fill()));
    EXPECT_TRUE(right->pending().empty());
    EXPECT_TRUE(right->is_open());
}

TEST(Stream, WakesAReaderWhenItIsClosed)
{
    loop on;
    auto [left, right] = on.pair();
    asio::steady_timer later(on.io, milliseconds(20));
    later.async_wait([stream = right.get()](const error_code&) { stream->close(errc::timed_out); });
    EXPECT_EQ(on.run(right->fill()), errc::timed_out);
    EXPECT_FALSE(right->put({"into the void"}));
    EXPECT_TRUE(on.run(right->drain()));
}

TEST(Stream, ReportsAPeerThatIsGone)
{
    loop on;
    auto [left, right] = on.pair();
    left->close();
    int waits = 0;
    EXPECT_TRUE(on.run(give(*right, pattern(1 << 20), 10'000, waits)));
}

TEST(Stream, TellsItsObserverOfInputNobodyWaitsFor)
{
    loop on;
    auto [left, right] = on.pair();
    counting observer;
    right->observe(&observer);
    right->watch();
    on.run_for(milliseconds(20));
    EXPECT_EQ(observer.calls, 0);
    left->put({"x"});
    EXPECT_TRUE(on.run_until([&] { return observer.calls == 1; }));
    EXPECT_FALSE(observer.ended);
    EXPECT_EQ(right->pending(), "x");
    right->consume(1);
    right->watch();
    left->close();
    EXPECT_TRUE(on.run_until([&] { return observer.calls == 2; }));
    EXPECT_TRUE(observer.ended);
}

}  // namespace
}  // namespace sallyport::net
