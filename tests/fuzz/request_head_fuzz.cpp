// Request heads from a foreign hand: the same verdict however the bytes arrive, and what is
// admitted holds nothing that a second reader could take otherwise.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/text.hpp"
#include "proxy/gate.hpp"

using namespace sallyport::proxy;

namespace {

void require(bool holds)
{
    if (!holds) {
        std::abort();
    }
}

void check(const request_head& head, std::string_view bytes)
{
    require(head.size <= bytes.size() && bytes.substr(0, head.size).ends_with("\r\n\r\n"));
    for (const field& each : head.fields) {
        require(!each.name.empty() && each.value == sallyport::trim(each.value));
        for (const char c : each.name) {
            require(sallyport::is_token_char(c));
        }
        require(each.value.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos);
    }
    require(head.target.find_first_of(" #\t") == std::string_view::npos);
    admitted out;
    if (admit(head, out)) {
        return;
    }
    require(!out.path.empty() && out.path.front() == '/');
    require(out.has_query || out.query.empty());
    require((out.way == way::reverse) == (head.target.front() == '/'));
    std::size_t framings = 0;
    for (const field& each : head.fields) {
        framings += sallyport::equal_ignoring_case(each.name, "content-length") ||
                    sallyport::equal_ignoring_case(each.name, "transfer-encoding");
    }
    require(framings <= 1 && (framings == 1 || out.body.kind == body_kind::none));
    require(out.body.kind == body_kind::length ? out.body.length != 0 : out.body.length == 0);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    head_limits limits;
    limits.bytes = 4096;
    limits.lines = 20;
    limits.target = 512;
    request_head at_once;
    std::size_t scanned = 0;
    const head_state whole = read_request_head(bytes, limits, scanned, at_once);
    if (whole == head_state::complete) {
        check(at_once, bytes);
    }

    request_head dripped;
    head_state state = head_state::incomplete;
    scanned = 0;
    for (std::size_t there = 0; there <= size && state == head_state::incomplete; ++there) {
        state = read_request_head(bytes.substr(0, there), limits, scanned, dripped);
    }
    require((state == head_state::complete) == (whole == head_state::complete));
    require((state == head_state::incomplete) == (whole == head_state::incomplete));
    if (state == head_state::complete) {
        require(dripped.method == at_once.method && dripped.target == at_once.target &&
                dripped.fields.size() == at_once.fields.size());
    }
    return 0;
}
