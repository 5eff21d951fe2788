#include "net/lookups.hpp"

#include <netdb.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstring>
#include <list>
#include <map>
#include <optional>

#include "net/error.hpp"

namespace sallyport::net {

namespace asio = boost::asio;

namespace {

std::string domain_of(const std::string& host)
{
    const std::size_t last = host.rfind('.');
    if (last == host.npos || last == 0) {
        return host;
    }
    const std::size_t before = host.rfind('.', last - 1);
    return before == host.npos ? host : host.substr(before + 1);
}

// One name that is being asked for, and who waits for it.
struct question {
    std::string host, domain;
    std::list<asio::steady_timer*> waiting;
    std::optional<lookups::addresses> found;
};

// A place among those who wait, however the waiting ends.
class [[nodiscard]] place {
public:
    place(std::shared_ptr<question> in, asio::steady_timer& timer)
        : in_(std::move(in)), at_(in_->waiting.insert(in_->waiting.end(), &timer))
    {
    }
    ~place() { in_->waiting.erase(at_); }
    place(const place&) = delete;
    place& operator=(const place&) = delete;

private:
    std::shared_ptr<question> in_;
    std::list<asio::steady_timer*>::iterator at_;
};

}  // namespace

struct lookups::state : std::enable_shared_from_this<state> {
    state(asio::io_context& context, way given) : io(context), look(std::move(given)) {}

    std::shared_ptr<question> ask(const std::string& host);
    void begin_some();
    void begin(const std::shared_ptr<question>& asked);
    void end(const std::shared_ptr<question>& asked, addresses found);

    asio::io_context& io;
    const way look;
    std::map<std::string, std::shared_ptr<question>> open;  // by host, until answered
    std::list<std::shared_ptr<question>> waiting;           // not begun, oldest first
    std::map<std::string, std::size_t> begun;               // by domain
    std::size_t all_begun = 0;
    // From the first look-up on: threads take over what confines the one that makes them.
    std::optional<asio::thread_pool> threads;
};

// Null: too many wait.
std::shared_ptr<question> lookups::state::ask(const std::string& host)
{
    const auto known = open.find(host);
    if (known != open.end()) {
        return known->second;
    }
    begin_some();  // Those that nobody waits for any more make room.
    if (waiting.size() >= lookups_waiting_max) {
        return nullptr;
    }
    const auto asked = std::make_shared<question>();
    asked->host = host;
    asked->domain = domain_of(host);
    open.emplace(host, asked);
    waiting.push_back(asked);
    return asked;
}

void lookups::state::begin_some()
{
    std::erase_if(waiting, [this](const std::shared_ptr<question>& asked) {
        if (asked->waiting.empty()) {
            open.erase(asked->host);
            return true;
        }
        const auto of_domain = begun.find(asked->domain);
        if (all_begun >= lookups_max ||
            (of_domain != begun.end() && of_domain->second >= lookups_of_domain_max)) {
            return false;
        }
        begin(asked);
        return true;
    });
}

void lookups::state::begin(const std::shared_ptr<question>& asked)
{
    ++all_begun;
    ++begun[asked->domain];
    asio::post(*threads, [self = shared_from_this(), asked] {
        addresses found = self->look(asked->host);
        asio::post(self->io, [self, asked, found = std::move(found)]() mutable {
            self->end(asked, std::move(found));
        });
    });
}

void lookups::state::end(const std::shared_ptr<question>& asked, addresses found)
{
    --all_begun;
    if (--begun[asked->domain] == 0) {
        begun.erase(asked->domain);
    }
    open.erase(asked->host);
    asked->found.emplace(std::move(found));
    for (asio::steady_timer* const timer : asked->waiting) {
        timer->cancel();
    }
    begin_some();
}

lookups::lookups(asio::io_context& io, way look)
    : state_(std::make_shared<state>(io, std::move(look)))
{
}

lookups::~lookups()
{
    // Here, not where the last of those that share the state lets go: that may be one of them.
    state_->threads.reset();
}

lookups::addresses lookups::ask_system(const std::string& host)
{
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* list = nullptr;
    addresses found;
    if (::getaddrinfo(host.c_str(), nullptr, &hints, &list) != 0) {
        return found;
    }
    for (const addrinfo* one = list; one != nullptr; one = one->ai_next) {
        asio::ip::tcp::endpoint endpoint;
        endpoint.resize(one->ai_addrlen);
        std::memcpy(endpoint.data(), one->ai_addr, one->ai_addrlen);
        found.push_back(endpoint.address());
    }
    ::freeaddrinfo(list);
    return found;
}

asio::awaitable<result<lookups::addresses>> lookups::find(
    std::string host, std::chrono::steady_clock::time_point deadline)
{
    error_code not_an_address;
    const asio::ip::address literal = asio::ip::make_address(host, not_an_address);
    if (!not_an_address) {
        co_return addresses{literal};
    }
    if (!state_->threads) {
        state_->threads.emplace(lookups_max);
    }
    const std::shared_ptr<question> asked = state_->ask(host);
    if (!asked) {
        co_return error_code(errc::resolve_failed);
    }
    asio::steady_timer timer(state_->io, deadline);
    const place here(asked, timer);
    state_->begin_some();
    auto waiting = timer.async_wait(asio::as_tuple(asio::use_awaitable));
    co_await std::move(waiting);
    if (!asked->found) {
        co_return error_code(errc::timed_out);
    }
    if (asked->found->empty()) {
        co_return error_code(errc::resolve_failed);
    }
    co_return *asked->found;
}

}  // namespace sallyport::net
