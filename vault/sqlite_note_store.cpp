#include "vault/sqlite_note_store.hpp"

#include <map>

#include "vault/error.hpp"
#include "vault/resolver.hpp"
#include "vault/sqlite_newest_key.hpp"

namespace sallyport::vault {
namespace {

class sqlite_note_store final : public note_store {
public:
    explicit sqlite_note_store(sqlite::database& database)
        : database_(database),
          is_newest_(database),
          purge_(database, "DELETE FROM notes WHERE expires_at <= ?"),
          insert_(database,
                  "INSERT INTO notes (kind, id, workspace, expires_at, sealed)"
                  " VALUES (?, ?, ?, ?, ?)"),
          put_over_(database,
                    "INSERT OR REPLACE INTO notes (kind, id, workspace, expires_at, sealed)"
                    " VALUES (?, ?, ?, ?, ?)"),
          read_(database,
                "SELECT id, workspace, expires_at, sealed FROM notes WHERE kind = ? AND id = ?"),
          take_(database,
                "DELETE FROM notes WHERE kind = ? AND id = ?"
                " RETURNING id, workspace, expires_at, sealed"),
          list_(database,
                "SELECT id, workspace, expires_at, sealed FROM notes"
                " WHERE kind = ? AND id > ? ORDER BY id LIMIT ?")
    {
    }

    task<void> put(sealed_note what, note_write how) override { co_return put_now(what, how); }
    task<sealed_note> read(std::string kind, std::string id) override
    {
        co_return one_of(read_, kind, id);
    }
    task<sealed_note> take(std::string kind, std::string id) override
    {
        co_return one_of(take_, kind, id);
    }
    task<std::vector<sealed_note>> list(std::string kind, std::string after,
                                        std::size_t limit) override
    {
        co_return list_now(kind, after, limit);
    }

    task<std::optional<std::uint64_t>> claim(std::string name,
                                             std::chrono::milliseconds length) override
    {
        const std::int64_t now = boot_millis();
        std::erase_if(claims_, [now](const auto& one) { return one.second.until <= now; });
        if (claims_.contains(name)) {
            co_return std::optional<std::uint64_t>();
        }
        ++last_token_;
        claims_.emplace(std::move(name), claimed{last_token_, now + length.count()});
        co_return std::optional<std::uint64_t>(last_token_);
    }
    task<void> release(std::string name, std::uint64_t token) override
    {
        const auto at = claims_.find(name);
        if (at != claims_.end() && at->second.token == token) {
            claims_.erase(at);
        }
        co_return result<void>();
    }

private:
    struct claimed {
        std::uint64_t token;
        std::int64_t until;
    };

    result<void> put_now(const sealed_note& what, note_write how)
    {
        sqlite::transaction all(database_);
        if (const result<void> begun = all.begin(); !begun) {
            return begun;
        }
        if (const auto sound = is_newest_.require(what.workspace, what.sealed); !sound) {
            return sound;
        }
        {
            sqlite::execution purge(purge_);
            if (const result<void> purged = purge.number(now_micros()).run(); !purged) {
                return purged;
            }
            sqlite::execution use(how == note_write::fresh ? insert_ : put_over_);
            use.text(what.kind).text(what.id).text(what.workspace).number(what.expires_at);
            if (const result<void> put = use.blob(what.sealed).run(); !put) {
                return put;
            }
        }
        return all.commit();
    }

    // errc::not_found
    static result<sealed_note> one_of(sqlite::statement& statement, const std::string& kind,
                                      const std::string& id)
    {
        sqlite::execution use(statement);
        const result<bool> row = use.text(kind).text(id).step();
        if (!row) {
            return row.error();
        }
        if (!*row) {
            return errc::not_found;
        }
        sealed_note found = note_in(use, kind);
        // A statement that deletes has done so once it has been stepped to its end.
        if (const result<bool> ended = use.step(); !ended) {
            return ended.error();
        }
        return found;
    }

    result<std::vector<sealed_note>> list_now(const std::string& kind, const std::string& after,
                                              std::size_t limit)
    {
        std::vector<sealed_note> found;
        sqlite::execution use(list_);
        use.text(kind).text(after).number(static_cast<std::int64_t>(limit));
        for (;;) {
            const result<bool> row = use.step();
            if (!row) {
                return row.error();
            }
            if (!*row) {
                return found;
            }
            found.push_back(note_in(use, kind));
        }
    }

    static sealed_note note_in(const sqlite::execution& row, const std::string& kind)
    {
        return {kind, row.column_text(0), row.column_text(1), row.column_text(3),
                row.column_number(2)};
    }

    sqlite::database& database_;
    sqlite_newest_key is_newest_;
    sqlite::statement purge_, insert_, put_over_, read_, take_, list_;
    std::map<std::string, claimed> claims_;
    // From the clock: tokens grow beyond those of the process before.
    std::uint64_t last_token_ = static_cast<std::uint64_t>(now_micros());
};

}  // namespace

std::unique_ptr<note_store> make_sqlite_note_store(sqlite::database& database)
{
    return std::make_unique<sqlite_note_store>(database);
}

}  // namespace sallyport::vault
