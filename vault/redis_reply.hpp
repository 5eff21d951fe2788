// Redis's protocol (RESP2): commands written by hiredis, answers read by it into values of our own,
// so that what a hostile server can make us allocate is bounded here.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

struct redisReader;

namespace sallyport::vault {

struct redis_reply {
    enum class kind : std::uint8_t { nothing, text, number, error, list };

    kind type = kind::nothing;
    std::string text;  // Also an error's.
    std::int64_t number = 0;
    std::vector<redis_reply> elements;
};

// Appends the command to `out`. False: it is too large to be sent.
bool append_command(std::string& out, const std::vector<std::string_view>& words);

class redis_reader {
public:
    static constexpr int elements_max = 1 << 20;  // of one list
    static constexpr std::size_t reply_bytes_max = std::size_t{64} << 20;

    redis_reader();

    // errc::unavailable: this is not Redis, or it answers more than it may.
    result<void> feed(std::string_view bytes);
    // Nullopt: more bytes are needed. errc::unavailable as above.
    result<std::optional<redis_reply>> next();

private:
    struct destroyer {
        void operator()(redisReader* reader) const noexcept;
    };
    std::unique_ptr<redisReader, destroyer> reader_;
    std::size_t unanswered_bytes_ = 0;
};

}  // namespace sallyport::vault
