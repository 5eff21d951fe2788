// The few things that a provider's file says in words because no two providers do them alike: how
// a revocation or a renewal proves who asks, and what its body holds.
//
//     auth:  "basic" | "basic client_id:client_secret" | "bearer = the token ..."
//            | "bearer client_secret" | a header's name
//     body:  "form: client_key, client_secret, token" | "json: client_id, refresh_token"
//            | "query: access_token" | {"token": ...} | json {"token": ...}
//
// What is not understood is nullopt: then nothing is sent, rather than something wrong. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sallyport::oauth {

struct request_proof {
    enum class way : std::uint8_t {
        in_body,
        basic,          // the client's id and secret
        bearer,         // the access token
        client_bearer,  // the client's secret
        header          // the access token, in a header of its own
    };
    way by = way::in_body;
    std::string header;  // with `header`: the one that holds the token
};

struct request_body {
    enum class form : std::uint8_t { none, form, json, query };
    form as = form::none;
    std::vector<std::string> fields;  // names, in order
};

std::optional<request_proof> read_proof(std::string_view words);
std::optional<request_body> read_body(std::string_view words);

}  // namespace sallyport::oauth
