// Lines of the trail from a foreign hand: what is taken for a line has one reading, and what a
// person is shown of it is printable.
#include <cstdlib>
#include <string>
#include <string_view>

#include "audit/line.hpp"
#include "audit/reader.hpp"
#include "audit/scan.hpp"

using namespace sallyport;

namespace {

void require(bool holds)
{
    if (!holds) {
        std::abort();
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size)
{
    static audit::line_maker maker("node", "w0-X");
    const std::string_view input(reinterpret_cast<const char*>(data), size);

    audit::chain_checker chain;
    if (chain.check(input).empty()) {
        require(chain.head().seq == 1 && input.ends_with("\"}"));
    }
    for (const char c : audit::human_line(input, false)) {
        require(c >= 0x20 && c < 0x7f);
    }

    // Whatever an entry holds, its line is read back, and says the same where it is ASCII.
    audit::entry entry;
    entry.path = input;
    entry.query_keys = {&input, 1};
    audit::batch lines;
    audit::chain_head head;
    maker.append(lines, entry, head);
    const std::string_view line = lines.text().substr(0, lines.size() - 1);
    require(audit::read_frame(line).has_value());
    const auto raw = audit::find_member(line, "path");
    require(raw.has_value() == !input.empty());
    bool ascii = size <= audit::text_bytes_max;
    for (const char c : input) {
        ascii = ascii && c >= 0;
    }
    require(!ascii || input.empty() || audit::unescape(*raw) == input);
    return 0;
}
