// What a service manager (systemd, Type=notify) wants to hear: sd_notify's protocol, a datagram to
// the socket that NOTIFY_SOCKET names. Without a manager nothing happens.
#pragma once

namespace sallyport::cli {

// `state` is for example "READY=1". A manager that does not listen is no reason to stop.
void tell_service_manager(const char* state) noexcept;

}  // namespace sallyport::cli
