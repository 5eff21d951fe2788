// What a hostile store may answer: sealed records, wrapped keys, packed credentials, connection
// records, and Redis's replies themselves.
#include <cstdlib>
#include <string>
#include <string_view>

#include "vault/envelope.hpp"
#include "vault/fields.hpp"
#include "vault/record_json.hpp"
#include "vault/redis_reply.hpp"

using namespace sallyport::vault;

namespace {

void require(bool holds)
{
    if (!holds) {
        std::abort();
    }
}

void open_as_sealed(envelope& box, const secret& key, std::string_view input)
{
    const label what{"acme", "conn_01ARYZ6S41TSV4RRFFQ69G5FAV",
                     envelope::generation_of(input).value_or(1), 7, sealed_kind::fixed};
    const place where{"sallyport:connection:conn_01ARYZ6S41TSV4RRFFQ69G5FAV", "sealed"};
    // The seeds are the vectors of FORMAT.md and open; nothing made from them may.
    const auto sealed = box.open(key, what, where, input);
    require(!sealed || sealed->reveal() == "plain text");
    static const secret master(std::string(key_bytes, 'm'));
    const auto wrapped = box.unwrap(master, {"acme", 1}, "sallyport:keys:acme", input);
    require(!wrapped || wrapped->reveal() == key.reveal());
    if (input.size() <= credential_bytes_max) {
        const auto opened = box.open(key, what, where, box.seal(key, what, where, input));
        require(opened.has_value() && opened->reveal() == input);
    }
}

// What unpacks is what pack writes: one text for one credential.
void unpack_and_pack(std::string_view input)
{
    const auto fields = unpack(input);
    if (fields) {
        const auto again = pack(*fields);
        require(!again ? input.size() > credential_bytes_max : again->reveal() == input);
    }
}

void read_record(std::string_view input)
{
    const auto record = connection_from_json(input);
    if (record) {
        const std::string text = to_json(*record);
        const auto again = connection_from_json(text);
        require(again.has_value() && to_json(*again) == text);
    }
}

void read_replies(std::string_view input)
{
    redis_reader reader;
    const std::size_t half = input.size() / 2;
    for (const std::string_view part : {input.substr(0, half), input.substr(half)}) {
        if (!reader.feed(part)) {
            return;
        }
        for (;;) {
            const auto reply = reader.next();
            if (!reply || !*reply) {
                break;
            }
        }
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size)
{
    static envelope box;
    static const secret key(std::string(key_bytes, 'k'));
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    open_as_sealed(box, key, input);
    unpack_and_pack(input);
    read_record(input);
    read_replies(input);
    return 0;
}
