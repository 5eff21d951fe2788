#include "net/error.hpp"

#include <string>

namespace sallyport::net {

namespace {

class net_category final : public boost::system::error_category {
public:
    const char* name() const noexcept override { return "sallyport.net"; }

    std::string message(int value) const override
    {
        switch (static_cast<errc>(value)) {
            case errc::closed: return "the peer ended the connection";
            case errc::timed_out: return "a time limit ran out";
            case errc::truncated: return "the TLS connection ended without notice";
            case errc::no_room: return "the peer sent more than may be buffered";
            case errc::resolve_failed: return "the host name could not be resolved";
            case errc::address_forbidden: return "the host name has no permitted address";
            case errc::connect_failed:
                return "the connection was refused or the host is unreachable";
            case errc::tls_failed: return "the TLS handshake failed";
            case errc::untrusted: return "the peer's certificate was not accepted";
            case errc::bad_tls_material: return "a certificate, key or CA file cannot be used";
            case errc::bad_request: return "the request cannot be sent as it is";
            case errc::bad_answer: return "the answer is not HTTP as it was asked for";
        }
        return "unknown network error";
    }
};

}  // namespace

const boost::system::error_category& category() noexcept
{
    static const net_category instance;
    return instance;
}

}  // namespace sallyport::net
