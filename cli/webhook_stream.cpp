#include "cli/webhook_stream.hpp"

#include <utility>

#include "base/time.hpp"
#include "vault/redis_commands.hpp"

namespace sallyport::cli {

namespace asio = boost::asio;

namespace {

// KEYS stream, memory. ARGV seconds to remember, entries kept, provider, id, event, received at,
// body. The entry first: if what follows fails the event comes again, and twice is better than
// never.
constexpr const char* publish_source = R"(
if redis.call('EXISTS', KEYS[2]) == 1 then return 'repeated' end
redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[2], '*', 'provider', ARGV[3], 'id', ARGV[4],
           'event', ARGV[5], 'received_at', ARGV[6], 'body', ARGV[7])
redis.call('SET', KEYS[2], '1', 'EX', ARGV[1])
return 'published'
)";

class redis_webhook_stream final : public control::webhook_publisher {
public:
    redis_webhook_stream(asio::io_context& context, const std::string& url,
                         const vault::redis_settings& redis)
        : commands_(context,
                    std::make_shared<vault::redis_site>(vault::parse_redis_url(url), redis))
    {
    }

    asio::awaitable<control::publication> publish(control::published_event event) override
    {
        const std::string stream = "sallyport:webhooks:" + event.provider;
        const std::string memory = "sallyport:webhook:" + event.provider + ':' + event.id;
        const auto remembered =
            std::chrono::duration_cast<std::chrono::seconds>(control::webhook_memory);
        vault::words keys{stream, memory};
        vault::words arguments{std::to_string(remembered.count()),
                               std::to_string(webhook_entries_max),
                               std::move(event.provider),
                               std::move(event.id),
                               std::move(event.kind),
                               rfc3339(event.received_at),
                               std::move(event.body)};
        auto asking = commands_.call(&publish_, std::move(keys), std::move(arguments));
        const result<vault::redis_reply> reply = co_await std::move(asking);
        if (reply && reply->text == "published") {
            co_return control::publication::done;
        }
        const bool repeated = reply && reply->text == "repeated";
        co_return repeated ? control::publication::repeated : control::publication::failed;
    }

private:
    const vault::redis_script publish_{publish_source};
    vault::redis_commands commands_;
};

}  // namespace

std::unique_ptr<control::webhook_publisher> make_webhook_stream(asio::io_context& context,
                                                                const std::string& url,
                                                                const vault::redis_settings& redis)
{
    return std::make_unique<redis_webhook_stream>(context, url, redis);
}

}  // namespace sallyport::cli
