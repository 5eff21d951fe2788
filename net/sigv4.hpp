// AWS Signature Version 4: a request that proves its sender's secret without carrying it.
//
// What is signed is read back from the head as it will be sent, so that nothing is signed that the
// provider does not see, or the other way round. Host, Content-Type, Content-MD5 and every X-Amz
// field are signed; what a proxy on the way may change is not. S3 encodes the path once, every
// other service twice.
//
// Pure: the clock is an argument. What is derived from the secret is wiped.
// Source: AWS General Reference, "Signature Version 4 signing process".
#pragma once

#include <string>
#include <string_view>

#include "base/time.hpp"

namespace sallyport::net {

struct sigv4_key {
    std::string_view access_key_id;
    std::string_view secret_access_key;
};

struct sigv4_scope {
    std::string_view service;  // "s3"
    std::string_view region;   // "eu-central-1"
};

// 20150830T123600Z
std::string sigv4_time(unix_micros now);

// Hex SHA-256, for X-Amz-Content-Sha256.
std::string sigv4_hash(std::string_view body);

// `head`: request line and fields, each ended by CRLF, with Host and X-Amz-Date among them, without
// the empty line and without Authorization. `payload_hash`: sigv4_hash of the body, or a word that
// stands for it (UNSIGNED-PAYLOAD).
std::string sigv4_canonical_request(std::string_view head, const sigv4_scope& scope,
                                    std::string_view payload_hash);

// The Authorization field's value. `time` as in X-Amz-Date. Empty: the head has not that shape, or
// OpenSSL failed.
std::string sigv4_authorization(std::string_view head, const sigv4_key& key,
                                const sigv4_scope& scope, std::string_view payload_hash,
                                std::string_view time);

}  // namespace sallyport::net
