// What a process that will hold secrets does before the first of them exists.
//
// Threading: call while there is one thread.
#pragma once

namespace sallyport::cli {

// No core dumps, not readable through /proc by others of the same user, no new privileges. Returns
// false where the system refused one of them.
bool harden_process() noexcept;

// Moves every variable's text to the secure heap and wipes what /proc/PID/environ shows; getenv
// goes on working. Pointers got from getenv before are worthless after.
void hide_environment();

}  // namespace sallyport::cli
