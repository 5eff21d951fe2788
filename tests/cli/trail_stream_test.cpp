#include "cli/trail_stream.hpp"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>
#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <future>
#include <thread>

#include "audit/trail.hpp"
#include "tests/vault/redis_server.hpp"
#include "vault/redis_commands.hpp"

namespace sallyport::cli {
namespace {

using namespace std::chrono_literals;

struct entry {
    std::string id, text;
};

// Everything of one stream of a Redis, in its order.
std::vector<entry> read_stream(const vault::redis_server& redis, const std::string& key)
{
    boost::asio::io_context context;
    const auto site = std::make_shared<vault::redis_site>(vault::parse_redis_url(redis.url()),
                                                          vault::redis_settings());
    vault::redis_commands commands(context, site);
    std::vector<entry> out;
    for (std::string from = "-";; from = '(' + out.back().id) {
        vault::words command = {"XRANGE", key, from, "+", "COUNT", "500"};
        auto asking = commands.ask(std::move(command));
        auto reply = boost::asio::co_spawn(context, std::move(asking), boost::asio::use_future);
        while (reply.wait_for(0s) != std::future_status::ready) {
            context.run_one();
        }
        const result<vault::redis_reply> found = reply.get();
        EXPECT_TRUE(found) << "Redis does not answer";
        if (!found || found->elements.empty()) {
            return out;
        }
        for (const vault::redis_reply& one : found->elements) {
            out.push_back({one.elements[0].text, one.elements[1].elements[1].text});
        }
    }
}

std::vector<std::string> entries_of(const vault::redis_server& redis, const std::string& key)
{
    std::vector<std::string> out;
    for (const entry& one : read_stream(redis, key)) {
        out.push_back(one.text);
    }
    return out;
}

class TrailStream : public testing::Test {
protected:
    TrailStream()
    {
        settings_.directory = directory_;
        settings_.segment_bytes = 200'000;
    }

    std::unique_ptr<audit::shipper> ship()
    {
        return std::make_unique<audit::shipper>(
            directory_, make_trail_stream(redis_.url(), {}, "node"), [](const std::string&) {});
    }
    std::string key() const
    {
        return "sallyport:audit:node:" + audit::covered_reader(directory_).identity().substr(0, 16);
    }
    // Writes until told otherwise, at least `least` lines.
    void write(const std::atomic<bool>& enough, std::size_t least)
    {
        auto trail = std::move(*audit::open_trail(settings_, "node"));
        auto writer = std::move(*trail->open_writer("w0"));
        for (std::size_t i = 0; i < least || !enough; ++i) {
            audit::entry line;
            line.kind = audit::kind::call_refused;
            ASSERT_TRUE(writer->append(line) && writer->flush());
            if (i % 5 == 0) {
                std::this_thread::sleep_for(1ms);
            }
        }
    }
    std::vector<std::string> in_files() const
    {
        std::vector<std::filesystem::path> segments;
        for (const auto& file : std::filesystem::directory_iterator(directory_)) {
            if (file.path().extension() == ".jsonl") {
                segments.push_back(file.path());
            }
        }
        std::sort(segments.begin(), segments.end());
        std::vector<std::string> out;
        for (const auto& segment : segments) {
            std::ifstream in(segment);
            for (std::string line; std::getline(in, line);) {
                out.push_back(line);
            }
        }
        return out;
    }

    vault::redis_server redis_;
    temporary_directory home_;
    const std::filesystem::path directory_ = home_.path();
    audit::settings settings_;
};

TEST_F(TrailStream, HasEverythingOnceAndInOrderAfterRedisWasDownUnderLoad)
{
    {
        const auto shipping = ship();
        std::atomic<bool> enough = false;
        std::thread load([&] { write(enough, 5000); });
        const auto until = std::chrono::steady_clock::now() + 30s;
        while (shipping->shipped_checkpoint() == 0 && std::chrono::steady_clock::now() < until) {
            std::this_thread::sleep_for(10ms);
        }
        EXPECT_GT(shipping->shipped_checkpoint(), 0u);
        for (int outage = 0; outage < 2; ++outage) {
            redis_.kill();
            std::this_thread::sleep_for(1500ms);  // An outage lasts; nothing is awaited here.
            EXPECT_GT(shipping->behind(), 0u);
            redis_.restart();
            const std::uint64_t before = shipping->shipped_checkpoint();
            while (shipping->shipped_checkpoint() <= before &&
                   std::chrono::steady_clock::now() < until) {
                std::this_thread::sleep_for(10ms);
            }
        }
        enough = true;
        load.join();
        while (shipping->behind() != 0 && std::chrono::steady_clock::now() < until) {
            std::this_thread::sleep_for(10ms);
        }
    }
    const auto files = in_files();
    EXPECT_GE(files.size(), 5000u);
    EXPECT_TRUE(entries_of(redis_, key()) == files) << "not the same lines in the same order";
    EXPECT_FALSE(entries_of(redis_, key() + ":checkpoints").empty());
}

TEST_F(TrailStream, IsFilledAgainByWhoeverComesAfterARedisThatWasEmptied)
{
    write(true, 700);
    ship();
    ASSERT_EQ(entries_of(redis_, key()).size(), 700u);
    redis_.empty();
    ship();
    EXPECT_EQ(entries_of(redis_, key()), in_files());
}

TEST_F(TrailStream, LosesOnlyWhatEveryGroupAcknowledged)
{
    write(true, 300);
    ship();
    const auto sink = make_trail_stream(redis_.url(), {}, "node");
    const auto found = sink->find(audit::covered_reader(directory_).identity());
    ASSERT_TRUE(found);
    const std::string stream = key();
    ASSERT_TRUE(sink->trim());
    EXPECT_EQ(entries_of(redis_, stream).size(), 300u);  // Nobody reads it yet.

    redis_.ask({"XGROUP", "CREATE", stream, "siem", "0"});
    redis_.ask({"XGROUP", "CREATE", stream, "other", "0"});
    for (const char* group : {"siem", "other"}) {
        redis_.ask({"XREADGROUP", "GROUP", group, "c", "COUNT", "200", "STREAMS", stream, ">"});
    }
    ASSERT_TRUE(sink->trim());
    EXPECT_EQ(entries_of(redis_, stream).size(), 300u);  // Read, and not acknowledged.

    // Up to, and with, the 200th; the 151st is left out.
    const auto all = read_stream(redis_, stream);
    for (std::size_t i = 0; i < 200; ++i) {
        for (const char* group : {"siem", "other"}) {
            if (i != 150) {
                redis_.ask({"XACK", stream, group, all[i].id});
            }
        }
    }
    ASSERT_TRUE(sink->trim());
    EXPECT_EQ(entries_of(redis_, stream).size(), 150u);

    // What is gone is not brought again.
    ship();
    EXPECT_EQ(entries_of(redis_, stream).size(), 150u);
}

TEST_F(TrailStream, RefusesAnAddressWithoutRepeatingIt)
{
    try {
        make_trail_stream("redis://:planted-secret@host:port:x", {}, "node");
        FAIL() << "accepted";
    } catch (const std::exception& fault) {
        EXPECT_EQ(std::string(fault.what()).find("planted-secret"), std::string::npos);
    }
}

}  // namespace
}  // namespace sallyport::cli
