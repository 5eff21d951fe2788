#include "control/authorization.hpp"

#include <openssl/rand.h>
#include <openssl/sha.h>
#include <spdlog/spdlog.h>

#include <array>
#include <stdexcept>
#include <utility>

#include "base/encoding.hpp"
#include "base/strict_json.hpp"
#include "base/text.hpp"
#include "control/credential.hpp"
#include "control/json.hpp"
#include "vault/error.hpp"

namespace sallyport::control {

namespace json = boost::json;
namespace asio = boost::asio;

namespace {

constexpr std::size_t token_bytes = 32;

// Reads what note_of() wrote. What lacks a member is not of this program.
class note_reader {
public:
    explicit note_reader(std::string_view text) : parsed_(parse_strictly(text)) {}

    bool has(std::string_view name) const { return member(name) != nullptr; }
    std::string text(std::string_view name) { return std::string(view(name)); }
    wiped_string secret(std::string_view name) { return wiped_string(view(name)); }
    std::int64_t number(std::string_view name)
    {
        const json::value* found = member(name);
        is_whole_ = is_whole_ && found != nullptr && found->is_int64();
        return is_whole_ ? found->get_int64() : 0;
    }
    std::vector<std::string> texts(std::string_view name)
    {
        std::vector<std::string> list;
        const json::value* found = member(name);
        is_whole_ = is_whole_ && found != nullptr && found->is_array();
        for (const json::value& one : is_whole_ ? found->get_array() : json::array()) {
            list.emplace_back(one.is_string() ? std::string_view(one.get_string()) : "");
        }
        return list;
    }
    std::map<std::string, std::string> text_map(std::string_view name)
    {
        std::map<std::string, std::string> map;
        const json::value* found = member(name);
        is_whole_ = is_whole_ && found != nullptr && found->is_object();
        for (const auto& one : is_whole_ ? found->get_object() : json::object()) {
            map[one.key()] = one.value().is_string() ? std::string(one.value().get_string()) : "";
        }
        return map;
    }
    bool is_whole() const noexcept { return is_whole_; }

private:
    std::string_view view(std::string_view name)
    {
        const json::value* found = member(name);
        is_whole_ = is_whole_ && found != nullptr && found->is_string();
        return is_whole_ ? std::string_view(found->get_string()) : std::string_view();
    }
    const json::value* member(std::string_view name) const
    {
        const json::object* whole = parsed_ ? parsed_->if_object() : nullptr;
        return whole != nullptr ? whole->if_contains(name) : nullptr;
    }

    result<json::value> parsed_;
    bool is_whole_ = true;
};

// A provider that is asked for more may tell an address where it told a number before: those two
// cannot be compared.
bool is_another_account(std::string_view before, std::string_view now)
{
    const auto is_address = [](std::string_view account) {
        return account.find('@') != account.npos;
    };
    return !before.empty() && !now.empty() && is_address(before) == is_address(now) &&
           !equal_ignoring_case(before, now);
}

json::array to_array(const std::vector<std::string>& texts)
{
    return json::array(texts.begin(), texts.end());
}

// Whether the connection's attempt is still this one. False, too, where that cannot be read: the
// sweep comes back to it. One without a note is whatever there is.
asio::awaitable<bool> is_latest(const services& gate, const attempt& what)
{
    if (what.note_id.empty()) {
        co_return true;
    }
    auto finding = find_attempt(gate, what.connection_id);
    const result<attempt> latest = co_await std::move(finding);
    co_return latest && latest->note_id == what.note_id;
}

}  // namespace

std::string new_token()
{
    std::array<char, token_bytes> bytes{};
    if (RAND_bytes(reinterpret_cast<unsigned char*>(bytes.data()), bytes.size()) != 1) {
        throw std::runtime_error("no randomness");
    }
    return to_base64url({bytes.data(), bytes.size()});
}

std::string token_digest(std::string_view token)
{
    std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
    SHA256(reinterpret_cast<const unsigned char*>(token.data()), token.size(), digest.data());
    return to_base64url({reinterpret_cast<const char*>(digest.data()), digest.size()});
}

vault::note note_of(const authorization& what, std::string id, unix_micros expires_at)
{
    json::value whole(wiping_storage());
    json::object& out = whole.emplace_object();
    out["connection_id"] = what.connection_id;
    out["redirect_uri"] = what.redirect_uri;
    out["return_url"] = what.return_url;
    out["created_at"] = what.created_at;
    out["verifier"] = std::string_view(what.verifier);
    out["scopes"] = to_array(what.scopes);
    json::object& variables = out["variables"].emplace_object();
    for (const auto& [name, value] : what.variables) {
        variables[name] = value;
    }
    vault::note fresh;
    fresh.kind = authorisation_kind;
    if (!what.device.code.empty()) {
        fresh.kind = device_kind;
        out["device_code"] = std::string_view(what.device.code);
        out["device_interval"] = what.device.interval.count();
        out["device_next"] = what.device.next;
    }
    fresh.id = std::move(id);
    fresh.workspace = what.workspace;
    fresh.text = serialized(whole);
    fresh.expires_at = expires_at;
    return fresh;
}

result<authorization> read_authorization(std::string_view text)
{
    note_reader from(text);
    authorization what;
    what.connection_id = from.text("connection_id");
    what.redirect_uri = from.text("redirect_uri");
    what.return_url = from.text("return_url");
    what.created_at = from.number("created_at");
    what.verifier = from.secret("verifier");
    what.scopes = from.texts("scopes");
    what.variables = from.text_map("variables");
    if (from.has("device_code")) {
        what.device.code = from.secret("device_code");
        what.device.interval = std::chrono::seconds(from.number("device_interval"));
        what.device.next = from.number("device_next");
    }
    return from.is_whole() ? result<authorization>(std::move(what))
                           : error_code(vault::errc::corrupted);
}

vault::note note_of(const attempt& what)
{
    json::object out;
    out["kind"] = what.kind;
    out["note_id"] = what.note_id;
    out["before"] = vault::to_string(what.before);
    out["reason_before"] = what.reason_before;
    out["until"] = what.until;
    vault::note fresh;
    fresh.kind = connecting_kind;
    fresh.id = what.connection_id;
    fresh.workspace = what.workspace;
    fresh.text = serialized(out);
    fresh.expires_at = what.until + std::chrono::microseconds(abandoned_lifetime).count();
    return fresh;
}

result<attempt> read_attempt(const vault::note& from)
{
    note_reader members(from.text);
    attempt what;
    what.connection_id = from.id;
    what.workspace = from.workspace;
    what.kind = members.text("kind");
    what.note_id = members.text("note_id");
    const auto before = vault::parse_status(members.text("before"));
    what.before = before.value_or(vault::status::added);
    what.reason_before = members.text("reason_before");
    what.until = members.number("until");
    return members.is_whole() && before ? result<attempt>(std::move(what))
                                        : error_code(vault::errc::corrupted);
}

vault::task<attempt> find_attempt(const services& gate, std::string connection_id)
{
    auto reading = gate.vault.notes().read(std::string(connecting_kind), std::move(connection_id));
    const result<vault::note> found = co_await std::move(reading);
    co_return found ? read_attempt(*found) : result<attempt>(found.error());
}

asio::awaitable<void> discard(const services& gate, const attempt& what)
{
    if (what.note_id.empty()) {
        co_return;
    }
    auto taking = gate.vault.notes().take(what.kind, what.note_id);
    result<vault::note> taken = co_await std::move(taking);
    if (!taken) {
        co_return;
    }
    const wiped_note ticket(std::move(*taken));
    if (what.kind != ticket_kind) {
        co_return;
    }
    result<held_credential> held = read_held(ticket.get().text);
    if (held) {
        auto leaving = leave_to_revocation(gate, std::move(*held));
        co_await std::move(leaving);
    }
}

asio::awaitable<void> restore(const services& gate, attempt what, std::string reason, bool told)
{
    auto asking = is_latest(gate, what);
    const bool is_ours = co_await std::move(asking);
    if (!is_ours) {
        co_return;
    }
    const std::function<void(vault::connection&)> change = [&](vault::connection& record) {
        if (record.status == vault::status::pending) {
            record.status = what.before;
            record.status_reason = reason.empty() ? what.reason_before : reason;
        } else if (told && record.status != vault::status::revoked) {
            record.status_reason = reason;
        }
    };
    auto updating = gate.vault.update(what.connection_id, change, std::nullopt);
    const result<vault::connection> updated = co_await std::move(updating);
    if (!updated && updated.error() != vault::errc::not_found &&
        updated.error() != vault::errc::revoked) {
        co_return;  // The sweep comes back to it: the note stays.
    }
    auto dropping =
        gate.vault.notes().drop(std::string(connecting_kind), std::move(what.connection_id));
    [[maybe_unused]] const result<void> dropped = co_await std::move(dropping);
}

held_credential hold(const authorization& what, const vault::connection& record,
                     vault::fresh_tokens tokens)
{
    held_credential held;
    held.record = record;
    held.record.variables = what.variables;
    for (auto& [name, value] : tokens.variables) {
        held.record.variables[name] = std::move(value);
    }
    // A server that says nothing has granted what was asked for (RFC 6749, 5.1).
    held.record.scopes_granted = tokens.scopes.value_or(what.scopes);
    held.record.scopes_requested = what.scopes;
    held.record.expires_at = tokens.expires_at;
    if (!tokens.account.empty()) {
        held.record.account = tokens.account;
    }
    held.fields = std::move(tokens.fields);
    return held;
}

std::string_view code_of(vault::refresh_verdict verdict) noexcept
{
    return verdict == vault::refresh_verdict::rejected ? "code_rejected" : "provider_unavailable";
}

asio::awaitable<void> leave_to_revocation(const services& gate, held_credential orphan)
{
    auto showing = gate.vault.show(orphan.record.id);
    const result<vault::connection> now = co_await std::move(showing);
    if (now && is_same(orphan.record, *now) && now->credential_version != 0 &&
        now->status != vault::status::revoked &&
        !is_another_account(now->account, orphan.record.account)) {
        spdlog::warn(
            "{} keeps what it has; tokens of an authorisation that came to nothing live on "
            "at {} until they expire",
            now->id, now->provider);
        co_return;
    }
    orphan.record.credential_version = 0;
    vault::note fresh = revocation_note(orphan, now_micros());
    const std::string id = fresh.id;
    auto putting = gate.vault.notes().put(std::move(fresh));
    const result<void> put = co_await std::move(putting);
    if (!put) {
        spdlog::warn("tokens of {} that nobody uses could not be noted for revocation: {}",
                     orphan.record.id, put.error().message());
    } else if (gate.after_revoke) {
        gate.after_revoke(id);
    }
}

vault::task<vault::connection> conclude(const services& gate, held_credential fresh, attempt latest)
{
    const vault::connection& got = fresh.record;
    held_credential spare = copy_of(fresh.record, fresh.fields);
    const std::function<void(vault::connection&)> change = [&](vault::connection& record) {
        if (record.status == vault::status::revoked) {
            return;  // The vault refuses it, and drops the credential.
        }
        record.scopes_granted = got.scopes_granted;
        record.scopes_requested = got.scopes_requested;
        record.variables = got.variables;
        record.account = got.account;
        record.expires_at = got.expires_at;
        record.connected_at = now_micros();
        if (record.status != vault::status::inactive) {  // Switched off stays switched off.
            record.status = vault::status::active;
            record.status_reason.clear();
        }
    };
    auto updating = gate.vault.update(got.id, change, std::move(fresh.fields));
    result<vault::connection> updated = co_await std::move(updating);
    if (updated) {
        auto asking = is_latest(gate, latest);
        const bool is_ours = co_await std::move(asking);
        if (is_ours) {
            auto dropping = gate.vault.notes().drop(std::string(connecting_kind), got.id);
            [[maybe_unused]] const result<void> dropped = co_await std::move(dropping);
        }
        gate.tell("connection.authorized", *updated);
    } else if (updated.error() == vault::errc::revoked ||
               updated.error() == vault::errc::not_found) {
        auto leaving = leave_to_revocation(gate, std::move(spare));
        co_await std::move(leaving);
    }
    co_return updated;
}

bool is_same(const vault::connection& before, const vault::connection& now)
{
    return before.id == now.id && before.created_at == now.created_at &&
           before.workspace == now.workspace && before.user == now.user &&
           before.provider == now.provider && before.kind == now.kind;
}

std::string_view misfit(const services& gate, const vault::connection& record,
                        const held_credential& fresh)
{
    if (is_another_account(record.account, fresh.record.account)) {
        return "wrong_account";
    }
    const std::shared_ptr<const policy::catalogue> catalogue = gate.catalogue();
    const policy::provider* provider = catalogue->find(record.provider);
    const policy::credential_kind* kind = provider ? provider->kind(record.kind) : nullptr;
    if (kind == nullptr) {
        return "unknown_provider";
    }
    complaints wrong;
    check_variables(*provider, *kind, fresh.record.variables, wrong);
    check_completeness(*provider, *kind, fresh.fields, fresh.record.variables, wrong);
    return wrong.empty() ? "" : "unexpected_variables";
}

}  // namespace sallyport::control
