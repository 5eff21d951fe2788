// The vault as the rest of the program uses it: it seals what goes into the store, opens what
// comes out, and makes every change bite on all workers before it reports success.
//
// Threading: everything but make_resolver's result runs on the control thread's io_context, which
// outlives the keeper; the keeper outlives its resolvers and every task it was asked for.
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "vault/custodian.hpp"
#include "vault/lifecycle.hpp"
#include "vault/notebook.hpp"
#include "vault/refresh_history.hpp"
#include "vault/resolver.hpp"
#include "vault/settings.hpp"
#include "vault/store.hpp"
#include "vault/token_source.hpp"

namespace sallyport::vault {

class keeper {
public:
    // Opens the store, reads the master key, checks it against the store's canary (creating that in
    // a new store). Throws boost::system::system_error (a std::runtime_error) with one clear
    // sentence: this happens at start. Does not run `control`.
    static std::unique_ptr<keeper> open(boost::asio::io_context& control, const settings& settings);
    virtual ~keeper() = default;

    // `fresh.id`, times and versions are set here if empty. With a credential the status becomes
    // active, without it stays as given. errc::already_exists, invalid_id, invalid_credential,
    // unavailable.
    virtual task<connection> add(connection fresh, std::optional<credential> secret_part) = 0;
    // Changes what `change` does to the record (it may be called again if somebody else was faster;
    // id, workspace, user, times and versions stay the keeper's), and the credential if given. A
    // new credential makes active what waited for one (draft, added, pending, testing,
    // reauth_required, error) unless `change` sets a status itself. errc::revoked for a tombstone;
    // invalid_credential also where the kind becomes or ceases to be oauth2 without a new
    // credential.
    virtual task<connection> update(std::string id, std::function<void(connection&)> change,
                                    std::optional<credential> secret_part) = 0;
    // When it returns no worker of this gate starts another call with it (G3). Returns the record
    // as it stands now. Idempotent. This and remove(): with a version only that one is revoked;
    // errc::version_conflict where the record has another by then.
    virtual task<connection> revoke(std::string id, std::string reason, version_wish only) = 0;
    virtual task<void> remove(std::string id, version_wish only) = 0;
    task<connection> revoke(std::string id, std::string reason)
    {
        return revoke(std::move(id), std::move(reason), std::nullopt);
    }
    task<void> remove(std::string id) { return remove(std::move(id), std::nullopt); }
    virtual task<connection> show(std::string id) = 0;
    virtual task<std::vector<connection>> list(std::string workspace, std::string user,
                                               std::string after, std::size_t limit) = 0;
    task<std::vector<connection>> list(std::string workspace, std::string user)
    {
        return list(std::move(workspace), std::move(user), "", store::everything);
    }

    virtual task<void> start_run(run_record run) = 0;
    virtual task<void> end_run(std::string workspace, std::string run, unix_micros keep_until) = 0;
    // The live ones by name, from behind `after`.
    virtual task<std::vector<run_record>> list_runs(std::string workspace, std::string after,
                                                    std::size_t limit) = 0;
    task<std::vector<run_record>> list_runs(std::string workspace)
    {
        return list_runs(std::move(workspace), "", store::everything);
    }

    // Returns once no gate of the fleet can use any more what was changed before the call: what was
    // revoked, removed or ended then is refused everywhere. errc::unavailable.
    virtual task<void> settle() = 0;

    // The vault's keys, and its notes. They live as long as the keeper.
    virtual custodian& keys() noexcept = 0;
    virtual notebook& notes() noexcept = 0;

    // Whom to ask for fresh tokens, whom to tell what happens to connections by themselves, and who
    // records a refresh before it is begun (empty: nobody). Until this is called nothing is
    // refreshed.
    virtual void use_tokens(std::shared_ptr<token_source> source, lifecycle_listener told,
                            refresh_recorder recorder = {}) = 0;
    // Sees to it that the credential is another than the one of `stale_credential_version`, and
    // returns the record as it stands then: perhaps reauth_required, or with that very version
    // where the credential is too young to be refreshed again. However many ask, in this process
    // and in the fleet, the provider is asked once (refresh.hpp). Connections that are neither
    // active nor reauth_required are left as they are. errc::refresh_failed: not now,
    // refresh_pause() says when again; cannot_refresh: there is nothing to refresh with;
    // unrecorded; not_found, unavailable, corrupted.
    virtual task<connection> refresh(std::string id, std::uint64_t stale_credential_version) = 0;
    virtual std::chrono::seconds refresh_pause(std::string_view id) const = 0;
    // How the newest refreshes went, in this gate or another; the newest last.
    virtual task<std::vector<refresh_outcome>> refreshes(std::string id) = 0;
    // Whether a provider is being asked for tokens, or its answer is being stored. Who ends the
    // control thread waits for that: a refresh token may be replaced by then.
    virtual bool is_refreshing() const noexcept = 0;
    // The record and its credential, whatever its status: for revoking at the provider and for
    // trying a connection out. Tombstones have none. errc::not_found, corrupted, unavailable.
    virtual task<opened_connection> open(std::string id) = 0;

    // Has the store note when connections were last used for calls. What it did not take is offered
    // again the next time. To be called every so often and before the end.
    virtual task<void> save_uses() = 0;

    // A resolver for one worker; use it on that worker's thread only. The keeper outlives it.
    virtual std::unique_ptr<resolver> make_resolver(boost::asio::io_context& worker) = 0;

    // Why the vault cannot answer now; empty: it can. For /readyz.
    virtual std::string trouble() const = 0;
    // How long what is cached may be used without hearing from the store; none: for ever.
    virtual std::optional<std::chrono::milliseconds> lease_left() const = 0;
    // What weakens the vault's promises without stopping it (a store that may forget what it has
    // acknowledged), one sentence each, as found at start. For the log.
    virtual std::vector<std::string> warnings() const = 0;
};

}  // namespace sallyport::vault
