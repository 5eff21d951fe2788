// The keys a configuration names: parsed far enough to say at start, with a position, that they
// are not what they should be. Private to the settings reader.
#pragma once

#include <string_view>

#include "identity/settings.hpp"

namespace sallyport::config {

// Each returns what is wrong as a fixed sentence, or "" if nothing is.

// 32 bytes as 64 hexadecimal digits or base 64.
std::string_view master_key_fault(std::string_view text) noexcept;

// Something that can stand after `Authorization: Bearer `.
std::string_view control_token_fault(std::string_view text) noexcept;

struct issuer_key_check {
    std::string_view fault;
    bool is_secret = true;  // A public key is not.
};
issuer_key_check check_issuer_key(identity::algorithm alg, std::string_view key);

std::string_view certificate_fault(std::string_view pem);
std::string_view private_key_fault(std::string_view pem);
// Both are sound by themselves: do they belong together?
bool certificate_has_key(std::string_view certificate_pem, std::string_view key_pem);

}  // namespace sallyport::config
