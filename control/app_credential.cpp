#include "control/app_credential.hpp"

#include <algorithm>
#include <array>
#include <span>
#include <string>
#include <utility>

#include "identity/signature.hpp"
#include "oauth/client.hpp"
#include "oauth/token_request.hpp"
#include "vault/fields.hpp"

namespace sallyport::control {

namespace json = boost::json;

namespace {

constexpr std::string_view pointer = "/credential";
constexpr std::string_view key_member = "private_key";
constexpr std::string_view installation_member = "installation_id";

struct member {
    std::string_view name;
    bool required = true;
};

constexpr member installation_members[] = {{"app_id"}, {"installation_id"}, {"private_key"}};
constexpr member jwt_members[] = {{"client_email"}, {"private_key"}, {"subject", false}};
constexpr member client_members[] = {
    {"client_id"}, {"client_secret", false}, {"private_key", false}};

// The rest of a key file as Google writes it.
constexpr std::string_view unneeded[] = {"type",
                                         "project_id",
                                         "private_key_id",
                                         "client_id",
                                         "auth_uri",
                                         "token_uri",
                                         "auth_provider_x509_cert_url",
                                         "client_x509_cert_url",
                                         "universe_domain"};

constexpr identity::algorithm key_algorithms[] = {identity::algorithm::rs256,
                                                  identity::algorithm::es256};

struct shape {
    std::string_view grant;
    std::string_view told_by;
    std::span<const member> members;
    std::span<const std::string_view> passed_over;
};

constexpr shape shapes[] = {{"installation", "installation_id", installation_members, {}},
                            {"jwt_bearer", "client_email", jwt_members, unneeded},
                            {"client_credentials", "client_id", client_members, {}}};

void complain(complaints& wrong, std::string_view name, std::string detail)
{
    wrong.add(name.empty() ? std::string(pointer) : pointer_to(pointer, name), std::move(detail),
              complaint_code::credential);
}

// In locked memory from the start, since a key is the one secret that is never short-lived.
vault::secret on_one_line(std::string_view pem)
{
    std::size_t breaks = 0;
    for (const char c : pem) {
        breaks += c == '\n' ? 1 : 0;
    }
    vault::secret line = vault::secret::of_size(pem.size() + breaks);
    std::size_t used = 0;
    for (const char c : pem) {
        if (c == '\n') {
            line.data()[used++] = '\\';
            line.data()[used++] = 'n';
        } else if (c != '\r') {
            line.data()[used++] = c;
        }
    }
    line.shrink(used);
    return line;
}

bool can_sign(std::string_view pem)
{
    return std::any_of(std::begin(key_algorithms), std::end(key_algorithms), [&](auto algorithm) {
        const auto key = identity::signing_key::make(algorithm, pem);
        return key && key->can_sign();
    });
}

bool is_number(std::string_view text)
{
    return !text.empty() && text.find_first_not_of("0123456789") == text.npos;
}

void take(const json::value& given, std::string_view name, vault::credential& fields,
          complaints& wrong)
{
    const json::string* const text = given.if_string();
    if (text != nullptr && name == installation_member && !is_number(std::string_view(*text))) {
        complain(wrong, name, "must be a number");
        return;
    }
    // Ids are numbers to those who write them.
    if (given.is_int64() && given.get_int64() > 0 && name.ends_with("_id")) {
        fields.push_back({std::string(name), vault::secret(std::to_string(given.get_int64()))});
        return;
    }
    vault::secret value;
    if (text != nullptr && name == key_member) {
        value = on_one_line(std::string_view(*text));
        if (!can_sign(std::string_view(*text))) {
            complain(wrong, name, "must be a private key in PEM: RSA, or EC on P-256");
            return;
        }
    } else if (text != nullptr) {
        value = vault::secret(std::string_view(*text));
    }
    if (!vault::is_sendable(value.reveal())) {
        complain(wrong, name,
                 "must be a string that can be sent: not empty, without control "
                 "characters, not too long");
        return;
    }
    fields.push_back({std::string(name), std::move(value)});
}

}  // namespace

bool read_app_credential(const json::object& given, vault::credential& fields, complaints& wrong)
{
    const auto* const found =
        std::find_if(std::begin(shapes), std::end(shapes),
                     [&](const shape& one) { return given.contains(one.told_by); });
    if (given.contains("access_token") || given.contains("refresh_token") ||
        found == std::end(shapes)) {
        return false;
    }
    std::size_t known = 0;
    for (const member& one : found->members) {
        const json::value* const value = given.if_contains(one.name);
        if (value != nullptr) {
            ++known;
            take(*value, one.name, fields, wrong);
        } else if (one.required) {
            complain(wrong, one.name, "is required");
        }
    }
    for (const std::string_view name : found->passed_over) {
        known += given.contains(name) ? 1 : 0;
    }
    if (found->grant == "client_credentials" && !given.contains("client_secret") &&
        !given.contains("private_key")) {
        complain(wrong, "client_secret", "is required");
    }
    if (known != given.size()) {
        complain(wrong, "", "has a member that this kind of credential does not have");
    }
    fields.push_back({"grant", vault::secret(found->grant)});
    return true;
}

void check_grant(const policy::provider& provider, const vault::credential& fields,
                 complaints& wrong)
{
    const std::string_view grant = oauth::find_field(fields, "grant");
    const auto& facts = provider.facts().oauth2;
    if (!grant.empty() && !(facts && oauth::offers(*facts, grant))) {
        complain(wrong, "", "is for a grant that this provider does not give");
    }
}

}  // namespace sallyport::control
