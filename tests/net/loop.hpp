// An event loop with a clock, pairs of connected streams, and tasks that end in bounded time.
#pragma once

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <boost/asio/co_spawn.hpp>
#include <chrono>
#include <exception>
#include <optional>
#include <utility>

#include "net/stream.hpp"

namespace sallyport::net {

constexpr std::chrono::seconds test_limit{20};

struct loop {
    ~loop()
    {
        shared.stop();
        io.restart();
        io.run_for(std::chrono::seconds(1));
    }

    // Runs one task to its end. Several can be started before: they go on meanwhile.
    template <class T>
    T run(task<T> work)
    {
        std::optional<T> outcome;
        std::exception_ptr bug;
        asio::co_spawn(io, std::move(work), [&](std::exception_ptr thrown, T answer) {
            bug = thrown;
            outcome.emplace(std::move(answer));
        });
        const auto end = std::chrono::steady_clock::now() + test_limit;
        io.restart();
        while (!outcome && std::chrono::steady_clock::now() < end) {
            io.run_one_for(std::chrono::milliseconds(50));
        }
        if (bug) {
            std::rethrow_exception(bug);
        }
        EXPECT_TRUE(outcome) << "the task did not end";
        if (!outcome) {
            std::abort();  // Its frame refers to what dies with this function.
        }
        return std::move(*outcome);
    }

    void run_for(std::chrono::milliseconds time)
    {
        io.restart();
        io.run_for(time);
    }

    // Runs until `reached` says so; false if it never does.
    template <class Predicate>
    bool run_until(Predicate reached)
    {
        const auto end = std::chrono::steady_clock::now() + test_limit;
        io.restart();
        while (!reached() && std::chrono::steady_clock::now() < end) {
            io.run_one_for(std::chrono::milliseconds(50));
        }
        return reached();
    }

    stream::pointer make(int descriptor)
    {
        stream::socket_type socket(io.get_executor());
        socket.assign(asio::generic::stream_protocol(AF_UNIX, 0), descriptor);
        return stream::pointer(new stream(shared, std::move(socket)));
    }

    std::pair<stream::pointer, stream::pointer> pair()
    {
        int ends[2] = {};
        EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
        auto first = make(ends[0]);
        auto other = make(ends[1]);
        return {std::move(first), std::move(other)};
    }

    asio::io_context io{1};
    runtime shared{io};
};

}  // namespace sallyport::net
