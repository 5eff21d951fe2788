// A GraphQL request's JSON body, read strictly and only as far as its own four members go.
#include "policy/graphql.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace sallyport::policy {
namespace {

bool is_space(char c) noexcept { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

void append_utf8(std::string& out, std::uint32_t point)
{
    const auto add = [&](std::uint32_t byte) { out += static_cast<char>(byte); };
    if (point < 0x80) {
        add(point);
    } else if (point < 0x800) {
        add(0xc0 | point >> 6);
        add(0x80 | (point & 0x3f));
    } else if (point < 0x10000) {
        add(0xe0 | point >> 12);
        add(0x80 | (point >> 6 & 0x3f));
        add(0x80 | (point & 0x3f));
    } else {
        add(0xf0 | point >> 18);
        add(0x80 | (point >> 12 & 0x3f));
        add(0x80 | (point >> 6 & 0x3f));
        add(0x80 | (point & 0x3f));
    }
}

// RFC 8259. Every function returns false where the text is not JSON, or not what was asked for.
class json_reader {
public:
    explicit json_reader(std::string_view text) : rest_(text) {}

    bool at_end()
    {
        skip_space();
        return rest_.empty();
    }

    bool take(char c)
    {
        skip_space();
        if (rest_.empty() || rest_.front() != c) {
            return false;
        }
        rest_.remove_prefix(1);
        return true;
    }

    bool take_null() { return take_word("null"); }

    bool take_string(std::string& out)
    {
        if (!take('"')) {
            return false;
        }
        while (!rest_.empty()) {
            const char c = rest_.front();
            rest_.remove_prefix(1);
            if (c == '"') {
                return true;
            }
            if (static_cast<unsigned char>(c) < 0x20) {
                return false;
            }
            if (c != '\\') {
                out += c;
            } else if (!take_escape(out)) {
                return false;
            }
        }
        return false;
    }

    // Calls each(name) with the value next; each reads it.
    template <class F>
    bool take_object(F&& each)
    {
        if (!take('{')) {
            return false;
        }
        if (take('}')) {
            return true;
        }
        do {
            std::string name;
            if (!take_string(name) || !take(':') || !each(name)) {
                return false;
            }
        } while (take(','));
        return take('}');
    }

    bool skip_value(std::size_t depth = 0)
    {
        skip_space();
        if (rest_.empty() || depth == graphql_depth_max) {
            return false;
        }
        std::string unused;
        switch (rest_.front()) {
            case '{': return take_object([&](const auto&) { return skip_value(depth + 1); });
            case '[': return skip_array(depth);
            case '"': return take_string(unused);
            default: return take_word("true") || take_word("false") || take_null() || skip_number();
        }
    }

private:
    void skip_space()
    {
        while (!rest_.empty() && is_space(rest_.front())) {
            rest_.remove_prefix(1);
        }
    }

    bool take_word(std::string_view word)
    {
        skip_space();
        if (!rest_.starts_with(word)) {
            return false;
        }
        rest_.remove_prefix(word.size());
        return true;
    }

    bool skip_array(std::size_t depth)
    {
        take('[');
        if (take(']')) {
            return true;
        }
        do {
            if (!skip_value(depth + 1)) {
                return false;
            }
        } while (take(','));
        return take(']');
    }

    // Its spelling is left to the provider: no number is decided on.
    bool skip_number()
    {
        const std::size_t size = rest_.find_first_not_of("0123456789+-.eE");
        const std::size_t taken = std::min(size, rest_.size());
        rest_.remove_prefix(taken);
        return taken != 0;
    }

    bool take_escape(std::string& out)
    {
        constexpr std::string_view letters = "\"\\/bfnrt";
        constexpr std::string_view meant = "\"\\/\b\f\n\r\t";
        if (rest_.empty()) {
            return false;
        }
        const char c = rest_.front();
        rest_.remove_prefix(1);
        if (c != 'u') {
            const std::size_t at = letters.find(c);
            out += at == std::string_view::npos ? '\0' : meant[at];
            return at != std::string_view::npos;
        }
        std::uint32_t point = 0;
        if (!take_hex(point)) {
            return false;
        }
        if (point >= 0xd800 && point < 0xdc00) {
            std::uint32_t low = 0;
            if (!rest_.starts_with("\\u")) {
                return false;
            }
            rest_.remove_prefix(2);
            if (!take_hex(low) || low < 0xdc00 || low > 0xdfff) {
                return false;
            }
            point = 0x10000 + ((point - 0xd800) << 10) + (low - 0xdc00);
        } else if (point >= 0xdc00 && point < 0xe000) {
            return false;
        }
        append_utf8(out, point);
        return true;
    }

    bool take_hex(std::uint32_t& value)
    {
        constexpr std::string_view digits = "0123456789abcdef0123456789ABCDEF";
        for (int i = 0; i < 4; ++i) {
            const std::size_t digit = rest_.empty() ? std::string_view::npos  //
                                                    : digits.find(rest_.front());
            if (digit == std::string_view::npos) {
                return false;
            }
            value = value * 16 + static_cast<std::uint32_t>(digit % 16);
            rest_.remove_prefix(1);
        }
        return true;
    }

    std::string_view rest_;
};

}  // namespace

graphql_request read_graphql_body(std::string_view body)
{
    constexpr std::array<std::string_view, 4> members = {"query", "operationName", "variables",
                                                         "extensions"};
    json_reader json(body);
    std::array<bool, members.size()> seen{};
    std::string document;
    std::string operation_name;
    const auto take_member = [&](std::string_view name) {
        for (std::size_t i = 0; i < members.size(); ++i) {
            if (name != members[i] || std::exchange(seen[i], true)) {
                continue;
            }
            switch (i) {
                case 0: return json.take_string(document);
                case 1: return json.take_null() || json.take_string(operation_name);
                case 2:
                    return json.take_null() ||
                           json.take_object([&](const auto&) { return json.skip_value(1); });
                default: break;
            }
            // A stored document could stand for the one that is here.
            return json.take_null() || json.take_object([&](std::string_view extension) {
                return extension != "persistedQuery" && json.skip_value(1);
            });
        }
        return false;
    };
    if (!json.take_object(take_member) || !json.at_end() || !seen[0]) {
        return {};
    }
    return read_graphql_document(document, operation_name);
}

}  // namespace sallyport::policy
