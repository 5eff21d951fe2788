#include "oauth/error.hpp"

#include <string>

namespace sallyport::oauth {

namespace {

class oauth_category final : public boost::system::error_category {
public:
    const char* name() const noexcept override { return "sallyport.oauth"; }

    std::string message(int value) const override
    {
        switch (static_cast<errc>(value)) {
            case errc::no_oauth2: return "the provider has no OAuth 2.0";
            case errc::not_offered: return "the provider does not offer this flow";
            case errc::no_client: return "no OAuth client is configured for the provider";
            case errc::client_elsewhere:
                return "the configured OAuth client is not for the host that the connection names";
            case errc::missing_value: return "a variable of the provider's OAuth URLs is not set";
            case errc::unsendable: return "a parameter cannot be sent";
            case errc::bad_key: return "the private key cannot be used";
            case errc::bad_callback: return "the callback cannot be read one way";
            case errc::wrong_issuer: return "the callback is another authorization server's";
            case errc::forged_callback: return "the callback lacks the provider's proof";
        }
        return "unknown OAuth error";
    }
};

}  // namespace

const boost::system::error_category& category() noexcept
{
    static const oauth_category instance;
    return instance;
}

}  // namespace sallyport::oauth
