// The program without `serve`, run inside the test, with what it printed; and a control listener
// that answers as it was told to and remembers what it was asked.
#pragma once

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <iostream>
#include <mutex>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "cli/command.hpp"
#include "tests/config/settings_directory.hpp"

namespace sallyport::cli {

struct outcome {
    int status = 0;
    std::string out;
    std::string err;
};

class redirected {
public:
    explicit redirected(std::ostream& stream)
        : stream_(stream), before_(stream.rdbuf(text_.rdbuf()))
    {
    }
    ~redirected() { stream_.rdbuf(before_); }
    redirected(const redirected&) = delete;
    redirected& operator=(const redirected&) = delete;
    std::string text() const { return text_.str(); }

private:
    std::ostringstream text_;
    std::ostream& stream_;
    std::streambuf* before_;
};

inline outcome run(const std::vector<std::string>& arguments)
{
    std::vector<const char*> argv{"sallyport"};
    for (const std::string& argument : arguments) {
        argv.push_back(argument.c_str());
    }
    CLI::App app;
    add_commands(app);
    const redirected out(std::cout);
    const redirected err(std::cerr);
    const int status =
        run_command_line(app, static_cast<int>(argv.size()), argv.data(), exit_status::done);
    return {status, out.text(), err.text()};
}

// Answers every request with `status` and `body`, one connection after the other.
class fake_gate {
public:
    explicit fake_gate(const std::string& path) : path_(path)
    {
        listener_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        ::sockaddr_un address{};
        address.sun_family = AF_UNIX;
        path.copy(address.sun_path, sizeof address.sun_path - 1);
        if (::bind(listener_, reinterpret_cast<::sockaddr*>(&address), sizeof address) != 0 ||
            ::listen(listener_, 8) != 0) {
            throw std::runtime_error("the fake gate cannot listen");
        }
        thread_ = std::thread([this] { serve(); });
    }
    ~fake_gate()
    {
        stopped_ = true;
        thread_.join();
        ::close(listener_);
    }
    fake_gate(const fake_gate&) = delete;
    fake_gate& operator=(const fake_gate&) = delete;

    std::string address() const { return "unix:" + path_; }

    // The next answers, in order; the last one stays.
    void answer(int status, const std::string& body)
    {
        const std::scoped_lock lock(mutex_);
        answers_.push_back("HTTP/1.1 " + std::to_string(status) +
                           " X\r\nContent-Type: application/json\r\nConnection: close\r\n"
                           "Content-Length: " +
                           std::to_string(body.size()) + "\r\n\r\n" + body);
    }

    // The requests so far, heads and bodies.
    std::vector<std::string> asked() const
    {
        const std::scoped_lock lock(mutex_);
        return asked_;
    }

private:
    static std::size_t body_size(const std::string& head)
    {
        const std::size_t field = head.find("Content-Length: ");
        return field == std::string::npos ? 0 : std::stoul(head.substr(field + 16));
    }

    static std::string read_request(int peer)
    {
        std::string text;
        char piece[4096];
        for (;;) {
            const std::size_t end = text.find("\r\n\r\n");
            if (end != std::string::npos && text.size() >= end + 4 + body_size(text)) {
                return text;
            }
            const ::ssize_t count = ::recv(peer, piece, sizeof piece, 0);
            if (count <= 0) {
                return text;
            }
            text.append(piece, static_cast<std::size_t>(count));
        }
    }

    void serve()
    {
        while (!stopped_) {
            ::pollfd waiting{listener_, POLLIN, 0};
            if (::poll(&waiting, 1, 20) <= 0) {
                continue;
            }
            const int peer = ::accept(listener_, nullptr, nullptr);
            const std::string request = read_request(peer);
            std::string reply;
            {
                const std::scoped_lock lock(mutex_);
                asked_.push_back(request);
                reply = answers_.at(std::min(asked_.size(), answers_.size()) - 1);
            }
            ::send(peer, reply.data(), reply.size(), MSG_NOSIGNAL);
            ::close(peer);
        }
    }

    std::string path_;
    int listener_ = -1;
    std::atomic<bool> stopped_ = false;
    mutable std::mutex mutex_;
    std::vector<std::string> answers_;
    std::vector<std::string> asked_;
    std::thread thread_;
};

// A set-up with a fake gate at its control socket, named by the environment.
class GateTest : public testing::Test {
protected:
    GateTest() : home(config::settings_directory::filled(directory_)), gate(home.file("c.sock"))
    {
        ::setenv("SALLYPORT_CONTROL", gate.address().c_str(), 1);
        ::setenv("SALLYPORT_CONTROL_TOKEN", "control-token", 1);
    }
    ~GateTest() override
    {
        ::unsetenv("SALLYPORT_CONTROL");
        ::unsetenv("SALLYPORT_CONTROL_TOKEN");
    }

    static std::string head_of(const std::string& request)
    {
        return request.substr(0, request.find("\r\n"));
    }
    static std::string body_of(const std::string& request)
    {
        return request.substr(request.find("\r\n\r\n") + 4);
    }

private:
    config::settings_directory directory_;

protected:
    config::settings_directory& home;
    fake_gate gate;
};

}  // namespace sallyport::cli
