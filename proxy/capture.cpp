#include "proxy/capture.hpp"

#include <openssl/crypto.h>

#include <algorithm>

#include "base/text.hpp"
#include "proxy/injection.hpp"
#include "vault/error.hpp"

namespace sallyport::proxy {

namespace {

constexpr std::size_t escape_bytes_max = 6;        // "\u0000" for one byte
constexpr std::size_t spelling_room = 256 * 1024;  // more than the vault holds of one, escaped

std::string_view value_of(const message_head& head, std::string_view name)
{
    const auto found = std::find_if(head.fields.begin(), head.fields.end(), [&](const field& one) {
        return equal_ignoring_case(one.name, name);
    });
    return found == head.fields.end() ? std::string_view() : found->value;
}

void wipe(std::string& text) { OPENSSL_cleanse(text.data(), text.size()); }

}  // namespace

credential_spellings::~credential_spellings() { std::for_each(all_.begin(), all_.end(), wipe); }

void credential_spellings::add_one(std::string_view spelling)
{
    if (spelling.size() >= masked_bytes_min &&
        std::find(all_.begin(), all_.end(), spelling) == all_.end()) {
        const auto shorter = std::find_if(all_.begin(), all_.end(), [&](const std::string& other) {
            return other.size() < spelling.size();
        });
        all_.emplace(shorter, spelling);
    }
}

void credential_spellings::add(std::string_view value)
{
    add_one(value);
    std::string escaped;
    escaped.reserve(value.size() * escape_bytes_max + 2);  // Growing would leave copies behind.
    append_escaped(escaped, value);
    add_one(escaped);
    wipe(escaped);
    escaped.clear();
    append_json_string(escaped, value);
    add_one(std::string_view(escaped).substr(1, escaped.size() - 2));
    wipe(escaped);
}

bool credential_spellings::collect(const std::vector<injection_plan>& injections,
                                   const vault::resolved& credential,
                                   const policy::provider_facts& facts, vault::secret& scratch)
{
    std::string filled;
    filled.reserve(spelling_room);
    for (const injection_plan& injection : injections) {
        for (const auto* pieces :
             {&injection.value, &injection.basic_username, &injection.basic_password}) {
            for (const template_piece& piece : *pieces) {
                auto opened = piece.placeholder ? credential.open(piece.text, scratch)
                                                : result<void>(vault::errc::not_found);
                if (!opened && piece.placeholder && piece.text == "secret") {
                    opened = credential.open("access_token", scratch);
                }
                if (opened) {
                    add(scratch.reveal());
                } else if (opened.error() != vault::errc::not_found) {
                    return false;
                }
            }
        }
        // As it was sent, without what stands before the first placeholder.
        const bool sent = fill(injection, credential, facts, scratch, filled);
        const bool led = !injection.value.empty() && !injection.value.front().placeholder &&
                         filled.starts_with(injection.value.front().text);
        if (sent) {
            add_one(std::string_view(filled).substr(led ? injection.value.front().text.size() : 0));
        }
        wipe(filled);
        filled.clear();
    }
    scratch.shrink(0);
    return true;
}

bool credential_spellings::collect_signing(const vault::resolved& credential,
                                           vault::secret& scratch)
{
    for (const std::string_view name : {"access_key_id", "secret_access_key", "session_token"}) {
        const auto opened = credential.open(name, scratch);
        if (opened) {
            add(scratch.reveal());
        } else if (opened.error() != vault::errc::not_found) {
            return false;
        }
    }
    scratch.shrink(0);
    return true;
}

void credential_spellings::mask(char* data, std::size_t size, bool truncated) const
{
    constexpr char cover = '*';
    const std::string_view all(data, size);
    for (const std::string& one : all_) {
        for (std::size_t at = all.find(one); at != std::string_view::npos;
             at = all.find(one, at + one.size())) {
            std::fill_n(data + at, one.size(), cover);
        }
        std::size_t begun = truncated ? std::min(one.size() - 1, size) : 0;
        while (begun > 0 && !all.ends_with(std::string_view(one).substr(0, begun))) {
            --begun;
        }
        std::fill_n(data + (size - begun), begun, cover);
    }
}

void call_capture::open(audit::body_side side, const message_head& head)
{
    const std::size_t limit =
        side == audit::body_side::request ? rules_.request_bytes : rules_.response_bytes;
    const std::string_view type = value_of(head, "content-type");
    if (limit != 0 && rules_.wants(type)) {
        parts_[static_cast<std::size_t>(side)].body.emplace(limit, type,
                                                            value_of(head, "content-encoding"));
    }
}

void call_capture::add(audit::body_side side, std::string_view bytes)
{
    part& into = parts_[static_cast<std::size_t>(side)];
    if (!into.body || bytes.empty()) {
        return;
    }
    if (!into.room) {
        auto room = journal_.take_room(into.body->limit());
        if (!room) {
            fault_ = "no_room";
            into.body.reset();
            return;
        }
        into.room.emplace(std::move(*room));
    }
    into.body->add(bytes);
}

void call_capture::settle(const credential_spellings& spellings, bool opened)
{
    for (part& one : parts_) {
        if (!one.room) {
            one.body.reset();  // There was no body.
        } else if (!opened) {
            fault_ = "credential_unreadable";
            one.body.reset();
            one.room.reset();
        } else {
            spellings.mask(one.body->data(), one.body->size(), one.body->is_truncated());
            one.proof = audit::proof_of(one.body->text());
        }
    }
}

void call_capture::tell(audit::entry& outcome)
{
    const auto size_of = [](const part& one) {
        return one.body ? static_cast<std::int64_t>(one.body->size()) : -1;
    };
    truncated_.clear();
    for (const audit::body_side side : {audit::body_side::request, audit::body_side::response}) {
        const part& one = parts_[static_cast<std::size_t>(side)];
        if (one.body && one.body->is_truncated()) {
            truncated_.push_back(audit::to_string(side));
        }
    }
    outcome.request_captured = size_of(parts_[0]);
    outcome.request_proof = parts_[0].proof;
    outcome.response_captured = size_of(parts_[1]);
    outcome.response_proof = parts_[1].proof;
    outcome.capture_truncated = truncated_;
    outcome.capture_fault = fault_;
}

void call_capture::keep(std::string_view call_id, const vault::connection& record)
{
    audit::body_journal::kept_call call{
        std::string(call_id), record.workspace, record.id, record.provider, {}};
    for (const audit::body_side side : {audit::body_side::request, audit::body_side::response}) {
        part& one = parts_[static_cast<std::size_t>(side)];
        if (one.body) {
            call.bodies.push_back({side, std::move(*one.body), std::move(*one.room)});
            one.body.reset();
        }
    }
    if (!call.bodies.empty()) {
        journal_.put(std::move(call));
    }
}

}  // namespace sallyport::proxy
