// Whether a Redis, set up as it is, keeps what it acknowledges. Pure: what it told in, sentences
// out.
#pragma once

#include <string>
#include <vector>

namespace sallyport::vault {

// What it told of itself; "" where it does not permit the question.
struct redis_durability {
    std::string info;          // INFO
    std::string appendfsync;   // CONFIG GET
    std::string min_replicas;  // CONFIG GET min-replicas-to-write
};

struct redis_judgement {
    std::vector<std::string> refusals;  // It may forget a revocation for good.
    std::vector<std::string> warnings;  // It may forget the last seconds, or does not tell.
};

redis_judgement judge(const redis_durability& told);

}  // namespace sallyport::vault
