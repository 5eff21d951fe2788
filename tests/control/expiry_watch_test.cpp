// Warnings of connections that are about to end: when, how often, and that none is lost.
#include "control/expiry_watch.hpp"

#include <gtest/gtest.h>

#include "tests/vault/fixture.hpp"

namespace sallyport::control {
namespace {

using namespace std::chrono_literals;

// Keeps the connections whose lines were written.
class listing_writer final : public audit::writer {
public:
    result<std::uint64_t> append(const audit::entry& line) override
    {
        queued_ = std::string(line.connection_id);
        EXPECT_EQ(line.kind, audit::kind::connection_expiring);
        return std::uint64_t{1};
    }
    result<void> flush() override
    {
        if (broken) {
            return error_code(audit::errc::unwritable);
        }
        written.push_back(queued_);
        return {};
    }
    std::size_t queued_bytes() const noexcept override { return 0; }
    bool commits() const noexcept override { return false; }
    void begin_commit(std::function<void()>) override {}
    result<void> finish_commit() override { return {}; }

    std::vector<std::string> written;
    bool broken = false;

private:
    std::string queued_;
};

using ids = std::vector<std::string>;

class ExpiryWatch : public testing::Test {
protected:
    ExpiryWatch() : keeper_(vault::keeper::open(context_, vault::settings_in(directory_))) {}

    void begin(std::chrono::milliseconds ahead)
    {
        watch_ = std::make_unique<expiry_watch>(
            context_, *keeper_, writer_, ahead,
            [this](std::string_view kind, const vault::connection& record) {
                EXPECT_EQ(kind, "connection.expiring");
                told_.push_back(record.id);
            });
        watch_->start();
        settle();
    }

    // Everything that can be done without time passing.
    void settle()
    {
        context_.restart();
        context_.poll();
    }

    vault::connection add(std::chrono::microseconds left)
    {
        vault::connection fresh = vault::example_connection();
        fresh.expires_at = now_micros() + left.count();
        const auto added =
            vault::run(context_, keeper_->add(fresh, vault::one_secret("secret of a test")));
        EXPECT_TRUE(added);
        return *added;
    }

    temporary_directory directory_;
    boost::asio::io_context context_;
    std::unique_ptr<vault::keeper> keeper_;
    listing_writer writer_;
    ids told_;
    std::unique_ptr<expiry_watch> watch_;
};

TEST_F(ExpiryWatch, WarnsAtItsStartOfWhatIsInsideTheTimeAndOnce)
{
    const vault::connection soon = add(30min);
    add(3h);
    begin(1h);
    EXPECT_EQ(writer_.written, ids{soon.id});
    EXPECT_EQ(told_, ids{soon.id});
    EXPECT_EQ(watch_->expiring(), 1u);
    watch_->look_at(soon);
    settle();
    EXPECT_EQ(told_.size(), 1u);
    EXPECT_EQ(watch_->expiring(), 1u);
}

TEST_F(ExpiryWatch, WarnsOfWhatComesOrChangesWithoutWaiting)
{
    begin(1h);
    const vault::connection soon = add(30min);
    watch_->look_at(soon);
    vault::connection changed = add(3h);
    watch_->look_at(changed);
    settle();
    EXPECT_EQ(told_, ids{soon.id});
    changed.expires_at = soon.expires_at;
    watch_->look_at(changed);
    settle();
    EXPECT_EQ(told_, (ids{soon.id, changed.id}));
    EXPECT_EQ(watch_->expiring(), 2u);
}

TEST_F(ExpiryWatch, CountsNoLongerWhatWasSwitchedOffOrRemoved)
{
    begin(1h);
    vault::connection off = add(30min);
    const vault::connection removed = add(30min);
    watch_->look_at(off);
    watch_->look_at(removed);
    settle();
    EXPECT_EQ(watch_->expiring(), 2u);
    off.status = vault::status::inactive;
    watch_->look_at(off);
    watch_->forget(removed);
    settle();
    EXPECT_EQ(watch_->expiring(), 0u);
    EXPECT_EQ(told_.size(), 2u);
}

TEST_F(ExpiryWatch, LooksAgainWhereTheTimeOfWarningChanges)
{
    const vault::connection later = add(3h);
    begin(1h);
    EXPECT_TRUE(told_.empty());
    watch_->use(4h);
    settle();
    EXPECT_EQ(told_, ids{later.id});
    EXPECT_EQ(watch_->expiring(), 1u);
    watch_->use(0ms);
    settle();
    EXPECT_EQ(watch_->expiring(), 0u);
    watch_->look_at(add(1min));
    settle();
    EXPECT_EQ(told_.size(), 1u) << "nobody is warned";
}

TEST_F(ExpiryWatch, WarnsAnotherTimeWhereTheTrailCannotBeWritten)
{
    writer_.broken = true;
    const vault::connection soon = add(30min);
    begin(1h);
    EXPECT_TRUE(told_.empty());
    writer_.broken = false;
    watch_->look_at(soon);
    settle();
    EXPECT_EQ(writer_.written, ids{soon.id});
    EXPECT_EQ(told_, ids{soon.id});
}

TEST_F(ExpiryWatch, LeavesAloneWhatRenewsItself)
{
    vault::connection fresh = vault::example_connection();
    fresh.kind = "oauth2";
    fresh.expires_at = now_micros() + std::chrono::microseconds(30min).count();
    vault::credential fields;
    fields.push_back({"access_token", vault::secret("token of a test")});
    fields.push_back({"refresh_token", vault::secret("another of a test")});
    ASSERT_TRUE(vault::run(context_, keeper_->add(fresh, std::move(fields))));
    begin(1h);
    EXPECT_TRUE(told_.empty());
    EXPECT_EQ(watch_->expiring(), 0u);
}

}  // namespace
}  // namespace sallyport::control
