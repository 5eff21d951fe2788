#include "vault/lifecycle.hpp"

namespace sallyport::vault {

std::string_view to_string(lifecycle_kind value) noexcept
{
    switch (value) {
        case lifecycle_kind::refreshed: return "connection.refreshed";
        case lifecycle_kind::refresh_failed: return "connection.refresh_failed";
        case lifecycle_kind::reauth_required: return "connection.reauth_required";
        case lifecycle_kind::orphaned: return "connection.orphaned";
    }
    return "";
}

}  // namespace sallyport::vault
