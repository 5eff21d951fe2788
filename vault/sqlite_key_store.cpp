#include "vault/sqlite_key_store.hpp"

#include "base/time.hpp"
#include "vault/connection.hpp"
#include "vault/error.hpp"
#include "vault/key_place.hpp"
#include "vault/places.hpp"
#include "vault/record_json.hpp"

namespace sallyport::vault {
namespace {

constexpr std::size_t page_size = 256;

// The statements, compiled once.
struct statements {
    explicit statements(const sqlite::database& in)
        : load(in, "SELECT wrapped FROM keys WHERE workspace = ? AND generation = ?"),
          insert(in, "INSERT INTO keys VALUES (?, ?, ?)"),
          of(in,
             "SELECT workspace, generation, wrapped FROM keys WHERE workspace = ?"
             " ORDER BY generation"),
          list(in,
               "SELECT workspace, generation, wrapped FROM keys"
               " WHERE (workspace, generation) > (?, ?) ORDER BY workspace, generation LIMIT ?"),
          swap(in,
               "UPDATE keys SET wrapped = ?4 WHERE workspace = ?1 AND generation = ?2 AND"
               " wrapped = ?3"),
          drop(in, "DELETE FROM keys WHERE workspace = ? AND generation < ?"),
          bury(in, "UPDATE keys SET wrapped = x'' WHERE workspace = ?"),
          list_sealed(in,
                      "SELECT id, sealed FROM connections WHERE workspace = ?1 AND id > ?2 AND"
                      " length(sealed) > 0 UNION ALL"
                      " SELECT 'note:' || kind || ':' || id, sealed FROM notes WHERE"
                      " workspace = ?1 AND expires_at > ?3 AND"
                      " 'note:' || kind || ':' || id > ?2 ORDER BY 1 LIMIT 256"),
          list_unburied(in,
                        "SELECT id FROM connections WHERE workspace = ? AND"
                        " (live = 1 OR length(sealed) > 0) LIMIT 256"),
          load_record(in, "SELECT record, sealed FROM connections WHERE id = ?"),
          put_record(in,
                     "UPDATE connections SET live = ?2, name = ?3, version = ?4, record = ?5,"
                     " sealed = ?6 WHERE id = ?1"),
          swap_note(in,
                    "UPDATE notes SET sealed = ?3 WHERE 'note:' || kind || ':' || id = ?1 AND"
                    " sealed = ?2"),
          shred_notes(in, "DELETE FROM notes WHERE workspace = ?")
    {
    }

    sqlite::statement load, insert, of, list, swap, drop, bury;
    sqlite::statement list_sealed, list_unburied, load_record, put_record;
    sqlite::statement swap_note, shred_notes;
};

wrapped_key key_in(const sqlite::execution& row)
{
    return {row.column_text(0), static_cast<std::uint32_t>(row.column_number(1)),
            row.column_text(2)};
}

class sqlite_key_store final : public key_store {
public:
    explicit sqlite_key_store(sqlite::database& database)
        : database_(database), statements_(database)
    {
    }

    task<std::string> load(std::string workspace, std::uint32_t generation) override
    {
        co_return load_now(workspace, generation);
    }
    task<void> insert(wrapped_key fresh) override
    {
        sqlite::execution use(statements_.insert);
        co_return use.text(fresh.workspace).number(fresh.generation).blob(fresh.wrapped).run();
    }
    task<std::vector<wrapped_key>> of(std::string workspace) override
    {
        sqlite::execution use(statements_.of);
        co_return keys_in(use.text(workspace));
    }
    task<page<wrapped_key>> list(std::string after) override { co_return list_now(after); }
    task<std::vector<wrapped_key>> list_in_order(key_place after, std::size_t limit) override
    {
        co_return list_in_order_now(after, limit);
    }
    task<std::uint64_t> swap(std::vector<key_swap> swaps) override { co_return swap_now(swaps); }
    task<void> drop_below(std::string workspace, std::uint32_t generation) override
    {
        co_return scrubbed(drop_now(workspace, generation));
    }
    task<page<sealed_record>> list_sealed(std::string workspace, std::string after) override
    {
        co_return list_sealed_now(workspace, after);
    }
    task<std::uint64_t> swap_sealed(std::vector<sealed_swap> swaps) override
    {
        co_return swap_sealed_now(swaps);
    }
    task<std::uint64_t> shred(std::string workspace, std::string reason) override
    {
        co_return scrubbed(shred_now(workspace, reason));
    }

private:
    // What was deleted is gone from the tables, but older pages still stand in the log. If this
    // fails the next one does it.
    template <class T>
    result<T> scrubbed(result<T> done)
    {
        if (done) {
            (void)database_.execute("PRAGMA wal_checkpoint(TRUNCATE)");
        }
        return done;
    }

    static result<std::vector<wrapped_key>> keys_in(sqlite::execution& use)
    {
        std::vector<wrapped_key> found;
        const result<void> read = use.for_each_row([&] { found.push_back(key_in(use)); });
        if (!read) {
            return read.error();
        }
        return found;
    }

    result<std::string> load_now(const std::string& workspace, std::uint32_t generation)
    {
        sqlite::execution use(statements_.load);
        const result<bool> row = use.text(workspace).number(generation).step();
        if (!row) {
            return row.error();
        }
        std::string wrapped = *row ? use.column_text(0) : std::string();
        if (wrapped.empty()) {
            return errc::not_found;
        }
        return wrapped;
    }

    result<page<wrapped_key>> list_now(const std::string& after)
    {
        const std::optional<key_place> place = read_key_place(after);
        if (!place) {
            return errc::invalid_id;
        }
        result<std::vector<wrapped_key>> keys = list_in_order_now(*place, page_size);
        if (!keys) {
            return keys.error();
        }
        page<wrapped_key> found{std::move(*keys), ""};
        if (found.items.size() == page_size) {
            found.next = to_text(place_of(found.items.back()));
        }
        return found;
    }

    result<std::vector<wrapped_key>> list_in_order_now(const key_place& after, std::size_t limit)
    {
        sqlite::execution use(statements_.list);
        use.text(after.workspace).number(after.generation);
        return keys_in(use.number(static_cast<std::int64_t>(limit)));
    }

    result<std::uint64_t> swap_now(const std::vector<key_swap>& swaps)
    {
        sqlite::transaction all(database_);
        if (const result<void> begun = all.begin(); !begun) {
            return begun.error();
        }
        std::uint64_t done = 0;
        for (const key_swap& one : swaps) {
            sqlite::execution use(statements_.swap);
            use.text(one.before.workspace).number(one.before.generation);
            if (const auto ran = use.blob(one.before.wrapped).blob(one.after).run(); !ran) {
                return ran.error();
            }
            done += static_cast<std::uint64_t>(sqlite3_changes(database_.get()));
        }
        if (const result<void> committed = all.commit(); !committed) {
            return committed.error();
        }
        return done;
    }

    result<void> drop_now(const std::string& workspace, std::uint32_t generation)
    {
        sqlite::execution use(statements_.drop);
        return use.text(workspace).number(generation).run();
    }

    result<page<sealed_record>> list_sealed_now(const std::string& workspace,
                                                const std::string& after)
    {
        page<sealed_record> found;
        sqlite::execution use(statements_.list_sealed);
        use.text(workspace).text(after).number(now_micros());
        const result<void> read = use.for_each_row([&] {
            found.items.push_back({use.column_text(0), use.column_text(1)});
        });
        if (!read) {
            return read.error();
        }
        if (found.items.size() == page_size) {
            found.next = found.items.back().id;
        }
        return found;
    }

    result<std::uint64_t> swap_sealed_now(const std::vector<sealed_swap>& swaps)
    {
        sqlite::transaction all(database_);
        if (const result<void> begun = all.begin(); !begun) {
            return begun.error();
        }
        std::uint64_t done = 0;
        for (const sealed_swap& one : swaps) {
            const result<std::uint64_t> swapped =
                one.before.id.starts_with(note_prefix) ? swap_note_now(one) : swap_record_now(one);
            if (!swapped) {
                return swapped.error();
            }
            done += *swapped;
        }
        if (const result<void> committed = all.commit(); !committed) {
            return committed.error();
        }
        return done;
    }

    result<std::uint64_t> swap_note_now(const sealed_swap& one)
    {
        sqlite::execution use(statements_.swap_note);
        const result<void> ran =
            use.text(one.before.id).blob(one.before.sealed).blob(one.after).run();
        if (!ran) {
            return ran.error();
        }
        return static_cast<std::uint64_t>(sqlite3_changes(database_.get()));
    }

    result<std::uint64_t> swap_record_now(const sealed_swap& one)
    {
        std::optional<connection> record;
        const result<bool> same = read_record(one.before.id, record, &one.before.sealed);
        if (!same) {
            return same.error();
        }
        if (!*same) {
            return std::uint64_t{0};
        }
        ++record->version;
        if (const result<void> put = put_record(*record, one.after); !put) {
            return put.error();
        }
        return std::uint64_t{1};
    }

    // False: there is no such record, or another text than `sealed` in it.
    result<bool> read_record(const std::string& id, std::optional<connection>& record,
                             const std::string* sealed)
    {
        sqlite::execution use(statements_.load_record);
        const result<bool> row = use.text(id).step();
        if (!row) {
            return {boost::system::in_place_error, row.error()};
        }
        if (!*row || (sealed != nullptr && use.column_text(1) != *sealed)) {
            return false;
        }
        record = connection_from_json(use.column_text(0));
        if (!record || record->id != id) {
            return {boost::system::in_place_error, errc::corrupted};
        }
        return true;
    }

    result<void> put_record(const connection& record, const std::string& sealed)
    {
        const std::string json = to_json(record);
        sqlite::execution use(statements_.put_record);
        use.text(record.id).number(record.status == status::revoked ? 0 : 1).text(record.name);
        return use.number(static_cast<std::int64_t>(record.version)).text(json).blob(sealed).run();
    }

    result<std::uint64_t> shred_now(const std::string& workspace, const std::string& reason)
    {
        sqlite::transaction all(database_);
        if (const result<void> begun = all.begin(); !begun) {
            return begun.error();
        }
        if (const result<void> buried = bury_keys(workspace); !buried) {
            return buried.error();
        }
        sqlite::execution notes(statements_.shred_notes);
        if (const result<void> gone = notes.text(workspace).run(); !gone) {
            return gone.error();
        }
        std::uint64_t done = 0;
        for (;;) {
            const result<std::vector<std::string>> ids = unburied(workspace);
            if (!ids) {
                return ids.error();
            }
            if (ids->empty()) {
                break;
            }
            for (const std::string& id : *ids) {
                if (const result<void> made = bury_record(id, reason); !made) {
                    return made.error();
                }
                ++done;
            }
        }
        if (const result<void> committed = all.commit(); !committed) {
            return committed.error();
        }
        return done;
    }

    // Leaves the newest generation as an empty one.
    result<void> bury_keys(const std::string& workspace)
    {
        sqlite::execution find(statements_.of);
        const result<std::vector<wrapped_key>> keys = keys_in(find.text(workspace));
        if (!keys) {
            return keys.error();
        }
        if (keys->empty()) {
            return {};
        }
        if (const auto dropped = drop_now(workspace, keys->back().generation); !dropped) {
            return dropped;
        }
        sqlite::execution bury(statements_.bury);
        return bury.text(workspace).run();
    }

    result<std::vector<std::string>> unburied(const std::string& workspace)
    {
        std::vector<std::string> ids;
        sqlite::execution use(statements_.list_unburied);
        use.text(workspace);
        const result<void> read = use.for_each_row([&] { ids.push_back(use.column_text(0)); });
        if (!read) {
            return read.error();
        }
        return ids;
    }

    result<void> bury_record(const std::string& id, const std::string& reason)
    {
        std::optional<connection> record;
        const result<bool> found = read_record(id, record, nullptr);
        if (!found) {
            return found.error();
        }
        if (!*found) {
            return errc::corrupted;
        }
        make_tombstone(*record, reason, now_micros());
        return put_record(*record, "");
    }

    sqlite::database& database_;
    statements statements_;
};

}  // namespace

std::unique_ptr<key_store> make_sqlite_key_store(sqlite::database& database)
{
    return std::make_unique<sqlite_key_store>(database);
}

}  // namespace sallyport::vault
