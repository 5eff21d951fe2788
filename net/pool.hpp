// Connections to providers kept alive between calls.
//
// A lane holds the idle connections that one tenant's credential may use again: its key names the
// workspace, the connection, the version of its credential and everything about the destination, so
// that nothing of one workspace (a socket, a TLS session, an answer that arrived late) ever reaches
// another (G6). An idle connection on which a byte arrives is closed, never handed out: the byte
// would be read as the next caller's answer.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "net/dial.hpp"

namespace sallyport::net {

class lane final : public stream_observer {
public:
    static constexpr std::size_t idle_max = 512;
    static constexpr std::chrono::milliseconds idle_limit{60'000};

    explicit lane(destination to) : to_(std::move(to)) {}
    ~lane();
    lane(const lane&) = delete;
    lane& operator=(const lane&) = delete;

    const destination& to() const noexcept { return to_; }
    const std::shared_ptr<session_slot>& slot() const noexcept { return slot_; }

    // The connection used last, or null. It has a read under way.
    stream::pointer take();
    // Keeps the connection if it is clean: nothing pending, not ended.
    void give(stream::pointer connection);
    // Closes what is idle and keeps nothing from now on.
    void close();

    std::size_t idle() const noexcept { return idle_.size(); }

private:
    void on_input(stream& stream) override;

    destination to_;
    std::shared_ptr<session_slot> slot_ = std::make_shared<session_slot>();
    std::vector<stream::pointer> idle_;
    bool closed_ = false;
};

// The lanes of one worker, by key. Not thread-safe.
class pool {
public:
    static constexpr std::size_t lanes_max = 16'384;

    // `key` must hold everything that tells one lane from another. `make` is called for a new one.
    template <class Make>
    std::shared_ptr<lane> find(const std::string& key, Make make)
    {
        auto& found = lanes_[key];
        if (found == nullptr) {
            found = std::make_shared<lane>(make());
            trim(key);
        }
        return found;
    }

    // Every lane whose key starts so: a connection that was revoked, changed or removed.
    void close_prefix(std::string_view prefix);
    void close_all();
    std::size_t idle() const noexcept;

private:
    void trim(const std::string& keep);

    std::map<std::string, std::shared_ptr<lane>, std::less<>> lanes_;
};

}  // namespace sallyport::net
