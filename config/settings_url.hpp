// The URLs a configuration holds, checked without ever being echoed: a store's URL may hold a
// password. Private to the settings reader.
#pragma once

#include <string_view>

namespace sallyport::config {

// redis://, rediss://, redis+sentinel:// and rediss+sentinel://. What is wrong as a fixed sentence,
// or "".
std::string_view redis_url_fault(std::string_view url) noexcept;
bool is_redis_url(std::string_view url) noexcept;  // By its scheme alone.

// http:// or https:// with a host, neither user nor fragment. "" if sound.
std::string_view page_url_fault(std::string_view url) noexcept;

}  // namespace sallyport::config
