// A connected socket, TCP or unix, plain or TLS, as the data plane uses it.
//
// Input is received into a buffer of the stream's own when it arrives and somebody wants it; an
// idle connection that is watched notices a byte or the peer's end at no extra system call. Writing
// tries at once and suspends only when the kernel's buffer is full.
//
// Threading: one worker's thread. Lifetime: counted; it is shared by whoever works on the
// connection. Limits: input never grows past buffer::large_size until it is consumed; unsent output
// is bounded by what one put() was given.
#pragma once

#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <boost/smart_ptr/intrusive_ref_counter.hpp>
#include <span>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "net/runtime.hpp"
#include "net/tls.hpp"

namespace sallyport::net {

class stream;

// Told when something happens on a stream on which nobody waits: bytes on an idle connection, or
// the peer's end. Called on the worker's thread; it may close the stream.
class stream_observer {
public:
    virtual void on_input(stream& stream) = 0;

protected:
    ~stream_observer() = default;
};

class stream final : public boost::intrusive_ref_counter<stream, boost::thread_unsafe_counter>,
                     private timed,
                     private pollable {
public:
    using socket_type = asio::basic_stream_socket<asio::generic::stream_protocol, executor>;
    using pointer = boost::intrusive_ptr<stream>;

    // Takes over a connected socket.
    stream(runtime& runtime, socket_type socket);
    explicit stream(runtime& runtime);  // Not connected: connect() comes next.
    ~stream();

    task<error_code> connect(asio::ip::tcp::endpoint to);

    void start_tls(std::unique_ptr<tls_engine> engine, std::shared_ptr<session_slot> slot);
    tls_engine* tls() noexcept { return tls_.get(); }

    // Runs the TLS handshake. errc::tls_failed, closed, timed_out.
    task<error_code> handshake();

    // --- input -------------------------------------------------------------------------------
    // Bytes that have arrived (decrypted) and were not consumed.
    std::string_view pending() const noexcept { return {input_.data() + begin_, end_ - begin_}; }
    void consume(std::size_t bytes) noexcept;
    // The same for what must not stay in a buffer that others will use.
    void consume_and_wipe(std::size_t bytes) noexcept;

    // From now on what arrives is read and told to whoever waits or observes. What had already
    // arrived may be pending afterwards.
    void watch();
    // Suspends until more bytes are pending than before. Success, or why there will be no more:
    // errc::closed (the peer's orderly end), truncated, timed_out, no_room, or the system's error.
    task<error_code> fill();
    // True once the peer has ended or the connection failed; the reason is the last fill's.
    bool ended() const noexcept { return static_cast<bool>(end_reason_); }
    error_code end_reason() const noexcept { return end_reason_; }
    // Makes a fill() that is waiting return success with nothing new.
    void interrupt();

    // --- output ------------------------------------------------------------------------------
    // Sends as much as the kernel takes now and keeps the rest. False: call drain() before the next
    // put() (or learn there that the connection is gone).
    bool put(std::initializer_list<std::string_view> parts);
    // Suspends until everything is sent.
    task<error_code> drain();

    // --- life --------------------------------------------------------------------------------
    // From now on; 0: never. When it runs out the connection is closed and what waits gets
    // errc::timed_out; or, asked softly, only a waiting fill() returns with nothing new, so that
    // there is still a connection to say so on.
    void expires_after(std::chrono::milliseconds limit, bool softly = false) noexcept
    {
        deadline = limit.count() == 0 ? 0 : runtime_.now() + limit.count();
        expires_softly_ = softly;
        timed_out_ = timed_out_ && !is_open();
    }
    bool timed_out() const noexcept { return timed_out_; }

    void observe(stream_observer* observer) noexcept { observer_ = observer; }
    // Gives back what an idle connection does not need. Call with nothing pending.
    void shrink();
    // Sends the FIN, after close_notify on TLS; reading goes on.
    void shut_down_output();
    void close(error_code reason = {});
    bool is_open() const noexcept { return descriptor_ >= 0; }

private:
    void on_deadline() override;
    void on_events(std::uint32_t events) override;
    error_code adopt(int descriptor);
    bool make_room();
    bool make_cipher_room();
    bool read();
    bool receive();
    void decrypt();
    void wake_all();
    void finish(error_code reason);
    bool send(std::string_view bytes);
    bool send_plain(std::initializer_list<std::string_view> parts);
    bool flush_encrypted();
    bool undecrypted() const noexcept { return cipher_begin_ != cipher_end_ || tls_holds_more_; }

    runtime& runtime_;
    int descriptor_ = -1;
    bool readable_ = false;  // The kernel may have input for us.
    bool hung_up_ = false;   // It has the peer's end: no further edge will tell.
    wake_point writable_;
    std::shared_ptr<session_slot> slot_;
    std::unique_ptr<tls_engine> tls_;

    buffer input_;  // plain text
    std::size_t begin_ = 0, end_ = 0;
    buffer cipher_;  // TLS only: ciphertext, decrypted as room allows
    std::size_t cipher_begin_ = 0, cipher_end_ = 0;
    bool reading_ = false;  // Somebody wants to know of input.
    bool filled_ = false;   // The last read filled its buffer: a bulk transfer.
    bool timed_out_ = false;
    bool expires_softly_ = false;
    bool handshaking_ = false;
    bool tls_holds_more_ = false;
    error_code end_reason_;
    wake_point input_wake_;
    stream_observer* observer_ = nullptr;

    std::string unsent_;
    std::size_t unsent_begin_ = 0;
    error_code send_error_;
};

}  // namespace sallyport::net
