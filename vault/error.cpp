#include "vault/error.hpp"

namespace sallyport::vault {
namespace {

class vault_category final : public boost::system::error_category {
public:
    const char* name() const noexcept override { return "vault"; }

    std::string message(int value) const override
    {
        switch (static_cast<errc>(value)) {
            case errc::not_found: return "there is no such connection, key or run";
            case errc::already_exists: return "the id or the name is taken";
            case errc::version_conflict: return "somebody else changed the record meanwhile";
            case errc::unavailable: return "the store cannot be asked";
            case errc::corrupted: return "the record does not open";
            case errc::wrong_master_key: return "the store was sealed under another master key";
            case errc::invalid_credential:
                return "the credential holds a value that cannot be sent";
            case errc::locked: return "another process has the store open";
            case errc::misconfigured: return "the store is not set up as the vault needs it";
            case errc::invalid_id: return "the id is not conn_ followed by a ULID";
            case errc::revoked: return "the connection is revoked";
            case errc::refresh_failed: return "the provider gave no fresh tokens";
            case errc::cannot_refresh: return "the connection has nothing to be refreshed with";
            case errc::unrecorded: return "the trail cannot be written";
        }
        return "unknown vault error";
    }
};

}  // namespace

const boost::system::error_category& category() noexcept
{
    static const vault_category instance;
    return instance;
}

}  // namespace sallyport::vault
