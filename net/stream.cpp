#include "net/stream.hpp"

#include <openssl/crypto.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <cstring>

#include "net/error.hpp"

namespace sallyport::net {

namespace {

constexpr auto as_result = asio::as_tuple(asio::deferred);
constexpr std::size_t parts_max = 4;

bool would_block(int error) { return error == EAGAIN || error == EWOULDBLOCK; }

error_code system_error_code(int error) { return {error, boost::system::system_category()}; }

}  // namespace

stream::stream(runtime& runtime, socket_type socket) : runtime_(runtime), socket_(std::move(socket))
{
    runtime_.add(*this);
    if (socket_.is_open()) {
        error_code ignored;
        socket_.non_blocking(true, ignored);
    }
}

stream::~stream()
{
    if (!unsent_.empty()) {
        OPENSSL_cleanse(unsent_.data(), unsent_.size());
    }
}

void stream::start_tls(std::unique_ptr<tls_engine> engine, std::shared_ptr<session_slot> slot)
{
    slot_ = std::move(slot);
    tls_ = std::move(engine);
}

task<error_code> stream::handshake()
{
    handshaking_ = true;
    for (;;) {
        std::string_view input(cipher_.data() + cipher_begin_, cipher_end_ - cipher_begin_);
        const std::size_t before = input.size();
        const tls_engine::status status = tls_->handshake(input, runtime_.encrypted);
        cipher_begin_ += before - input.size();
        if (!flush_encrypted()) {
            const error_code unsent = co_await drain();
            if (unsent) {
                co_return unsent;
            }
        }
        if (status == tls_engine::status::done) {
            break;
        }
        if (status != tls_engine::status::want_input || ended()) {
            co_return timed_out_ ? make_error_code(errc::timed_out)
                      : end_reason_ && status == tls_engine::status::want_input
                          ? end_reason_
                          : make_error_code(errc::tls_failed);
        }
        start_read();
        co_await input_wake_.wait();
    }
    handshaking_ = false;
    decrypt();  // The peer may have sent more behind its last handshake message.
    co_return error_code{};
}

void stream::consume(std::size_t bytes) noexcept
{
    begin_ += bytes;
    if (begin_ == end_ && !reading_) {
        begin_ = end_ = 0;
    }
}

void stream::watch()
{
    if (begin_ == end_ && tls_ != nullptr) {
        decrypt();
    }
    if (!reading_ && !ended() && begin_ == end_) {
        start_read();
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
    if (!reading_) {
        if (!make_room()) {
            co_return errc::no_room;
        }
        start_read();
    }
    co_await input_wake_.wait();
    if (end_ - begin_ > before) {
        co_return error_code{};
    }
    co_return end_reason_;  // None if somebody interrupted the wait.
}

// Room behind end_. A buffer that was filled by one read is exchanged for a large one.
bool stream::make_room()
{
    const std::size_t kept = end_ - begin_;
    const bool grow = input_.capacity() == buffer::small_size && (filled_ || kept == input_.capacity());
    if (input_.capacity() == 0 || grow) {
        buffer larger = runtime_.buffers.take(grow ? buffer::large_size : buffer::small_size);
        if (kept != 0) {
            std::memcpy(larger.data(), input_.data() + begin_, kept);
        }
        input_ = std::move(larger);
        begin_ = 0;
        end_ = kept;
    } else if (begin_ != 0 && (kept == 0 || end_ == input_.capacity())) {
        std::memmove(input_.data(), input_.data() + begin_, kept);
        begin_ = 0;
        end_ = kept;
    }
    return end_ < input_.capacity();
}

void stream::start_read()
{
    char* to = nullptr;
    std::size_t room = 0;
    if (tls_ == nullptr) {
        make_room();
        to = input_.data() + end_;
        room = input_.capacity() - end_;
    } else {
        // One record may be larger than the small buffer; OpenSSL takes what is there, so the
        // buffer is empty again before each read.
        if (cipher_.capacity() == 0 || (filled_ && cipher_.capacity() == buffer::small_size)) {
            cipher_ = runtime_.buffers.take(filled_ ? buffer::large_size : buffer::small_size);
        }
        cipher_begin_ = cipher_end_ = 0;
        to = cipher_.data();
        room = cipher_.capacity();
    }
    reading_ = true;
    socket_.async_read_some(asio::buffer(to, room),
                            [self = pointer(this)](const error_code& error, std::size_t bytes) {
                                self->on_read(error, bytes);
                            });
}

void stream::on_read(const error_code& error, std::size_t bytes)
{
    const pointer alive(this);
    reading_ = false;
    const std::size_t before = end_ - begin_;
    if (tls_ == nullptr) {
        end_ += bytes;
        filled_ = bytes != 0 && end_ == input_.capacity();
    } else {
        cipher_end_ += bytes;
        filled_ = bytes != 0 && cipher_end_ == cipher_.capacity();
        if (!handshaking_ && bytes != 0) {
            decrypt();
        }
    }
    if (error) {
        finish(error == asio::error::eof ? (tls_ == nullptr ? make_error_code(errc::closed)
                                                            : make_error_code(errc::truncated))
                                         : error);
    } else if (tls_ != nullptr && !handshaking_ && end_ - begin_ == before && !ended()) {
        start_read();  // Half a record, or a session ticket: nothing to tell anybody yet.
        return;
    }
    if (input_wake_.waiting()) {
        input_wake_.wake();
    } else if (observer_ != nullptr) {
        observer_->on_input(*this);
    }
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

void stream::finish(error_code reason)
{
    if (!end_reason_) {
        end_reason_ = timed_out_ ? make_error_code(errc::timed_out) : reason;
    }
}

bool stream::put(std::initializer_list<std::string_view> parts)
{
    if (tls_ == nullptr) {
        return send_plain(parts);
    }
    for (const std::string_view part : parts) {
        if (!part.empty() && !tls_->write(part, runtime_.encrypted)) {
            send_error_ = errc::tls_failed;
        }
    }
    return flush_encrypted();
}

bool stream::flush_encrypted()
{
    if (runtime_.encrypted.empty()) {
        return unsent_.empty() && !send_error_;
    }
    const bool sent = send(runtime_.encrypted);
    runtime_.encrypted.clear();
    return sent;
}

bool stream::send(std::string_view bytes) { return send_plain({bytes}); }

namespace {

// One part needs no vector.
ssize_t send_parts(int descriptor, std::initializer_list<std::string_view> parts)
{
    std::array<iovec, parts_max> vectors{};
    std::size_t count = 0;
    for (const std::string_view part : parts) {
        if (!part.empty()) {
            vectors[count++] = {const_cast<char*>(part.data()), part.size()};
        }
    }
    if (count == 1) {
        return ::send(descriptor, vectors[0].iov_base, vectors[0].iov_len, MSG_NOSIGNAL);
    }
    msghdr message{};
    message.msg_iov = vectors.data();
    message.msg_iovlen = count;
    return ::sendmsg(descriptor, &message, MSG_NOSIGNAL);
}

}  // namespace

bool stream::send_plain(std::initializer_list<std::string_view> parts)
{
    if (send_error_) {
        return false;
    }
    std::size_t sent = 0;
    if (unsent_.empty()) {
        const ssize_t taken = send_parts(socket_.native_handle(), parts);
        if (taken < 0 && !would_block(errno) && errno != EINTR) {
            send_error_ = system_error_code(errno);
            return false;
        }
        sent = taken < 0 ? 0 : static_cast<std::size_t>(taken);
    }
    for (const std::string_view part : parts) {
        const std::size_t skipped = std::min(sent, part.size());
        sent -= skipped;
        unsent_.append(part.substr(skipped));
    }
    return unsent_.empty();
}

task<error_code> stream::drain()
{
    const pointer alive(this);
    while (!send_error_ && unsent_begin_ < unsent_.size()) {
        auto writable = socket_.async_wait(socket_type::wait_write, as_result);
        const auto [error] = co_await std::move(writable);
        if (error) {
            send_error_ = timed_out_ ? make_error_code(errc::timed_out) : error;
            break;
        }
        const ssize_t taken = ::send(socket_.native_handle(), unsent_.data() + unsent_begin_,
                                     unsent_.size() - unsent_begin_, MSG_NOSIGNAL);
        if (taken >= 0) {
            unsent_begin_ += static_cast<std::size_t>(taken);
        } else if (!would_block(errno) && errno != EINTR) {
            send_error_ = system_error_code(errno);
        }
    }
    OPENSSL_cleanse(unsent_.data(), unsent_.size());  // It may have held a credential.
    unsent_.clear();
    unsent_begin_ = 0;
    co_return send_error_;
}

void stream::shrink()
{
    filled_ = false;
    if (!reading_ && begin_ == end_) {
        begin_ = end_ = 0;
        if (input_.capacity() != buffer::small_size || tls_ != nullptr) {
            input_ = buffer();
        }
        if (!undecrypted() && cipher_.capacity() == buffer::large_size) {
            cipher_ = buffer();
        }
    }
}

void stream::shut_down_output()
{
    if (tls_ != nullptr && !handshaking_) {
        tls_->shut_down(runtime_.encrypted);
        flush_encrypted();
    }
    error_code ignored;
    socket_.shutdown(socket_type::shutdown_send, ignored);
}

void stream::on_deadline()
{
    timed_out_ = true;
    if (expires_softly_) {
        interrupt();
    } else {
        close(errc::timed_out);
    }
}

void stream::close(error_code reason)
{
    const pointer alive(this);
    finish(reason ? reason : make_error_code(errc::closed));
    if (!send_error_) {
        send_error_ = end_reason_;
    }
    error_code ignored;
    socket_.close(ignored);
    if (!reading_ && input_wake_.waiting()) {
        input_wake_.wake();
    }
}

}  // namespace sallyport::net
