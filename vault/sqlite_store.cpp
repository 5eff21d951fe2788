#include "vault/sqlite_store.hpp"

#include <algorithm>

#include "vault/error.hpp"
#include "vault/lease.hpp"
#include "vault/record_json.hpp"
#include "vault/sqlite_archive.hpp"
#include "vault/sqlite_key_store.hpp"
#include "vault/sqlite_newest_key.hpp"
#include "vault/sqlite_note_store.hpp"
#include "vault/sqlite_schema.hpp"

namespace sallyport::vault {
namespace {

constexpr std::int64_t any_version = -1;

// Each way of listing has an index that gives it in order, so a page reads no more than it shows.
std::string list_where(const char* whose)
{
    return std::string(
               "SELECT record, coalesce(at, 0) FROM connections LEFT JOIN uses USING (id)"
               " WHERE ") +
           whose + " AND id > ?3 ORDER BY id LIMIT ?4";
}

// The statements, compiled once.
struct statements {
    explicit statements(const sqlite::database& in)
        : load(in,
               "SELECT record, sealed, coalesce(at, 0) FROM connections LEFT JOIN uses USING (id)"
               " WHERE id = ?"),
          insert(in, "INSERT INTO connections VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"),
          replace(in,
                  "UPDATE connections SET workspace = ?2, user = ?3, provider = ?4, name = ?5,"
                  " live = ?6, version = ?7, record = ?8, sealed = ?9"
                  " WHERE id = ?1 AND version = ?10"),
          version(in, "SELECT version FROM connections WHERE id = ?"),
          remove(in, "DELETE FROM connections WHERE id = ?1 AND (version = ?2 OR ?2 < 0)"),
          list(in, list_where("?1 = '' AND ?2 = ''").c_str()),
          list_owned(in, list_where("?1 = '' AND user = ?2").c_str()),
          list_workspace(in, list_where("workspace = ?1 AND ?2 = ''").c_str()),
          list_owned_in_workspace(in, list_where("workspace = ?1 AND user = ?2").c_str()),
          save_use(in,
                   "INSERT INTO uses SELECT id, ?2 FROM connections WHERE id = ?1"
                   " ON CONFLICT (id) DO UPDATE SET at = max(at, excluded.at)"),
          sealed(in, "SELECT sealed FROM connections WHERE id = ?"),
          load_run(in, "SELECT expires_at, ended_at FROM runs WHERE workspace = ? AND run = ?"),
          put_run(in, "INSERT OR REPLACE INTO runs VALUES (?, ?, ?, ?, ?, ?, ?)"),
          end_run(in,
                  "INSERT INTO runs VALUES (?1, ?2, '', '', 0, ?3, ?4)"
                  " ON CONFLICT (workspace, run) DO UPDATE SET"
                  " expires_at = max(expires_at, ?3),"
                  " ended_at = CASE ended_at WHEN 0 THEN ?4 ELSE ended_at END"),
          purge_runs(in, "DELETE FROM runs WHERE expires_at < ?"),
          list_runs(in,
                    "SELECT run, user, app, started_at, expires_at FROM runs"
                    " WHERE workspace = ? AND ended_at = 0 AND expires_at > ? AND run > ?"
                    " ORDER BY run LIMIT ?")
    {
    }

    sqlite::statement load, insert, replace, version, remove;
    sqlite::statement list, list_owned, list_workspace, list_owned_in_workspace, save_use;
    sqlite::statement sealed;
    sqlite::statement load_run, put_run, end_run, purge_runs, list_runs;
};

class sqlite_store final : public store {
public:
    explicit sqlite_store(const std::string& path)
        : database_(sqlite::open_vault(path)), statements_(database_)
    {
    }

    task<stored_connection> load(std::string id) override { co_return noted(load_now(id)); }
    task<void> insert(stored_connection fresh) override { co_return noted(insert_now(fresh)); }
    task<void> replace(stored_connection changed, std::uint64_t expected_version) override
    {
        changed.record.version = expected_version + 1;
        co_return noted(replace_now(changed, expected_version));
    }
    task<connection> revoke(std::string id, std::string reason, version_wish only) override
    {
        co_return noted(revoke_now(id, std::move(reason), only));
    }
    task<void> remove(std::string id, version_wish only) override
    {
        co_return noted(remove_now(id, only));
    }
    task<std::vector<connection>> list(std::string workspace, std::string user, std::string after,
                                       std::size_t limit) override
    {
        co_return noted(list_now(workspace, user, after, limit));
    }

    task<void> save_uses(std::vector<connection_use> uses) override
    {
        co_return noted(save_uses_now(uses));
    }

    key_store& keys() noexcept override { return *keys_; }
    note_store& notes() noexcept override { return *notes_; }
    archive& contents() noexcept override { return *contents_; }

    task<void> put_run(run_record run) override { co_return noted(put_run_now(run)); }
    task<void> end_run(std::string workspace, std::string run, unix_micros keep_until) override
    {
        co_return noted(end_run_now(workspace, run, keep_until));
    }
    task<bool> run_ended(std::string workspace, std::string run) override
    {
        co_return noted(run_ended_now(workspace, run));
    }
    task<std::vector<run_record>> list_runs(std::string workspace, std::string after,
                                            std::size_t limit) override
    {
        co_return noted(list_runs_now(workspace, after, limit));
    }

    void hold_lease(std::weak_ptr<lease_holder> holder, std::chrono::milliseconds) override
    {
        if (const auto alone = holder.lock()) {
            alone->lease_until(lease::forever);
        }
    }
    task<void> settle() override { co_return result<void>(); }
    std::string trouble() const override { return trouble_; }
    task<std::vector<std::string>> warnings() override { co_return std::vector<std::string>(); }

private:
    // Remembers whether the disk answered.
    template <class T>
    result<T> noted(result<T> answer)
    {
        const bool failed =
            !answer && (answer.error() == errc::unavailable || answer.error() == errc::locked);
        trouble_ = failed ? "the embedded vault cannot be read or written" : "";
        return answer;
    }

    result<stored_connection> load_now(const std::string& id)
    {
        sqlite::execution use(statements_.load);
        const result<bool> row = use.text(id).step();
        if (!row) {
            return row.error();
        }
        if (!*row) {
            return errc::not_found;
        }
        std::optional<connection> record = connection_from_json(use.column_text(0));
        if (!record || record->id != id) {
            return errc::corrupted;
        }
        record->last_used_at = std::max(record->last_used_at, use.column_number(2));
        return stored_connection{std::move(*record), use.column_text(1)};
    }

    result<void> insert_now(const stored_connection& fresh)
    {
        if (const result<void> sound = is_newest_.require(fresh.record.workspace, fresh.sealed);
            !sound) {
            return sound;
        }
        sqlite::execution use(statements_.insert);
        const std::string json = to_json(fresh.record);
        return bind(use, fresh, json).run();
    }

    result<void> replace_now(const stored_connection& changed, std::uint64_t expected_version)
    {
        const result<bool> resealed = changes_sealed(changed);
        if (!resealed) {
            return resealed.error();
        }
        if (*resealed) {
            const auto sound = is_newest_.require(changed.record.workspace, changed.sealed);
            if (!sound) {
                return sound;
            }
        }
        const std::string json = to_json(changed.record);
        {
            sqlite::execution use(statements_.replace);
            bind(use, changed, json).number(static_cast<std::int64_t>(expected_version));
            if (const result<void> done = use.run(); !done) {
                return done;
            }
        }
        if (sqlite3_changes(database_.get()) == 1) {
            return {};
        }
        return missing_or_changed(changed.record.id);
    }

    error_code missing_or_changed(const std::string& id)
    {
        sqlite::execution use(statements_.version);
        const result<bool> exists = use.text(id).step();
        if (!exists) {
            return exists.error();
        }
        return *exists ? errc::version_conflict : errc::not_found;
    }

    result<connection> revoke_now(const std::string& id, std::string reason, version_wish only)
    {
        // Nobody else can write between the two statements: this process is alone and this is its
        // only thread here.
        result<stored_connection> found = load_now(id);
        if (!found) {
            return found.error();
        }
        connection before = found->record;
        if (only && before.version != *only) {
            return errc::version_conflict;
        }
        if (before.status == status::revoked && found->sealed.empty()) {
            return before;
        }
        make_tombstone(found->record, std::move(reason), now_micros());
        found->sealed.clear();
        if (const result<void> done = replace_now(*found, before.version); !done) {
            return done.error();
        }
        scrub_log();
        return before;
    }

    result<void> remove_now(const std::string& id, version_wish only)
    {
        {
            sqlite::execution use(statements_.remove);
            use.text(id).number(only ? static_cast<std::int64_t>(*only) : any_version);
            if (const result<void> done = use.run(); !done) {
                return done;
            }
        }
        if (sqlite3_changes(database_.get()) == 0) {
            return missing_or_changed(id);
        }
        scrub_log();
        return {};
    }

    // The sealed credential is gone from the tables, but older pages still stand in the log. If
    // this fails the next one does it.
    void scrub_log() { (void)database_.execute("PRAGMA wal_checkpoint(TRUNCATE)"); }

    result<std::vector<connection>> list_now(const std::string& workspace, const std::string& user,
                                             const std::string& after, std::size_t limit)
    {
        std::vector<connection> found;
        sqlite::statement& all = user.empty() ? statements_.list : statements_.list_owned;
        sqlite::statement& some =
            user.empty() ? statements_.list_workspace : statements_.list_owned_in_workspace;
        sqlite::execution use(workspace.empty() ? all : some);
        use.text(workspace).text(user).text(after).number(static_cast<std::int64_t>(limit));
        const result<void> read = use.for_each_row([&]() -> result<void> {
            std::optional<connection> record = connection_from_json(use.column_text(0));
            if (!record) {
                return errc::corrupted;
            }
            record->last_used_at = std::max(record->last_used_at, use.column_number(1));
            found.push_back(std::move(*record));
            return {};
        });
        if (!read) {
            return read.error();
        }
        return found;
    }

    result<void> save_uses_now(const std::vector<connection_use>& uses)
    {
        sqlite::transaction all(database_);
        if (const result<void> begun = all.begin(); !begun) {
            return begun;
        }
        for (const connection_use& one : uses) {
            sqlite::execution use(statements_.save_use);
            if (const result<void> saved = use.text(one.id).number(one.at).run(); !saved) {
                return saved;
            }
        }
        return all.commit();
    }

    result<bool> changes_sealed(const stored_connection& what)
    {
        sqlite::execution use(statements_.sealed);
        const result<bool> row = use.text(what.record.id).step();
        if (!row) {
            return {boost::system::in_place_error, row.error()};
        }
        return *row && use.column_text(0) != what.sealed;
    }

    result<void> put_run_now(const run_record& run)
    {
        const unix_micros now = now_micros();
        sqlite::transaction all(database_);
        if (const result<void> begun = all.begin(); !begun) {
            return begun;
        }
        if (const result<void> done = purge_runs(now); !done) {
            return done;
        }
        {
            sqlite::execution find(statements_.load_run);
            const result<bool> row = find.text(run.workspace).text(run.run).step();
            if (!row) {
                return row.error();
            }
            if (*row && (find.column_number(1) != 0 || find.column_number(0) > now)) {
                return errc::already_exists;
            }
            sqlite::execution put(statements_.put_run);
            put.text(run.workspace).text(run.run).text(run.user).text(run.app);
            put.number(run.started_at).number(run.expires_at).number(0);
            if (const result<void> done = put.run(); !done) {
                return done;
            }
        }
        return all.commit();
    }

    result<void> end_run_now(const std::string& workspace, const std::string& run,
                             unix_micros keep_until)
    {
        const unix_micros now = now_micros();
        if (const result<void> done = purge_runs(now); !done) {
            return done;
        }
        sqlite::execution use(statements_.end_run);
        return use.text(workspace).text(run).number(keep_until).number(now).run();
    }

    result<void> purge_runs(unix_micros now)
    {
        sqlite::execution use(statements_.purge_runs);
        return use.number(now - ended_run_margin).run();
    }

    result<bool> run_ended_now(const std::string& workspace, const std::string& run)
    {
        sqlite::execution use(statements_.load_run);
        const result<bool> row = use.text(workspace).text(run).step();
        if (!row) {
            return {boost::system::in_place_error, row.error()};
        }
        return *row && use.column_number(1) != 0;
    }

    result<std::vector<run_record>> list_runs_now(const std::string& workspace,
                                                  const std::string& after, std::size_t limit)
    {
        std::vector<run_record> found;
        sqlite::execution use(statements_.list_runs);
        use.text(workspace).number(now_micros()).text(after);
        use.number(static_cast<std::int64_t>(limit));
        const result<void> read = use.for_each_row([&] {
            found.push_back({workspace, use.column_text(0), use.column_text(1), use.column_text(2),
                             use.column_number(3), use.column_number(4), 0});
        });
        if (!read) {
            return read.error();
        }
        return found;
    }

    static sqlite::execution& bind(sqlite::execution& use, const stored_connection& what,
                                   const std::string& json)
    {
        const connection& record = what.record;
        use.text(record.id).text(record.workspace).text(record.user).text(record.provider);
        use.text(record.name).number(record.status == status::revoked ? 0 : 1);
        use.number(static_cast<std::int64_t>(record.version)).text(json);
        return use.blob(what.sealed);
    }

    sqlite::database database_;
    statements statements_;
    sqlite_newest_key is_newest_{database_};
    const std::unique_ptr<key_store> keys_ = make_sqlite_key_store(database_);
    const std::unique_ptr<note_store> notes_ = make_sqlite_note_store(database_);
    const std::unique_ptr<archive> contents_ = make_sqlite_archive(database_);
    std::string trouble_;
};

}  // namespace

std::unique_ptr<store> open_sqlite_store(const std::string& path)
{
    return std::make_unique<sqlite_store>(path);
}

}  // namespace sallyport::vault
