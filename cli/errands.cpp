#include "cli/errands.hpp"

#include <algorithm>
#include <optional>
#include <stdexcept>
#include <utility>

#include "cli/webhook_stream.hpp"

namespace sallyport::cli {

namespace asio = boost::asio;

namespace {

std::unique_ptr<control::webhook_publisher> open_stream(asio::io_context& io,
                                                        const config::settings& settings)
{
    if (settings.control.webhooks.stream.empty()) {
        return nullptr;
    }
    try {
        return make_webhook_stream(io, settings.control.webhooks.stream, settings.vault.redis);
    } catch (const std::exception& fault) {
        throw std::runtime_error(std::string("webhooks.stream: ") + fault.what());
    }
}

// `lower` is in lower case already.
bool names(std::string_view field, std::string_view lower)
{
    return std::equal(field.begin(), field.end(), lower.begin(), lower.end(), [](char a, char b) {
        return (a >= 'A' && a <= 'Z' ? static_cast<char>(a - 'A' + 'a') : a) == b;
    });
}

}  // namespace

errands::errands(asio::io_context& io, const config::settings& settings, vault::keeper& vault,
                 audit::writer& trail, net::http_client& http, oauth::endpoint& authorities,
                 catalogue_source catalogue)
    : io_(io),
      outbox_(io, vault.notes(), http, settings.control.webhooks.deliver),
      revoker_(io, vault, trail, authorities),
      watch_(io, vault, trail, settings.control.expiry_warning,
             [this](std::string_view kind, const vault::connection& record) {
                 outbox_.tell(kind, record);
             }),
      uses_(io, vault),
      inbox_(std::move(catalogue))
{
    inbox_.use(settings.control.webhooks.accept, open_stream(io, settings));
}

std::string errands::prepare(const config::settings& settings, webhooks& into) const
{
    try {
        into.receivers = outbox_.prepare(settings.control.webhooks.deliver);
        into.accept = settings.control.webhooks.accept;
        into.stream = open_stream(io_, settings);
    } catch (const std::runtime_error& error) {
        return error.what();
    }
    return "";
}

void errands::change(webhooks fresh)
{
    outbox_.change(std::move(fresh.receivers));
    inbox_.use(std::move(fresh.accept), std::move(fresh.stream));
}

void errands::start()
{
    outbox_.start();
    revoker_.start();
    watch_.start();
    uses_.start();
}

void errands::stop(std::function<void()> then)
{
    outbox_.stop();
    revoker_.stop();
    watch_.stop();
    uses_.stop(std::move(then));
}

void errands::use(const control::settings& settings) { watch_.use(settings.expiry_warning); }

void errands::tell(std::string_view kind, const vault::connection& record)
{
    outbox_.tell(kind, record);
    if (kind == "connection.removed") {
        watch_.forget(record);
    } else {
        watch_.look_at(record);
    }
}

asio::awaitable<control::answer> errands::take(control::webhook event)
{
    const control::header_lookup headers =
        [&event](std::string_view name) -> std::optional<std::string_view> {
        std::optional<std::string_view> found;
        for (const auto& [field, value] : event.fields) {
            if (!names(field, name)) {
                continue;
            }
            if (found) {
                return std::nullopt;
            }
            found = value;
        }
        return found;
    };
    auto taking = inbox_.take(event.provider, headers, std::move(event.body));
    co_return co_await std::move(taking);
}

}  // namespace sallyport::cli
