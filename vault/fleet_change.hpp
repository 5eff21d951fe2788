// One change of a store that several gates share, as its script announced it
// (redis_announce.hpp says what the kinds are). A plain value.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sallyport::vault {

enum class change_kind : char {
    connection = 'c',
    connection_off = 'o',
    connection_revoked = 'x',
    connection_removed = 'd',
    run_ended = 'r',
    workspace = 'w',
    healed = 'h',
};

struct fleet_change {
    std::uint64_t epoch = 0;
    std::string before;  // the mark of the change before; "-": there was none
    std::string mark;
    change_kind kind = change_kind::connection;
    std::string what;             // an id, "WORKSPACE/RUN", a workspace, "-"
    std::int64_t keep_until = 0;  // of an ended run
};

constexpr std::string_view no_mark = "-";

// "epoch before mark kind what". Nullopt for anything else.
std::optional<fleet_change> parse_change(std::string_view message);

std::optional<std::uint64_t> parse_epoch(std::string_view text) noexcept;

}  // namespace sallyport::vault
