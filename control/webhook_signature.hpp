// Events with a signature: those a provider sends to us, checked as its file says, and those we
// send to others, signed as Standard Webhooks has it.
//
// Pure. The body is the bytes as they came; nothing in it is believed, and nothing of it parsed,
// before its signature holds.
// Source: policy/webhook_facts.hpp; https://www.standardwebhooks.com.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.hpp"
#include "policy/webhook_facts.hpp"

namespace sallyport::control {

constexpr std::size_t webhook_id_bytes_max = 256;
constexpr std::size_t webhook_signatures_max = 8;  // in one header, while a secret is rotated

// The value of a header by its lower-case name; nullopt: absent, or there several times.
using header_lookup = std::function<std::optional<std::string_view>(std::string_view name)>;

enum class webhook_verdict : std::uint8_t {
    genuine,
    unsigned_,  // no signature, or nothing that could be one
    forged,
    stale,     // signed, but at a time that is not now
    malformed  // genuine, but it does not tell what the file says it tells
};

struct webhook_event {
    webhook_verdict verdict = webhook_verdict::unsigned_;
    std::string id;         // of the event; of its content where no id is signed
    std::string kind;       // "push"; may be empty
    std::string challenge;  // to be answered; then it is no event
};

webhook_event read_webhook(const policy::webhook_facts& facts, std::string_view secret,
                           const header_lookup& headers, std::string_view body, unix_micros now);

// The value of `webhook-signature`: "v1," and base 64.
std::string sign_webhook(std::string_view key, std::string_view id, std::int64_t timestamp,
                         std::string_view body);

}  // namespace sallyport::control
