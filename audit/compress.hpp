// Closed segments as gzip files (RFC 1952), SEGMENT.jsonl.gz: a tenth of the room, and read back
// as if they had never been anything else.
//
// Threading: none of it shares anything. Limits: a segment of at most inflated_bytes_max.
#pragma once

#include <cstdint>
#include <string>

#include "audit/segments.hpp"

namespace sallyport::audit {

constexpr std::uint64_t inflated_bytes_max = std::uint64_t{4} << 30;

// Puts SEGMENT.jsonl.gz in the place of SEGMENT.jsonl: written, synced, read back and compared
// before the plain file goes. The time of its last change stays. False: nothing has changed.
bool compress_segment(int directory, const segment& plain);

// A nameless file with what `from` was made of; closed if that is no sound gzip file, holds too
// much, or there is no room.
file_descriptor inflate(int directory, int from);

}  // namespace sallyport::audit
