// Where a directory's chain of checkpoints ends, for the gate that goes on with it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "audit/checkpoint.hpp"

namespace sallyport::audit {

struct checkpoint_end {
    std::uint32_t file = 0;                                   // the last there is; 0: none
    std::uint64_t number = 0;                                 // of the last checkpoint; 0: none
    std::string previous = std::string(hash_text_size, '0');  // its hash
    std::uint64_t lines_closed = 0;   // of writers that it or an earlier one lists as closed
    std::vector<writer_head> open;    // writers that it lists as open
    std::vector<writer_head> closed;  // that it or an earlier one of its file lists as closed
};

// The last whole and signed checkpoint of the last file that has one, on disk by then. Each is on
// disk before the next is written, so a power cut tears the last one of a file alone: that is set
// aside (aside.hpp). Where whole ones follow a damaged one they stay, and what is wrong with them
// is verify's to say. Nullopt if the directory cannot be read or written.
std::optional<checkpoint_end> find_checkpoint_end(int directory);

}  // namespace sallyport::audit
