// The running gate: every part built in the order in which it depends on the others, served until
// a signal says otherwise, and stopped in reverse.
//
// Threading: the thread that calls run() becomes the control thread.
#pragma once

#include <memory>
#include <string>

#include "config/settings.hpp"

namespace sallyport::cli {

class gate {
public:
    // `file` is read again on SIGHUP and POST /api/reload. Throws std::runtime_error with one clear
    // sentence when a part cannot start.
    gate(std::string file, config::settings settings);
    ~gate();

    // Prints a line per listener on stdout once everything is ready, then serves until SIGTERM or
    // SIGINT, drains and returns. `confined`: under the system-call filter (sandbox.hpp).
    void run(bool confined);

private:
    struct parts;
    std::unique_ptr<parts> parts_;
};

}  // namespace sallyport::cli
