#include "vault/open_store.hpp"

#include "vault/error.hpp"
#include "vault/redis_store.hpp"
#include "vault/sqlite_store.hpp"

namespace sallyport::vault {
namespace {

[[noreturn]] void refuse(const char* sentence)
{
    throw boost::system::system_error(errc::misconfigured, sentence);
}

}  // namespace

std::unique_ptr<store> open_store(boost::asio::io_context& context, const std::string& where,
                                  const redis_settings& redis)
{
    constexpr std::string_view file_scheme = "sqlite:";
    if (where.starts_with(file_scheme)) {
        return open_sqlite_store(where.substr(file_scheme.size()));
    }
    if (where.starts_with("redis")) {
        return open_redis_store(context,
                                std::make_shared<redis_site>(parse_redis_url(where), redis));
    }
    refuse("vault.store must be sqlite:PATH or redis://[user:password@]host:port[/db]");
}

}  // namespace sallyport::vault
