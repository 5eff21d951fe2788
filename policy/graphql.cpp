#include "policy/graphql.hpp"

#include <algorithm>

namespace sallyport::policy {
namespace {

bool is_name_start(char c) noexcept
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

struct token {
    enum class kind : std::uint8_t { end, name, punctuator, value, fault };
    kind is = kind::end;
    std::string_view text = {};

    bool operator==(char c) const noexcept
    {
        return is == kind::punctuator && text.size() == 1 && text[0] == c;
    }
    bool is_spread() const noexcept { return is == kind::punctuator && text == "..."; }
    bool is_name(std::string_view name) const noexcept { return is == kind::name && text == name; }
};

class lexer {
public:
    explicit lexer(std::string_view text) : rest_(text)
    {
        constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";
        if (rest_.starts_with(byte_order_mark)) {
            rest_.remove_prefix(byte_order_mark.size());
        }
    }

    token next()
    {
        skip_ignored();
        if (rest_.empty()) {
            return {};
        }
        if (++tokens_ > graphql_tokens_max) {
            return {token::kind::fault};
        }
        const char c = rest_.front();
        if (is_name_start(c)) {
            const auto past = std::find_if(rest_.begin(), rest_.end(), [](char each) {
                return !is_name_start(each) && !is_digit(each);
            });
            return take(token::kind::name, static_cast<std::size_t>(past - rest_.begin()));
        }
        if (rest_.starts_with("...")) {
            return take(token::kind::punctuator, 3);
        }
        if (std::string_view("!$&():=@[]{}|").find(c) != std::string_view::npos) {
            return take(token::kind::punctuator, 1);
        }
        if (c == '"') {
            return rest_.starts_with("\"\"\"") ? block_string() : string();
        }
        return is_digit(c) || c == '-' ? number() : token{token::kind::fault};
    }

private:
    void skip_ignored()
    {
        while (!rest_.empty()) {
            if (rest_.front() == '#') {
                rest_.remove_prefix(std::min(rest_.find_first_of("\r\n"), rest_.size()));
            } else if (std::string_view(" \t\r\n,").find(rest_.front()) != std::string_view::npos) {
                rest_.remove_prefix(1);
            } else {
                return;
            }
        }
    }

    token take(token::kind is, std::size_t size)
    {
        const token taken{is, rest_.substr(0, size)};
        rest_.remove_prefix(size);
        return taken;
    }

    token number()
    {
        const std::size_t size = rest_.find_first_not_of("0123456789+-.eE");
        return take(token::kind::value, std::min(size, rest_.size()));
    }

    token string()
    {
        for (std::size_t i = 1; i < rest_.size() && rest_[i] != '\n' && rest_[i] != '\r'; ++i) {
            if (rest_[i] == '"') {
                return take(token::kind::value, i + 1);
            }
            i += rest_[i] == '\\' ? 1 : 0;
        }
        return {token::kind::fault};
    }

    token block_string()
    {
        for (std::size_t i = 3; i < rest_.size(); ++i) {
            if (rest_.substr(i).starts_with("\\\"\"\"")) {
                i += 3;
            } else if (rest_.substr(i).starts_with("\"\"\"")) {
                return take(token::kind::value, i + 3);
            }
        }
        return {token::kind::fault};
    }

    std::string_view rest_;
    std::size_t tokens_ = 0;
};

struct operation {
    graphql_type type = graphql_type::none;
    std::string_view name = {};
    bool fields_known = true;
    std::vector<std::string_view> fields = {};
};

// Reads the outline of a document: its operations, with their names and root fields. Every function
// returns false where the document is not what the grammar has.
class outline_reader {
public:
    explicit outline_reader(std::string_view document) : lexer_(document) { advance(); }

    bool read()
    {
        while (token_.is != token::kind::end) {
            if (!read_definition() || operations.size() > graphql_operations_max) {
                return false;
            }
        }
        return !operations.empty();
    }

    std::vector<operation> operations;

private:
    void advance() { token_ = lexer_.next(); }

    bool read_definition()
    {
        if (token_ == '{') {
            return read_root_fields(operations.emplace_back(operation{graphql_type::query}));
        }
        if (token_.is_name("fragment")) {
            advance();
            operation unused;
            return skip_to_selection() && read_root_fields(unused);
        }
        operation added;
        if (token_.is_name("query")) {
            added.type = graphql_type::query;
        } else if (token_.is_name("mutation")) {
            added.type = graphql_type::mutation;
        } else {
            return false;
        }
        advance();
        if (token_.is == token::kind::name) {
            added.name = token_.text;
            advance();
        }
        return skip_to_selection() && read_root_fields(operations.emplace_back(added));
    }

    // Variables, type conditions and directives: names and values, with what stands in brackets.
    bool skip_to_selection()
    {
        while (!(token_ == '{')) {
            const bool brackets = token_ == '(';
            if (brackets ? !skip_brackets() : token_.is != token::kind::name && !(token_ == '@')) {
                return false;
            }
            if (!brackets) {
                advance();
            }
        }
        return true;
    }

    // From an opening bracket to past the one that closes it.
    bool skip_brackets()
    {
        std::string open;
        do {
            if (token_.is == token::kind::fault || token_.is == token::kind::end) {
                return false;
            }
            if (token_ == '(' || token_ == '[' || token_ == '{') {
                open += token_ == '(' ? ')' : token_ == '[' ? ']' : '}';
            } else if (token_ == ')' || token_ == ']' || token_ == '}') {
                if (open.back() != token_.text[0]) {
                    return false;
                }
                open.pop_back();
            }
            advance();
        } while (!open.empty() && open.size() <= graphql_depth_max);
        return open.empty();
    }

    bool read_root_fields(operation& of)
    {
        advance();
        while (!(token_ == '}')) {
            if (of.fields.size() == graphql_root_fields_max ||
                !(token_.is_spread() ? read_spread(of) : read_field(of))) {
                return false;
            }
        }
        advance();
        return !of.fields.empty() || !of.fields_known;
    }

    // A fragment's fields stand elsewhere; which of them are reached is not followed.
    bool read_spread(operation& of)
    {
        of.fields_known = false;
        advance();
        if (token_.is_name("on")) {
            advance();
        }
        if (token_.is == token::kind::name) {
            advance();
        }
        return read_rest_of_field();
    }

    bool read_field(operation& of)
    {
        if (token_.is != token::kind::name) {
            return false;
        }
        std::string_view name = token_.text;
        advance();
        if (token_ == ':') {
            advance();
            if (token_.is != token::kind::name) {
                return false;
            }
            name = token_.text;
            advance();
        }
        of.fields.push_back(name);
        return read_rest_of_field();
    }

    // Arguments, directives and the inner selection.
    bool read_rest_of_field()
    {
        if (token_ == '(' && !skip_brackets()) {
            return false;
        }
        while (token_ == '@') {
            advance();
            if (token_.is != token::kind::name) {
                return false;
            }
            advance();
            if (token_ == '(' && !skip_brackets()) {
                return false;
            }
        }
        return !(token_ == '{') || skip_brackets();
    }

    lexer lexer_;
    token token_;
};

bool names_differ(const std::vector<operation>& operations)
{
    std::vector<std::string_view> names;
    for (const operation& each : operations) {
        names.push_back(each.name);
    }
    std::sort(names.begin(), names.end());
    return std::adjacent_find(names.begin(), names.end()) == names.end();
}

}  // namespace

std::string_view to_string(graphql_type value) noexcept
{
    switch (value) {
        case graphql_type::query: return "query";
        case graphql_type::mutation: return "mutation";
        case graphql_type::none: break;
    }
    return "";
}

graphql_request read_graphql_document(std::string_view document, std::string_view operation_name)
{
    outline_reader reader(document);
    if (!reader.read()) {
        return {};
    }
    std::vector<operation>& all = reader.operations;
    if (!names_differ(all) || (all.size() > 1 && std::any_of(all.begin(), all.end(), [](auto& one) {
                                   return one.name.empty();
                               }))) {
        return {};
    }
    if (all.size() > 1) {
        std::erase_if(all, [&](const operation& one) { return one.name != operation_name; });
    }
    if (all.size() != 1) {
        return {};
    }
    graphql_request request{all[0].type};
    if (all[0].fields_known) {
        request.root_fields.emplace(all[0].fields.begin(), all[0].fields.end());
    }
    return request;
}

}  // namespace sallyport::policy
