#include "control/ending.hpp"

#include <algorithm>
#include <array>

namespace sallyport::control {

namespace {

constexpr std::size_t endings_of_providers = 7;  // the first: what a provider may say
constexpr std::array endings = {
    ending{"access_denied", "The request was declined at the provider. Nothing was connected."},
    ending{"invalid_scope", "The provider does not know what was asked for."},
    ending{"invalid_request", "The provider did not understand the request."},
    ending{"unauthorized_client", "The provider does not let this application ask."},
    ending{"unsupported_response_type", "The provider does not let this application ask."},
    ending{"server_error", "The provider had a fault. Please try again."},
    ending{"temporarily_unavailable", "The provider is busy. Please try again later."},
    ending{"authorization_failed", "The provider ended the authorisation. Please try again."},
    ending{"wrong_issuer", "The answer does not come from the server that was asked."},
    ending{"authorization_expired", "The authorisation was not finished in time."},
    ending{"forged_callback", "The answer lacks the provider's own proof."},
    ending{"code_rejected", "The provider did not accept its own code. Please try again."},
    ending{"provider_unavailable", "The provider could not be asked. Please try again."},
    ending{"wrong_account",
           "Another account was chosen than the one that is connected. Nothing "
           "was changed."},
    ending{"unexpected_variables", "The provider's answer does not fit this connection."},
    ending{"unknown_provider", "The provider is no longer in the catalogue."},
    ending{"connection_gone", "The connection was removed or revoked meanwhile."},
    ending{"cancelled", "The authorisation was cancelled or begun anew meanwhile."},
    ending{"audit_unavailable", "The gate cannot keep its records now. Please try again later."},
    ending{"vault_unavailable", "The gate cannot store anything now. Please try again later."}};

}  // namespace

const ending& ending_of(std::string_view code) noexcept
{
    const auto* const found = std::find_if(endings.begin(), endings.end(),
                                           [&](const ending& one) { return one.code == code; });
    return found != endings.end() ? *found : ending_of("authorization_failed");
}

std::string_view code_said(std::string_view error) noexcept
{
    const auto* const last = endings.begin() + endings_of_providers;
    const auto* const found =
        std::find_if(endings.begin(), last, [&](const ending& one) { return one.code == error; });
    return found != last ? found->code : "authorization_failed";
}

}  // namespace sallyport::control
