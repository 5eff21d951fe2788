// The full names of keys in the store. In Redis they are the keys; the embedded store keeps its
// rows under other names but seals with these, so that a backup of one store opens in the other.
#pragma once

#include <string>
#include <string_view>

namespace sallyport::vault {

constexpr std::string_view sealed_field = "sealed";

inline std::string connection_key(std::string_view id)
{
    return std::string("sallyport:connection:").append(id);
}

// What stands before the names of notes among the ids of sealed records, of which no other has a
// colon.
constexpr std::string_view note_prefix = "note:";

inline std::string note_key(std::string_view kind, std::string_view id)
{
    return std::string("sallyport:note:").append(kind).append(":").append(id);
}

// Of a sealed record: a connection's id, or note:KIND:ID.
inline std::string sealed_key(std::string_view id)
{
    return id.starts_with(note_prefix) ? std::string("sallyport:").append(id) : connection_key(id);
}

// The hash of a workspace's wrapped keys by generation.
inline std::string keys_key(std::string_view workspace)
{
    return std::string("sallyport:keys:").append(workspace);
}

// Whose keys seal a workspace's captured bodies: no workspace's name holds a slash.
constexpr std::string_view bodies_suffix = "/bodies";

inline std::string bodies_owner(std::string_view workspace)
{
    return std::string(workspace).append(bodies_suffix);
}

}  // namespace sallyport::vault
