// What a gate proves before it touches a key: that this program, with this OpenSSL, computes the
// vectors of FORMAT.md, and notices one that was changed.
#pragma once

namespace sallyport::vault {

// Throws boost::system::system_error with errc::misconfigured and one clear sentence.
void require_sound_envelope();

}  // namespace sallyport::vault
