// What is done for writers that were never closed, when the next gate opens their directory.
// trail.hpp says how; the directory's lock is held meanwhile.
#pragma once

#include <memory>
#include <string>

#include "audit/trail.hpp"
#include "audit/writer.hpp"

namespace sallyport::audit {

// Fails with corrupted, and then `where` is "file:line: why"; or with unwritable.
result<trail::recovery> recover(const std::shared_ptr<const directory>& in, std::string& where);

}  // namespace sallyport::audit
