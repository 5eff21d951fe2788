// One caller's connection: reads requests, serves them one after the other, ends.
//
// Threading: one worker's thread. Lifetime: owned by the worker's list until run() has ended; it
// borrows the worker's context, which outlives it.
#pragma once

#include <boost/intrusive/list.hpp>
#include <string>

#include "net/pool.hpp"
#include "net/stream.hpp"
#include "proxy/call_meter.hpp"
#include "proxy/exchange.hpp"
#include "proxy/metrics.hpp"
#include "proxy/relay.hpp"
#include "proxy/settings.hpp"
#include "proxy/trail_gate.hpp"
#include "vault/resolver.hpp"

namespace sallyport::proxy {

// What the sessions of one worker share.
struct worker_context {
    const proxy::settings& settings;
    net::runtime& runtime;
    net::address_book& book;
    net::pool& pool;
    vault::resolver& vault;
    trail_gate& trail;
    audit::body_journal* bodies;  // null: none are kept
    run_cache& runs;
    worker_metrics& metrics;
    call_meters& meters;  // of the gate
    std::shared_ptr<const proxy::snapshot> snapshot;
    ulid_source call_ids;
    std::string date;  // the Date field's value, renewed every second
    bool draining = false;
    vault::secret scratch;  // where credentials are opened, one at a time
    // A head on its way to a provider, with the credential in it. Never grows, since that would
    // leave a copy behind; wiped when it is sent.
    std::string request_head;

    // Refusals before identification cost a caller nothing, so their lines are folded past a rate.
    static constexpr unsigned unidentified_lines_max = 100;  // a second
    unsigned unidentified_lines = 0;
    unsigned unidentified_folded = 0;
};

class session final : public boost::intrusive::list_base_hook<>, private net::stream_observer {
public:
    struct origin {
        std::string address;      // "127.0.0.1:50432", "unix"
        std::string_view scheme;  // of the listener
        net::ssl_context tls;     // null: plain
    };

    session(worker_context& worker, net::stream::pointer client, origin from);
    ~session();

    net::task<> run();

    // After run() has ended by an exception: what it had begun is over.
    net::task<> settle();

    // Ends at once if nothing is under way, else after the call.
    void drain();
    void cut();

    // True while a call is under way whose connection or run may have changed since.
    bool wants_recheck() const;
    void recheck();

private:
    enum class head_result { request, gone, refuse };

    net::task<head_result> read_head(refusal& fate);
    net::task<bool> serve(refusal early);

    // The stations of a call, in order. Each returns a refusal or nothing.
    refusal address();
    refusal identify();
    bool run_known_live() const;
    net::task<refusal> check_run();
    bool is_candidate(std::string_view provider) const noexcept;
    bool resolve_warm(refusal& fate);
    net::task<refusal> resolve();
    refusal use(std::shared_ptr<const vault::resolved> found);
    refusal decide(const policy::graphql_request* graphql = nullptr);
    net::task<refusal> decide_on_graphql();
    refusal check_rate();
    net::task<refusal> record_intent();
    net::task<refusal> forward();
    net::task<bool> answer();
    net::task<bool> refuse(refusal fate);

    bool is_fresh(const vault::resolved& found);
    net::task<refusal> freshen(std::shared_ptr<const vault::resolved>* credential);
    bool wants_renewal() const noexcept;
    net::task<bool> renew(refusal* fate);
    void begin_keeping();
    void keep_sent(std::string_view data);
    void drop_kept();
    bool can_repeat() const noexcept;
    void repeat_body();

    bool still_granted(std::int64_t boot_millis_now) const;
    net::task<> recheck_grant();
    net::task<refusal> confirm();
    net::task<refusal> reconfirm();
    net::task<refusal> connect();
    refusal write_head();
    net::task<refusal> send();
    net::task<refusal> read_answer_head();
    net::task<error_code> send_interim();
    bool may_retry(bool reused) const;
    std::chrono::milliseconds upstream_limit() const;
    refusal upstream_refusal(const error_code& error) const;
    refusal state_refusal(const vault::connection& record) const;
    refusal scope_refusal(const policy::grant& grant) const;
    std::string authorize_url(const vault::connection& record) const;

    bool is_collected() const noexcept { return call_.body_type != body_type::other; }
    refusal choose_body_type();
    net::task<refusal> collect_body();
    net::task<refusal> gather_body();
    refusal strip_collected();
    refusal add_credential();
    void drop_collected();

    void begin_capture();
    void record_captured(audit::entry& outcome);

    void start_pump();
    net::task<> pump();
    net::task<bool> pump_body();
    net::task<> stop_pump();

    void fill_entry(audit::entry& entry);
    void record_outcome(std::string_view fault_code, bool denied);
    void count_call(std::string_view code, std::int64_t duration_us, std::int64_t upstream_us);
    net::task<bool> record_refusal(const refusal& fate);
    net::task<bool> relay_answer(std::string_view& fault);
    bool finish_upstream(bool complete);
    net::task<> linger();
    void on_input(net::stream& stream) override;

    worker_context& worker_;
    net::stream::pointer client_;
    origin from_;
    exchange call_;
    std::string head_text_;  // The request's head; call_ has views of it.
    std::string out_;
    net::stream::pointer upstream_;
    body_reader request_body_{framing{}, false};
    std::string collected_;   // A body that is changed before it is sent; wiped.
    std::string kept_;        // A body that was sent, for the provider that asks again; wiped.
    std::string last_token_;  // of last_run_, for the next call on this connection; wiped
    std::shared_ptr<const proxy::run> last_run_;
    bool serving_ = false;
    bool lingering_ = false;
    bool rechecking_ = false;
    net::wake_point recheck_ended_;
    bool pumping_ = false;
    bool pump_stopped_ = false;
    net::wake_point pump_ended_;
    std::vector<std::string_view> query_keys_;
};

// RFC 9110, 9.2.2: made twice, it does what it does once.
bool is_idempotent(std::string_view method) noexcept;

// Whether what a call was decided on with the one record holds with the other.
bool same_grant(const vault::connection& before, const vault::connection& after);

// An owner's own connection, or one shared with the workspace.
bool may_use(const vault::connection& record, const identity::run_claims& claims) noexcept;

// What a caller is told when the vault fails.
refusal refuse_vault(const error_code& error);

}  // namespace sallyport::proxy
