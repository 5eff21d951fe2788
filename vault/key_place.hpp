// A place in the list of all keys, which goes by workspace and then by generation: behind a key.
// As a text it is GENERATION/WORKSPACE.
//
// Threading: any; pure.
#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>

#include "vault/key_store.hpp"

namespace sallyport::vault {

struct key_place {
    std::string workspace;
    std::uint32_t generation = 0;  // 0: before its first key
};

inline key_place place_of(const wrapped_key& key) { return {key.workspace, key.generation}; }

inline bool is_behind(const wrapped_key& key, const key_place& place)
{
    return std::tie(key.workspace, key.generation) > std::tie(place.workspace, place.generation);
}

inline std::string to_text(const key_place& place)
{
    return std::to_string(place.generation) + "/" + place.workspace;
}

// Before everything where the text is empty.
inline std::optional<key_place> read_key_place(std::string_view text)
{
    key_place place;
    if (text.empty()) {
        return place;
    }
    const char* const end = text.data() + text.size();
    const auto read = std::from_chars(text.data(), end, place.generation);
    if (read.ec != std::errc() || read.ptr == end || *read.ptr != '/') {
        return std::nullopt;
    }
    place.workspace.assign(read.ptr + 1, end);
    return place;
}

}  // namespace sallyport::vault
