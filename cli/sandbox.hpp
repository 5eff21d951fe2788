// The system calls a serving gate may make: a seccomp filter over every thread of the process.
//
// What takes a process over (running programs, forking, reading other processes, loading code into
// the kernel, leaving the namespace) kills it at once; executable memory, raw or foreign sockets
// and new listeners are refused; whatever else stands on no list is answered as unknown (ENOSYS),
// so that a newer C library falls back to what it did before. The kernel's audit log names what was
// refused, where it keeps one (type=1326).
//
// Threading: call once everything that listens is open; it covers threads that run already and
// those started later. There is no way back.
// Limits: a name-service module that was not loaded before cannot be loaded after; `files` and
// `dns` are part of the C library. Paths cannot be filtered here: see packaging/sallyport.service.
// In a sanitized build the calls of the leak checker are let through.
#pragma once

namespace sallyport::cli {

// Throws std::runtime_error with one sentence where the kernel refuses: an unfiltered gate is only
// started on purpose.
void confine_process();

}  // namespace sallyport::cli
