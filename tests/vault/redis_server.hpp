// A real redis-server of the test's own, on a free port, that dies with the test: plain, TLS or a
// sentinel.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "tests/vault/fixture.hpp"
#include "vault/redis_reply.hpp"

namespace sallyport::vault {

class redis_server {
public:
    enum class kind { plain, tls, sentinel };

    explicit redis_server(std::vector<std::string> more = {"--appendonly", "yes", "--appendfsync",
                                                           "always"},
                          kind what = kind::plain)
        : more_(std::move(more)), kind_(what)
    {
        // Another process may take the port between its choice and its use.
        for (int attempt = 0; attempt < 5; ++attempt) {
            port_ = free_port();
            start();
            if (answers()) {
                return;
            }
            kill();
        }
        throw std::runtime_error("redis-server does not start");
    }
    ~redis_server() { kill(); }
    redis_server(const redis_server&) = delete;
    redis_server& operator=(const redis_server&) = delete;

    std::string url() const { return "redis://127.0.0.1:" + std::to_string(port_); }
    std::uint16_t port() const { return port_; }

    void kill()
    {
        if (child_ > 0) {
            ::kill(child_, SIGKILL);
            ::waitpid(child_, nullptr, 0);
            child_ = -1;
        }
    }

    // Again, on the same port and files.
    void restart()
    {
        kill();
        start();
        if (!answers()) {
            throw std::runtime_error("redis-server does not start again");
        }
    }

    void stall() const { ::kill(child_, SIGSTOP); }
    void resume() const { ::kill(child_, SIGCONT); }
    void empty() const { command("*1\r\n$8\r\nFLUSHALL\r\n"); }

    // One command and the beginning of its answer.
    std::string ask(const std::vector<std::string_view>& words) const
    {
        std::string bytes;
        append_command(bytes, words);
        return command(bytes);
    }

    // Sends raw bytes on a connection of its own and returns the beginning of the answer.
    std::string command(const std::string& bytes) const
    {
        const int peer = connect_to(port_);
        if (peer < 0) {
            return "";
        }
        char answer[256];
        ssize_t size = ::write(peer, bytes.data(), bytes.size());
        size = size < 0 ? size : ::read(peer, answer, sizeof answer);
        ::close(peer);
        return size <= 0 ? std::string() : std::string(answer, static_cast<std::size_t>(size));
    }

private:
    static sockaddr_in address(std::uint16_t port)
    {
        sockaddr_in at{};
        at.sin_family = AF_INET;
        at.sin_port = htons(port);
        at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        return at;
    }

    static int connect_to(std::uint16_t port)
    {
        const int peer = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        const sockaddr_in at = address(port);
        if (::connect(peer, reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0) {
            ::close(peer);
            return -1;
        }
        return peer;
    }

    static std::uint16_t free_port()
    {
        const int probe = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in at = address(0);
        socklen_t size = sizeof at;
        const bool found = ::bind(probe, reinterpret_cast<const sockaddr*>(&at), size) == 0 &&
                           ::getsockname(probe, reinterpret_cast<sockaddr*>(&at), &size) == 0;
        ::close(probe);
        return found ? ntohs(at.sin_port) : std::uint16_t{0};
    }

    void start()
    {
        std::vector<std::string> words = {"redis-server"};
        const auto set = [&words](const char* name, std::string value) {
            words.emplace_back(name);
            words.push_back(std::move(value));
        };
        if (kind_ == kind::sentinel) {
            words.push_back(directory_ + "/sentinel.conf");
            write_file(words.back(), sentinel_text());
            words.emplace_back("--sentinel");
        }
        set("--port", kind_ == kind::tls ? "0" : std::to_string(port_));
        if (kind_ == kind::tls) {
            set("--tls-port", std::to_string(port_));
        }
        set("--bind", "127.0.0.1");
        set("--dir", directory_);
        set("--logfile", "/dev/null");
        if (kind_ != kind::sentinel) {
            set("--save", "");
            words.insert(words.end(), more_.begin(), more_.end());
        }
        std::vector<char*> pointers;
        for (std::string& word : words) {
            pointers.push_back(word.data());
        }
        pointers.push_back(nullptr);
        child_ = ::fork();
        if (child_ == 0) {
            ::prctl(PR_SET_PDEATHSIG, SIGKILL);
            ::execvp(pointers[0], pointers.data());
            ::_exit(127);
        }
    }

    // Each of `more_` is a line of a sentinel's configuration.
    std::string sentinel_text() const
    {
        std::string text;
        for (const std::string& line : more_) {
            text += line + "\n";
        }
        return text;
    }

    // A TLS server hangs up on what is not TLS: it stands.
    bool stands() const
    {
        if (kind_ != kind::tls) {
            const std::string answer = ask({"PING"});
            return answer.starts_with("+PONG") || answer.starts_with("-NOAUTH");
        }
        const int peer = connect_to(port_);
        ::close(peer);
        return peer >= 0;
    }

    bool answers() const
    {
        const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
        while (std::chrono::steady_clock::now() < end) {
            if (stands()) {
                return true;
            }
            if (::waitpid(child_, nullptr, WNOHANG) == child_) {
                return false;
            }
            std::this_thread::sleep_for(std::chrono::milliseconds(10));
        }
        return false;
    }

    // The server syncs each write, and a busy disk would make it slower than the store's own limit.
    // Killing it loses nothing in memory either.
    temporary_directory home_{quick_directory()};
    const std::string directory_ = home_.path().string();
    std::vector<std::string> more_;
    kind kind_;
    std::uint16_t port_ = 0;
    pid_t child_ = -1;
};

}  // namespace sallyport::vault
