// What became of the locked memory that secrets live in (see open_secure_heap in secret.hpp), for
// the log.
//
// Threading: any thread.
#pragma once

namespace sallyport::vault {

bool secure_heap_is_locked() noexcept;

// `tell` is called once, by whichever thread first finds the heap full: what no longer fits lives
// in wiped but swappable memory.
void on_full_secure_heap(void (*tell)()) noexcept;

}  // namespace sallyport::vault
