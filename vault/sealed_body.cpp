#include "vault/sealed_body.hpp"

#include "vault/places.hpp"

namespace sallyport::vault {

namespace {

std::string key_of(const body_place& where)
{
    return std::string("sallyport:body:").append(where.call_id);
}

label label_of(const data_key& key, const body_place& where)
{
    return {where.workspace, {}, key.generation, 0, sealed_kind::fixed};
}

}  // namespace

std::string seal_body(envelope& box, const data_key& key, const body_place& where,
                      std::string_view text)
{
    return box.seal(*key.key, label_of(key, where), {key_of(where), where.side}, text);
}

result<secret> open_body(envelope& box, const data_key& key, const body_place& where,
                         std::string_view sealed)
{
    return box.open(*key.key, label_of(key, where), {key_of(where), where.side}, sealed);
}

}  // namespace sallyport::vault
