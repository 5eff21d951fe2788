// The input half of a stream: receive, decrypt, tell.
#include <openssl/crypto.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>

#include "net/error.hpp"
#include "net/stream.hpp"

namespace sallyport::net {

namespace {

bool would_block(int error) { return error == EAGAIN || error == EWOULDBLOCK; }

}  // namespace

void stream::consume(std::size_t bytes) noexcept
{
    begin_ += bytes;
    if (begin_ == end_) {
        begin_ = end_ = 0;
    }
}

void stream::consume_and_wipe(std::size_t bytes) noexcept
{
    OPENSSL_cleanse(input_.data() + begin_, bytes);
    consume(bytes);
}

void stream::watch()
{
    if (begin_ == end_ && tls_ != nullptr) {
        decrypt();
    }
    if (begin_ != end_ || ended()) {
        return;
    }
    reading_ = true;
    if (read() && observer_ != nullptr) {
        observer_->on_input(*this);
    }
}

task<error_code> stream::fill()
{
    const std::size_t before = end_ - begin_;
    if (undecrypted()) {
        if (!make_room()) {
            co_return errc::no_room;
        }
        decrypt();
        if (end_ - begin_ > before) {
            co_return error_code{};
        }
    }
    if (ended()) {
        co_return end_reason_;
    }
    if (!make_room()) {
        co_return errc::no_room;
    }
    reading_ = true;
    if (!read()) {
        co_await input_wake_.wait();
    }
    if (end_ - begin_ > before) {
        co_return error_code{};
    }
    co_return end_reason_;  // None if somebody interrupted the wait.
}

// Room behind end_. A buffer that was filled by one read is exchanged for a large one.
bool stream::make_room()
{
    const std::size_t kept = end_ - begin_;
    const bool grow =
        input_.capacity() == buffer::small_size && (filled_ || kept == input_.capacity());
    if (input_.capacity() == 0 || grow) {
        buffer larger = runtime_.buffers.take(grow ? buffer::large_size : buffer::small_size);
        if (kept != 0) {
            std::memcpy(larger.data(), input_.data() + begin_, kept);
            OPENSSL_cleanse(input_.data() + begin_, kept);  // It may be half of a request's head.
        }
        input_ = std::move(larger);
        begin_ = 0;
        end_ = kept;
    } else if (begin_ != 0 && (kept == 0 || end_ == input_.capacity())) {
        std::memmove(input_.data(), input_.data() + begin_, kept);
        const std::size_t moved_from = std::max(begin_, kept);
        OPENSSL_cleanse(input_.data() + moved_from, end_ - moved_from);
        begin_ = 0;
        end_ = kept;
    }
    return end_ < input_.capacity();
}

// TLS takes all of the ciphertext it is shown, so the buffer is empty again before each receive.
bool stream::make_cipher_room()
{
    if (cipher_.capacity() == 0 || (filled_ && cipher_.capacity() == buffer::small_size)) {
        cipher_ = runtime_.buffers.take(filled_ ? buffer::large_size : buffer::small_size);
    }
    cipher_begin_ = cipher_end_ = 0;
    return true;
}

void stream::on_events(std::uint32_t events)
{
    const pointer alive(this);
    if ((events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0) {
        writable_.wake();
    }
    if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) == 0 || !is_open()) {
        return;
    }
    readable_ = true;
    hung_up_ = hung_up_ || (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
    if (!reading_ || !read()) {
        return;
    }
    if (input_wake_.waiting()) {
        input_wake_.wake();
    } else if (observer_ != nullptr) {
        observer_->on_input(*this);
    }
}

// True, and reading_ over, once there is something to tell: input, or the end.
bool stream::read()
{
    const std::size_t before = end_ - begin_;
    while (readable_ && !ended() && is_open()) {
        if (!receive()) {
            continue;
        }
        if (tls_ != nullptr && !handshaking_) {
            decrypt();  // Half a record or a session ticket is nothing to tell anybody yet.
        }
        if (end_ - begin_ != before || (tls_ != nullptr && handshaking_)) {
            break;
        }
    }
    const bool done =
        end_ - begin_ != before || ended() || (handshaking_ && cipher_begin_ != cipher_end_);
    reading_ = !done;
    return done;
}

// One receive. A short one empties the kernel's buffer: the next edge tells of more.
bool stream::receive()
{
    if (!(tls_ == nullptr ? make_room() : make_cipher_room())) {
        readable_ = false;
        finish(errc::no_room);
        return false;
    }
    buffer& into = tls_ == nullptr ? input_ : cipher_;
    std::size_t& end = tls_ == nullptr ? end_ : cipher_end_;
    const std::size_t room = into.capacity() - end;
    const ssize_t received = ::recv(descriptor_, into.data() + end, room, 0);
    if (received < 0) {
        if (would_block(errno)) {
            readable_ = false;
        } else if (errno != EINTR) {
            finish(error_code(errno, boost::system::system_category()));
        }
        return false;
    }
    if (received == 0) {
        finish(tls_ == nullptr ? errc::closed : errc::truncated);
        return false;
    }
    end += static_cast<std::size_t>(received);
    filled_ = static_cast<std::size_t>(received) == room;
    readable_ = filled_ || hung_up_;
    return true;
}

void stream::decrypt()
{
    if (!undecrypted() || !make_room()) {
        return;
    }
    std::string_view input(cipher_.data() + cipher_begin_, cipher_end_ - cipher_begin_);
    const std::size_t before = input.size();
    std::size_t bytes = 0;
    const std::span<char> room(input_.data() + end_, input_.capacity() - end_);
    const tls_engine::status status = tls_->read(input, runtime_.encrypted, room, bytes);
    cipher_begin_ += before - input.size();
    end_ += bytes;
    // The room ran out first: OpenSSL may hold the rest of a record.
    tls_holds_more_ = status == tls_engine::status::done;
    flush_encrypted();
    if (status == tls_engine::status::ended) {
        finish(errc::closed);
    } else if (status == tls_engine::status::failed) {
        finish(errc::tls_failed);
    }
}

}  // namespace sallyport::net
