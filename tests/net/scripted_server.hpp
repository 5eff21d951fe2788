// A server on loopback, on a thread of its own, that answers each connection with what a function
// makes of the request. TLS where it has a context. Keeps every request it saw.
#pragma once

#include <gtest/gtest.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <array>
#include <atomic>
#include <charconv>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "net/tls.hpp"

namespace sallyport::net {

class scripted_server {
public:
    // Nullopt: silence until the server ends.
    using script = std::function<std::optional<std::string>(const std::string& request)>;

    explicit scripted_server(script answers, ssl_context tls = nullptr)
        : answers_(std::move(answers)), tls_(std::move(tls))
    {
        listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        EXPECT_EQ(::bind(listener_, reinterpret_cast<sockaddr*>(&address), size), 0);
        EXPECT_EQ(::listen(listener_, 16), 0);
        EXPECT_EQ(::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size), 0);
        port_ = ntohs(address.sin_port);
        thread_ = std::thread([this] { serve(); });
    }

    ~scripted_server()
    {
        stopped_ = true;
        thread_.join();
        ::close(listener_);
    }
    scripted_server(const scripted_server&) = delete;
    scripted_server& operator=(const scripted_server&) = delete;

    std::uint16_t port() const { return port_; }
    std::string url(const std::string& path) const
    {
        return (tls_ ? "https://127.0.0.1:" : "http://127.0.0.1:") + std::to_string(port_) + path;
    }

    std::vector<std::string> requests() const
    {
        const std::lock_guard hold(lock_);
        return requests_;
    }

    // An answer with this status line's rest, these further fields and this body.
    static std::string answer(const std::string& status, const std::string& fields,
                              const std::string& body)
    {
        return "HTTP/1.1 " + status + "\r\n" + fields +
               "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
    }
    static std::string json(const std::string& status, const std::string& body)
    {
        return answer(status, "Content-Type: application/json\r\n", body);
    }

private:
    bool wait_for(int descriptor)
    {
        while (!stopped_) {
            pollfd what{descriptor, POLLIN, 0};
            if (::poll(&what, 1, 20) > 0) {
                return true;
            }
        }
        return false;
    }

    void serve()
    {
        while (wait_for(listener_)) {
            const int connection = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
            if (connection >= 0) {
                converse(connection);
                ::close(connection);
            }
        }
    }

    static std::size_t whole(const std::string& seen)
    {
        const std::size_t head = seen.find("\r\n\r\n");
        if (head == std::string::npos) {
            return std::string::npos;
        }
        std::size_t length = 0;
        const std::size_t field = seen.find("Content-Length: ");
        if (field < head) {
            std::from_chars(seen.data() + field + 16, seen.data() + head, length);
        }
        return head + 4 + length;
    }

    void converse(int connection)
    {
        std::unique_ptr<SSL, ssl_deleter> ssl;
        if (tls_) {
            ssl.reset(SSL_new(tls_.get()));
            SSL_set_fd(ssl.get(), connection);
            if (SSL_accept(ssl.get()) != 1) {
                return;
            }
        }
        std::string seen;
        std::array<char, 4096> piece{};
        while (seen.size() < whole(seen)) {
            const bool is_buffered = ssl && SSL_pending(ssl.get()) > 0;
            if (!is_buffered && !wait_for(connection)) {
                return;
            }
            const int got =
                ssl ? SSL_read(ssl.get(), piece.data(), static_cast<int>(piece.size()))
                    : static_cast<int>(::recv(connection, piece.data(), piece.size(), 0));
            if (got <= 0) {
                return;
            }
            seen.append(piece.data(), static_cast<std::size_t>(got));
        }
        {
            const std::lock_guard hold(lock_);
            requests_.push_back(seen);
        }
        const std::optional<std::string> said = answers_(seen);
        if (!said) {
            while (!stopped_) {
                ::poll(nullptr, 0, 20);
            }
        } else if (ssl) {
            SSL_write(ssl.get(), said->data(), static_cast<int>(said->size()));
            SSL_shutdown(ssl.get());
        } else {
            ::send(connection, said->data(), said->size(), MSG_NOSIGNAL);
        }
    }

    script answers_;
    ssl_context tls_;
    int listener_ = -1;
    std::uint16_t port_ = 0;
    std::atomic<bool> stopped_ = false;
    mutable std::mutex lock_;
    std::vector<std::string> requests_;
    std::thread thread_;
};

}  // namespace sallyport::net
