// What is kept of one call's bodies for an auditor, while they stream by: the first bytes of each,
// as they went out and came back.
//
// The connection's credential is never in it: a request's body is taken before the credential goes
// in, and where the provider repeats the credential, in either body, its bytes are overwritten
// with `*`. That finds it as it is, percent-encoded, as JSON escapes it and as it was put into the
// request (Base64 of Basic); not inside a compressed body. Parts of credentials shorter than
// masked_bytes_min are left: they would be found everywhere.
//
// Threading: the worker's. Memory: what the provider's file allows, taken from the journal's room.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "audit/body_journal.hpp"
#include "audit/trail.hpp"
#include "policy/body_capture.hpp"
#include "proxy/http_head.hpp"
#include "proxy/plan.hpp"
#include "vault/resolver.hpp"

namespace sallyport::proxy {

constexpr std::size_t masked_bytes_min = 4;

// Every way in which the credential may stand in a body. Wiped with the object.
class credential_spellings {
public:
    // Of what the injections put into requests. False: it could not be opened.
    bool collect(const std::vector<injection_plan>& injections, const vault::resolved& credential,
                 const policy::provider_facts& facts, vault::secret& scratch);
    // Of the fields that calls are signed with. False: as above.
    bool collect_signing(const vault::resolved& credential, vault::secret& scratch);
    void add(std::string_view value);  // as it is, and escaped
    ~credential_spellings();

    // Overwrites each occurrence; with `truncated` also the beginning of one at the very end.
    void mask(char* data, std::size_t size, bool truncated) const;

private:
    void add_one(std::string_view spelling);
    std::vector<std::string> all_;  // The longest first: one may be a part of another.
};

class call_capture {
public:
    call_capture(const policy::body_capture& rules, audit::body_journal& journal)
        : rules_(rules), journal_(journal)
    {
    }

    // A body may follow whose fields are these.
    void open(audit::body_side side, const message_head& head);
    void add(audit::body_side side, std::string_view bytes);

    // The bodies are over. `opened`: whether the spellings are whole; without, nothing is kept.
    void settle(const credential_spellings& spellings, bool opened);
    // What the outcome's line says of it; views, until this is gone or kept.
    void tell(audit::entry& outcome);
    // Gives what there is to the journal.
    void keep(std::string_view call_id, const vault::connection& record);

private:
    struct part {
        std::optional<audit::captured_body> body;
        std::optional<audit::body_journal::room> room;  // once there are bytes
        std::string proof;
    };

    const policy::body_capture& rules_;
    audit::body_journal& journal_;
    std::array<part, 2> parts_;  // by side
    std::vector<std::string_view> truncated_;
    std::string_view fault_;
};

}  // namespace sallyport::proxy
