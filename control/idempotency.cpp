#include "control/idempotency.hpp"

#include <openssl/crypto.h>
#include <openssl/sha.h>

#include <boost/json/parse.hpp>
#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "base/time.hpp"
#include "control/json.hpp"
#include "control/openapi.hpp"
#include "vault/error.hpp"

namespace sallyport::control {

namespace json = boost::json;
namespace asio = boost::asio;

namespace {

constexpr std::string_view field_name = "Idempotency-Key";
constexpr std::string_view parameter_name = "idempotency_key";
constexpr std::string_view note_kind = "idempotency";

std::string digest_of(std::string_view text)
{
    std::array<unsigned char, SHA256_DIGEST_LENGTH> hash{};
    SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), hash.data());
    return to_hex({reinterpret_cast<const char*>(hash.data()), hash.size()});
}

bool is_key(std::string_view text) noexcept
{
    return !text.empty() && text.size() <= idempotency_key_bytes_max &&
           std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c <= '~'; });
}

// The workspace that the body names and the caller speaks for; none: the handler refuses it.
std::optional<std::string> workspace_of(const request& call)
{
    const json::value* const named = call.body.if_contains("workspace");
    const json::string* const text = named != nullptr ? named->if_string() : nullptr;
    if (text == nullptr || !is_name(*text) || !call.who->speaks_for(*text)) {
        return std::nullopt;
    }
    return std::string(*text);
}

vault::note blank(const admitted& ready, std::string workspace)
{
    const request& call = ready.call;
    std::string name = call.who->actor + '\n' + std::string(ready.found->method) + ' ' +
                       std::string(ready.found->path) + '\n' + workspace + '\n';
    name += call.field(field_name).value_or("");
    vault::note note;
    note.kind = note_kind;
    note.id = digest_of(name);
    note.workspace = std::move(workspace);
    return note;
}

void expire_in(vault::note& note, std::chrono::microseconds time)
{
    note.expires_at = now_micros() + time.count();
}

// "DIGEST STATUS ETAG\nBODY"; while it is under way "DIGEST". No quoted tag holds a space.
std::string remembered(const std::string& digest, const answer& reply)
{
    std::string tag;
    for (const auto& [name, value] : reply.fields) {
        tag = name == "ETag" ? value : tag;
    }
    const std::string head = digest + ' ' + std::to_string(reply.status) + ' ' + tag + '\n';
    const wiped_string body = serialized(reply.body);
    std::string text;
    text.reserve(head.size() + body.size());  // What it grows out of would not be wiped.
    text += head;
    text += body;
    return text;
}

answer repeated(std::string_view text, const std::string& digest)
{
    if (!text.starts_with(digest)) {
        return problem(422, "idempotency_key_reused",
                       "This Idempotency-Key came with another body before.");
    }
    text.remove_prefix(digest.size());
    const std::size_t line = text.find('\n');
    if (line == std::string_view::npos) {
        return problem(409, "idempotency_key_in_use",
                       "The request with this Idempotency-Key is still being handled.");
    }
    answer reply;
    error_code error;
    reply.status = static_cast<unsigned>(std::stoul(std::string(text.substr(1, 3))));
    const std::string_view tag = text.substr(5, line - 5);
    if (!tag.empty()) {
        reply.fields.emplace_back("ETag", tag);
    }
    reply.body = json::parse(text.substr(line + 1), error, wiping_storage());
    return reply;
}

asio::awaitable<answer> run(admitted& ready)
{
    auto working = ready.found->handle(ready.call);
    answer reply = co_await std::move(working);
    co_return reply;
}

// Remembers what was done; what was refused, or is too long to be kept, is forgotten.
asio::awaitable<void> remember(request& call, vault::note note, std::string digest,
                               const answer& reply)
{
    note.text = reply.status < 300 ? remembered(digest, reply) : std::string();
    const bool is_kept = !note.text.empty() && note.text.size() <= vault::note_bytes_max;
    expire_in(note, repetition_time);
    const std::string id = note.id;
    // It is done whether or not it is remembered.
    if (is_kept) {
        auto writing = call.gate.vault.notes().replace(std::move(note));
        [[maybe_unused]] const result<void> written = co_await std::move(writing);
    } else {
        auto dropping = call.gate.vault.notes().drop(std::string(note_kind), id);
        [[maybe_unused]] const result<void> dropped = co_await std::move(dropping);
    }
}

}  // namespace

bool bears_key(const admitted& ready)
{
    const std::string_view taken = ready.found->about.parameters;
    return taken.find(parameter_name) != std::string_view::npos &&
           ready.call.field(field_name).has_value();
}

asio::awaitable<answer> handle_once(admitted& ready, std::string_view body)
{
    request& call = ready.call;
    if (!is_key(*call.field(field_name))) {
        co_return problem(400, "bad_request",
                          "The Idempotency-Key must be 1 to 255 printable characters.");
    }
    std::optional<std::string> workspace = workspace_of(call);
    if (!workspace) {
        auto running = run(ready);
        co_return co_await std::move(running);
    }
    vault::note note = blank(ready, std::move(*workspace));
    const std::string digest = digest_of(body);
    note.text = digest;
    expire_in(note, unfinished_time);
    auto beginning = call.gate.vault.notes().put(note);
    const result<void> begun = co_await std::move(beginning);
    if (!begun && begun.error() == vault::errc::already_exists) {
        auto reading = call.gate.vault.notes().read(std::string(note_kind), note.id);
        auto found = co_await std::move(reading);
        if (!found) {
            co_return problem(409, "idempotency_key_in_use", "Send the request again.");
        }
        answer reply = repeated(found->text, digest);
        OPENSSL_cleanse(found->text.data(), found->text.size());
        co_return reply;
    }
    if (!begun) {
        co_return problem(begun.error());
    }
    auto running = run(ready);
    answer reply = co_await std::move(running);
    auto remembering = remember(call, std::move(note), digest, reply);
    co_await std::move(remembering);
    co_return reply;
}

}  // namespace sallyport::control
