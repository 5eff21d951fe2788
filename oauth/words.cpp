#include "oauth/words.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace sallyport::oauth {

namespace {

bool is_field_name(std::string_view text)
{
    return !text.empty() && std::all_of(text.begin(), text.end(), is_token_char);
}

bool starts_a_word(std::string_view text, std::string_view word)
{
    return text.starts_with(word) && (text.size() == word.size() || text[word.size()] == ' ');
}

std::optional<request_body> read_list(std::string_view names, request_body::form as)
{
    request_body body{as, {}};
    while (!names.empty()) {
        const std::size_t end = std::min(names.find(','), names.size());
        const std::string_view name = trim(names.substr(0, end));
        if (!is_field_name(name)) {
            return std::nullopt;
        }
        body.fields.emplace_back(name);
        names.remove_prefix(std::min(end + 1, names.size()));
    }
    return body.fields.empty() ? std::nullopt : std::optional(body);
}

// {"token": ...}: an object of one member.
std::optional<request_body> read_object(std::string_view text)
{
    const std::size_t open = text.find('"');
    const std::size_t close = open == text.npos ? open : text.find('"', open + 1);
    if (close == text.npos || !text.ends_with('}') || text.find(',') != text.npos) {
        return std::nullopt;
    }
    return read_list(text.substr(open + 1, close - open - 1), request_body::form::json);
}

}  // namespace

std::optional<request_proof> read_proof(std::string_view words)
{
    words = trim(words);
    if (words.empty()) {
        return request_proof{};
    }
    if (starts_a_word(words, "basic")) {
        return request_proof{request_proof::way::basic, {}};
    }
    if (words == "bearer client_secret") {
        return request_proof{request_proof::way::client_bearer, {}};
    }
    if (starts_a_word(words, "bearer")) {
        return request_proof{request_proof::way::bearer, {}};
    }
    if (is_field_name(words)) {
        return request_proof{request_proof::way::header, std::string(words)};
    }
    return std::nullopt;
}

std::optional<request_body> read_body(std::string_view words)
{
    constexpr std::pair<std::string_view, request_body::form> lists[] = {
        {"form:", request_body::form::form},
        {"json:", request_body::form::json},
        {"query:", request_body::form::query}};
    words = trim(words);
    if (words.empty()) {
        return request_body{};
    }
    for (const auto& [lead, as] : lists) {
        if (words.starts_with(lead)) {
            return read_list(words.substr(lead.size()), as);
        }
    }
    if (starts_a_word(words, "json")) {
        words = trim(words.substr(4));
    }
    return words.starts_with('{') ? read_object(words) : std::nullopt;
}

}  // namespace sallyport::oauth
