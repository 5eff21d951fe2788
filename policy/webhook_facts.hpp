// How a provider signs the events that it sends to us, as plain data: what must hold before a byte
// of an event is believed.
//
// A value is found in a header, or in one member of a header that is a list of them
// ("t=1492774577,v1=5257a8..."), or at a path in the body's JSON ("event.id").
// Source: the providers' own pages; the general form is that of Standard Webhooks
// (https://www.standardwebhooks.com).
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace sallyport::policy {

struct webhook_value {
    std::string header;  // Empty: there is none.
    std::string member;  // of the header's list; empty: the whole value
    std::string json;    // members' names with dots between them, in the body

    bool is_told() const noexcept { return !header.empty() || !json.empty(); }
};

struct webhook_facts {
    enum class proof_kind : std::uint8_t {
        hmac_sha256,  // of `signed_text` under the shared secret
        shared_token  // the secret itself
    };
    enum class text_encoding : std::uint8_t { hex, base64 };

    proof_kind proof = proof_kind::hmac_sha256;
    webhook_value signature;
    std::string signature_prefix;  // "sha256="
    text_encoding encoding = text_encoding::hex;
    // Of {body}, {timestamp} and {id}; what stands between them is literal.
    std::string signed_text = "{body}";
    // The secret as configured is this and then base 64 of the key ("whsec_"); empty: it is the
    // key.
    std::string secret_prefix;
    webhook_value timestamp;  // Seconds or milliseconds since 1970.
    std::chrono::seconds tolerance{300};
    webhook_value id;     // of the event: the same when it is sent again
    webhook_value event;  // its kind
    // A signed body of {"type": "url_verification", "challenge": ...} is answered with the
    // challenge and is no event.
    bool answers_challenge = false;
    std::string note;
};

}  // namespace sallyport::policy
