#include "vault/self_test.hpp"

#include <string>

#include "base/encoding.hpp"
#include "vault/envelope.hpp"
#include "vault/error.hpp"

namespace sallyport::vault {
namespace {

constexpr std::string_view sealed_vector =
    "43565231010000000001822b33ad87c148a0a20a5ba7cd5ebcaa01563df36481"
    "d6764c61efb99302bd5b00000000000000070100000102030405060708090a0b"
    "0c0d0e0f101112131415161718191a1b1c1d1e1f7501e87f33d59d32a0952c01"
    "28bf1990678371e61461a57ddb0c3bbede4212e19abe59cc076c57482c70f032"
    "0000004009e325818c023dd433d3b60fe5d41ba92dd3309019a4c1539d4a9f16"
    "5c2a8fe8a872cfb89c97440cb773244aece1de0702bf5be34958467105f47548"
    "3f8bfd9c3f07adfe07acbe45c4ae045d41574884";
constexpr std::string_view wrapped_vector =
    "43565731283d4306822b33ad87c148a0a20a5ba7cd5ebcaa0000000100064403"
    "e1412eea000102030405060708090a0b0c0d0e0f101112131415161718191a1b"
    "1c1d1e1f11316f8ce2f2d8a0637e23770e4f6b8b60415d711708f0f88a55b362"
    "5762d3641519bdfb419e2e9cf4590027d11e7cc3ed2ad05f97e0fa26b70c9362"
    "e602a2111e774bac12a0ec1e760053f786271e32";
constexpr std::string_view plain = "plain text";
constexpr std::string_view keys_place = "sallyport:keys:acme";
constexpr label what{"acme", "conn_01ARYZ6S41TSV4RRFFQ69G5FAV", 1, 7, sealed_kind::fixed};
constexpr place where{"sallyport:connection:conn_01ARYZ6S41TSV4RRFFQ69G5FAV", "sealed"};
constexpr wrap_label wrapping{"acme", 1, 1'763'633'315'000'042};

record_salt counting_salt()
{
    record_salt salt;
    for (std::size_t i = 0; i < salt.size(); ++i) {
        salt[i] = static_cast<char>(i);
    }
    return salt;
}

bool seals_as_written(envelope& box, const secret& data_key, const secret& master)
{
    const record_salt salt = counting_salt();
    return to_hex(box.seal(data_key, what, where, plain, salt)) == sealed_vector &&
           to_hex(box.wrap(master, wrapping, keys_place, data_key, salt)) == wrapped_vector;
}

bool opens_what_is_right(envelope& box, const secret& data_key, const secret& master)
{
    const std::string sealed = *from_hex(sealed_vector);
    const std::string wrapped = *from_hex(wrapped_vector);
    const result<secret> text = box.open(data_key, what, where, sealed);
    const result<secret> key = box.unwrap(master, wrapping, keys_place, wrapped);
    return text && text->reveal() == plain && key && key->reveal() == data_key.reveal();
}

bool refuses_what_is_wrong(envelope& box, const secret& data_key, const secret& master)
{
    std::string sealed = *from_hex(sealed_vector);
    std::string wrapped = *from_hex(wrapped_vector);
    sealed.back() = static_cast<char>(sealed.back() ^ 1);
    wrapped.back() = static_cast<char>(wrapped.back() ^ 1);
    return !box.open(data_key, what, where, sealed) &&
           !box.unwrap(master, wrapping, keys_place, wrapped) &&
           !box.open(master, what, where, *from_hex(sealed_vector));
}

}  // namespace

void require_sound_envelope()
{
    envelope box;
    const secret data_key(std::string(key_bytes, 'k'));
    const secret master(std::string(key_bytes, 'm'));
    if (!seals_as_written(box, data_key, master) || !opens_what_is_right(box, data_key, master) ||
        !refuses_what_is_wrong(box, data_key, master)) {
        throw boost::system::system_error(
            errc::misconfigured,
            "the vault's self-test failed: this OpenSSL does not compute what it should, so "
            "nothing is sealed or opened with it");
    }
}

}  // namespace sallyport::vault
