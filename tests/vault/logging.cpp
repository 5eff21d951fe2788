// The log is made before there are threads: ThreadSanitizer does not see into the library, which
// would make it on the first thread that needs it and hand it to the others.
#include <spdlog/spdlog.h>

namespace {

[[maybe_unused]] const std::shared_ptr<spdlog::logger> log_of_all = spdlog::default_logger();

}  // namespace
