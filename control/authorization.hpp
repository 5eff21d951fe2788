// An authorisation under way, as the fleet's notebook keeps it: whichever gate the browser comes
// back to can go on with it, and none can go on with it twice.
//
// Four kinds of notes:
//   authorisation  id: digest of the state. What the callback needs; taken by it, so that a state
//                  works once.
//   device         id: random. What the gate needs to ask the provider whether the user has typed
//   the
//                  code in (device_poller.hpp); taken by the gate that got the tokens.
//   ticket         id: digest of the ticket. The tokens, until the one who asked for them comes for
//                  them (held_credential.hpp); taken likewise.
//   connecting     id: the connection's. Which of the three above is the connection's latest, and
//                  what the connection goes back to. A state or ticket it does not name is
//                  overtaken. It outlives them, so that the sweep finds what was abandoned.
// States, tickets and tokens are nowhere but in there, in memory and in the browser.
//
// Threading: the control thread.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/wiping.hpp"
#include "control/held_credential.hpp"
#include "control/request.hpp"
#include "vault/connection.hpp"
#include "vault/token_source.hpp"

namespace sallyport::control {

constexpr std::string_view authorisation_kind = "authorisation";
constexpr std::string_view device_kind = "device";
constexpr std::string_view ticket_kind = "ticket";
constexpr std::string_view connecting_kind = "connecting";
constexpr std::chrono::minutes ticket_lifetime{10};
// A device's note outlives its worth, so that whoever asks about it can say that it is over.
constexpr std::chrono::minutes device_note_grace{5};
constexpr std::chrono::hours abandoned_lifetime{24 * 30};  // for gates that were down meanwhile

// RFC 8628. Whoever polls keeps the pace here, so that it is the fleet's.
struct device_wait {
    wiped_string code;  // the server's; empty: a browser brings a code
    std::chrono::seconds interval{0};
    unix_micros next = 0;  // when to ask again
};

struct authorization {
    std::string connection_id;
    std::string workspace;
    std::string redirect_uri;
    std::string return_url;           // empty: the callback completes it
    wiped_string verifier;            // of PKCE; empty: none
    std::vector<std::string> scopes;  // asked for
    std::map<std::string, std::string> variables;
    unix_micros created_at = 0;  // the connection's
    device_wait device;
};

struct attempt {
    std::string connection_id;
    std::string workspace;
    std::string kind;  // authorisation, device or ticket
    std::string note_id;
    vault::status before = vault::status::added;
    std::string reason_before;
    unix_micros until = 0;
};

std::string new_token();                           // 256 random bits
std::string token_digest(std::string_view token);  // as a note's id

vault::note note_of(const authorization& what, std::string id, unix_micros expires_at);
result<authorization> read_authorization(std::string_view text);
vault::note note_of(const attempt& what);
result<attempt> read_attempt(const vault::note& from);

// The connection's attempt. errc::not_found: there is none.
vault::task<attempt> find_attempt(const services& gate, std::string connection_id);

// Makes the attempt's state, device code or ticket worthless. Tokens behind a ticket are left to be
// revoked.
boost::asio::awaitable<void> discard(const services& gate, const attempt& what);

// A pending connection becomes what it was, for the reason given (its own of before if empty); and
// nothing of the attempt remains. `told`: the reason is set on others, too. Does nothing where
// another attempt has begun meanwhile, or this one was ended.
boost::asio::awaitable<void> restore(const services& gate, attempt what, std::string reason,
                                     bool told = false);

// The connection as these tokens would have it.
held_credential hold(const authorization& what, const vault::connection& record,
                     vault::fresh_tokens tokens);

// Why there are no tokens: see ending.hpp.
std::string_view code_of(vault::refresh_verdict verdict) noexcept;

// Leaves tokens that no connection has got to be revoked at their provider. Where that cannot be
// noted they live on there until they expire, and the log says so. So do those of an account that
// the connection still has a credential of: there are providers where the end of one token of a
// user is the end of all of them (Google's, RFC 7009, 2.1: "the respective grant").
boost::asio::awaitable<void> leave_to_revocation(const services& gate, held_credential orphan);

// The connection gets the tokens, and the scopes, variables and account that came with them; the
// attempt is over. Whoever calls has written the trail's line. errc::unavailable; revoked and
// not_found, after which the tokens are left to be revoked.
vault::task<vault::connection> conclude(const services& gate, held_credential fresh,
                                        attempt latest);

// False: the id was given to another connection since.
bool is_same(const vault::connection& before, const vault::connection& now);

// Why these tokens cannot be the connection's: "wrong_account", "unexpected_variables", or empty.
std::string_view misfit(const services& gate, const vault::connection& record,
                        const held_credential& fresh);

}  // namespace sallyport::control
