// Bodies from a foreign hand: what a stripped one says is what it said before, less the carriers,
// and a credential that is added is read back as the last member. The first byte chooses the type.
#include <boost/json.hpp>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/text.hpp"
#include "proxy/body_rewrite.hpp"

using namespace sallyport::proxy;
namespace json = boost::json;

namespace {

const std::vector<std::string> carriers{"token", "api_key"};

void require(bool holds)
{
    if (!holds) {
        std::abort();
    }
}

json::value parsed(std::string_view text)
{
    json::parse_options options;
    options.max_depth = static_cast<unsigned char>(json_depth_max);
    return json::parse(json::string_view(text.data(), text.size()), {}, options);
}

json::value without_carriers(json::value value)
{
    if (json::object* const object = value.if_object()) {
        json::object left;
        for (auto& [name, member] : *object) {
            const std::string_view text(name.data(), name.size());
            if (!sallyport::equal_ignoring_case(text, carriers[0]) &&
                !sallyport::equal_ignoring_case(text, carriers[1])) {
                left.emplace(name, member);
            }
        }
        *object = std::move(left);
    }
    return value;
}

void add(body_type type, std::string body)
{
    const body_member member{"api_key", "\"q\\&=%"};
    const std::size_t before = body.size();
    body.reserve(before + room_for(member));
    add_to_body(type, member, body);
    require(body.size() <= before + room_for(member));
    if (type == body_type::json) {
        const json::value value = parsed(body);
        const json::value& added = value.as_object().at("api_key");
        require(std::string_view(added.as_string().data(), added.as_string().size()) ==
                member.value);
    } else {
        require(body.ends_with("api_key=%22q%5C%26%3D%25"));
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    if (size == 0) {
        return 0;
    }
    constexpr body_type types[] = {body_type::json, body_type::form, body_type::multipart,
                                   body_type::other};
    const body_type type = types[data[0] % 4u];
    const std::string_view body(reinterpret_cast<const char*>(data) + 1, size - 1);
    const bool receives = (data[0] & 4u) != 0;

    std::string rest, again;
    std::vector<std::string_view> stripped, none;
    if (strip_body(type, body, carriers, receives, rest, stripped) != body_fault::none) {
        return 0;
    }
    require(stripped.empty() ? rest == body : rest.size() < body.size());
    // A form may end up empty, which then is a body that cannot be; anything else stays readable.
    require(strip_body(type, rest, carriers, false, again, none) == body_fault::none);
    require(none.empty() && again == rest);
    if (type == body_type::json && !body.empty()) {
        // As text: 0e500 is read as something that does not equal itself.
        require(json::serialize(parsed(rest)) == json::serialize(without_carriers(parsed(body))));
    }
    if (receives) {
        add(type, rest);
    }
    return 0;
}
