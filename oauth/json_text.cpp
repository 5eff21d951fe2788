#include "oauth/json_text.hpp"

#include <openssl/crypto.h>

#include <boost/json/serializer.hpp>
#include <array>

namespace sallyport::oauth {

wiped_string json_text(const boost::json::value& value)
{
    wiped_string text;
    boost::json::serializer writer;
    writer.reset(&value);
    std::array<char, 4096> piece{};
    while (!writer.done()) {
        text += std::string_view(writer.read(piece.data(), piece.size()));
    }
    OPENSSL_cleanse(piece.data(), piece.size());
    return text;
}

}  // namespace sallyport::oauth
