#include "net/pool.hpp"

#include <algorithm>

namespace sallyport::net {

lane::~lane() { close(); }

stream::pointer lane::take()
{
    if (idle_.empty()) {
        return {};
    }
    stream::pointer out = std::move(idle_.back());
    idle_.pop_back();
    out->observe(nullptr);
    out->expires_after({});
    return out;
}

void lane::give(stream::pointer connection)
{
    if (closed_ || idle_.size() >= idle_max) {
        connection->close();
        return;
    }
    connection->watch();
    if (connection->ended() || !connection->pending().empty()) {
        connection->close();
        return;
    }
    connection->observe(this);
    connection->expires_after(idle_limit);
    idle_.push_back(std::move(connection));
}

void lane::close()
{
    closed_ = true;
    for (const stream::pointer& connection : idle_) {
        connection->observe(nullptr);
        connection->close();
    }
    idle_.clear();
}

void lane::on_input(stream& stream)
{
    const auto at = std::find_if(idle_.begin(), idle_.end(),
                                 [&](const auto& candidate) { return candidate.get() == &stream; });
    if (at != idle_.end()) {
        stream.observe(nullptr);
        stream.close();
        idle_.erase(at);
    }
}

void pool::close_prefix(std::string_view prefix)
{
    for (auto at = lanes_.lower_bound(prefix);
         at != lanes_.end() && std::string_view(at->first).starts_with(prefix);) {
        at->second->close();
        at = lanes_.erase(at);
    }
}

void pool::close_all()
{
    for (const auto& [key, lane] : lanes_) {
        lane->close();
    }
    lanes_.clear();
}

std::size_t pool::idle() const noexcept
{
    std::size_t total = 0;
    for (const auto& [key, lane] : lanes_) {
        total += lane->idle();
    }
    return total;
}

// Past the limit, lanes without an idle connection are forgotten, but none that somebody holds:
// what is given back to it later must be within reach of close_prefix().
void pool::trim(const std::string& keep)
{
    if (lanes_.size() <= lanes_max) {
        return;
    }
    for (auto at = lanes_.begin(); at != lanes_.end();) {
        const bool unused =
            at->second.use_count() == 1 && at->second->idle() == 0 && at->first != keep;
        at = unused ? lanes_.erase(at) : std::next(at);
    }
}

}  // namespace sallyport::net
