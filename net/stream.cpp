#include "net/stream.hpp"

#include <netinet/tcp.h>
#include <openssl/crypto.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <boost/asio/post.hpp>
#include <boost/assert.hpp>
#include <array>
#include <cstring>

#include "net/error.hpp"

namespace sallyport::net {

namespace {

constexpr std::size_t parts_max = 4;

bool would_block(int error) { return error == EAGAIN || error == EWOULDBLOCK; }

error_code system_error_code(int error) { return {error, boost::system::system_category()}; }

}  // namespace

stream::stream(runtime& runtime) : runtime_(runtime) { runtime_.add(*this); }

stream::stream(runtime& runtime, socket_type socket) : stream(runtime)
{
    if (!socket.is_open()) {
        return;
    }
    error_code failed;
    socket.non_blocking(true, failed);
    const int descriptor = socket.release(failed);
    if (const error_code refused = adopt(descriptor)) {
        finish(refused);
        send_error_ = refused;
    }
}

stream::~stream()
{
    if (is_open()) {
        runtime_.poller.forget(*this);
        ::close(descriptor_);
    }
    if (!unsent_.empty()) {
        OPENSSL_cleanse(unsent_.data(), unsent_.size());
    }
}

// Registers the descriptor. On failure it is closed.
error_code stream::adopt(int descriptor)
{
    const error_code refused = runtime_.poller.add(descriptor, *this);
    if (refused) {
        ::close(descriptor);
        return refused;
    }
    descriptor_ = descriptor;
    readable_ = true;  // Unknown: the first read finds out.
    return {};
}

task<error_code> stream::connect(asio::ip::tcp::endpoint to)
{
    const int descriptor =
        ::socket(to.protocol().family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (descriptor < 0) {
        co_return system_error_code(errno);
    }
    const int on = 1;
    ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    const int started = ::connect(descriptor, to.data(), static_cast<socklen_t>(to.size()));
    const int refused = started == 0 ? 0 : errno;
    if (refused != 0 && refused != EINPROGRESS) {
        ::close(descriptor);
        co_return system_error_code(refused);
    }
    if (const error_code failed = adopt(descriptor)) {
        co_return failed;
    }
    readable_ = false;
    if (refused == EINPROGRESS) {
        co_await writable_.wait();
    }
    if (!is_open()) {
        co_return end_reason_;
    }
    int outcome = 0;
    socklen_t size = sizeof outcome;
    ::getsockopt(descriptor_, SOL_SOCKET, SO_ERROR, &outcome, &size);
    co_return outcome == 0 ? error_code{} : system_error_code(outcome);
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
            : end_reason_&& status == tls_engine::status::want_input
                ? end_reason_
                : make_error_code(errc::tls_failed);
        }
        reading_ = true;
        if (!read()) {
            co_await input_wake_.wait();
        }
    }
    handshaking_ = false;
    decrypt();  // The peer may have sent more behind its last handshake message.
    co_return error_code{};
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
    BOOST_ASSERT(parts.size() <= parts_max);
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
        const ssize_t taken = send_parts(descriptor_, parts);
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
        const ssize_t taken = ::send(descriptor_, unsent_.data() + unsent_begin_,
                                     unsent_.size() - unsent_begin_, MSG_NOSIGNAL);
        if (taken >= 0) {
            unsent_begin_ += static_cast<std::size_t>(taken);
        } else if (would_block(errno)) {
            co_await writable_.wait();
        } else if (errno != EINTR) {
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
    if (begin_ == end_) {
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
    ::shutdown(descriptor_, SHUT_WR);
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

void stream::interrupt()
{
    if (input_wake_.waiting()) {
        asio::post(runtime_.io(), [self = pointer(this)] { self->input_wake_.wake(); });
    }
}

// Whoever waits is woken from the loop, not from here: it may end what our caller still uses.
void stream::close(error_code reason)
{
    finish(reason ? reason : make_error_code(errc::closed));
    if (!send_error_) {
        send_error_ = end_reason_;
    }
    if (is_open()) {
        runtime_.poller.forget(*this);
        ::close(descriptor_);
        descriptor_ = -1;
    }
    if (input_wake_.waiting() || writable_.waiting()) {
        asio::post(runtime_.io(), [self = pointer(this)] { self->wake_all(); });
    }
}

void stream::wake_all()
{
    writable_.wake();
    input_wake_.wake();
}

}  // namespace sallyport::net
