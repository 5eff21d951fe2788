#include "oauth/client.hpp"

#include <algorithm>
#include <utility>

#include "oauth/error.hpp"

namespace sallyport::oauth {

namespace {

bool can_prove(const client& one, client_auth way)
{
    return way == client_auth::private_key_jwt ? !one.private_key.empty() : !one.secret.empty();
}

}  // namespace

void clients::add(std::string provider, client one)
{
    by_provider_.insert_or_assign(std::move(provider), std::move(one));
}

const client* clients::find(std::string_view provider) const noexcept
{
    const auto found = by_provider_.find(provider);
    return found != by_provider_.end() ? &found->second : nullptr;
}

result<client> choose_client(const policy::oauth2_facts& facts, const client* configured,
                             const vault::credential& fields)
{
    client chosen;
    if (const std::string_view own = find_field(fields, "client_id"); !own.empty()) {
        chosen.id = own;
        chosen.secret = vault::secret(find_field(fields, "client_secret"));
        chosen.private_key = vault::secret(find_field(fields, "private_key"));
    } else if (configured != nullptr) {
        chosen.id = configured->id;
        chosen.secret = vault::secret(configured->secret.reveal());
        chosen.private_key = vault::secret(configured->private_key.reveal());
    } else {
        return error_code(errc::no_client);
    }
    const auto way =
        std::find_if(facts.client_auths.begin(), facts.client_auths.end(),
                     [&](client_auth candidate) { return can_prove(chosen, candidate); });
    // A public client is named in the body (RFC 6749, 3.2.1).
    chosen.auth = way != facts.client_auths.end() ? *way : client_auth::post;
    return chosen;
}

std::string_view find_field(const vault::credential& fields, std::string_view name) noexcept
{
    for (const vault::credential_field& field : fields) {
        if (field.name == name) {
            return field.value.reveal();
        }
    }
    return {};
}

}  // namespace sallyport::oauth
