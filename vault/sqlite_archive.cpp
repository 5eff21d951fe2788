#include "vault/sqlite_archive.hpp"

#include <algorithm>

#include "vault/error.hpp"
#include "vault/record_json.hpp"
#include "vault/store.hpp"

namespace sallyport::vault {
namespace {

constexpr std::size_t page_size = 256;

class sqlite_archive final : public archive {
public:
    explicit sqlite_archive(sqlite::database& database)
        : connections_(database,
                       "SELECT record, sealed, coalesce(at, 0) FROM connections"
                       " LEFT JOIN uses USING (id) WHERE id > ? ORDER BY id LIMIT 256"),
          runs_(database,
                "SELECT workspace, run, expires_at, ended_at FROM runs WHERE ended_at <> 0 AND"
                " (workspace, run) > (?, ?) ORDER BY workspace, run LIMIT 256")
    {
    }

    task<page<stored_connection>> list_connections(std::string after) override
    {
        co_return connections_now(after);
    }
    task<page<run_record>> list_ended_runs(std::string after) override
    {
        co_return runs_now(after);
    }

private:
    result<page<stored_connection>> connections_now(const std::string& after)
    {
        page<stored_connection> found;
        sqlite::execution use(connections_);
        use.text(after);
        const result<void> read = use.for_each_row([&]() -> result<void> {
            std::optional<connection> record = connection_from_json(use.column_text(0));
            if (!record) {
                return errc::corrupted;
            }
            record->last_used_at = std::max(record->last_used_at, use.column_number(2));
            found.items.push_back({std::move(*record), use.column_text(1)});
            return {};
        });
        if (!read) {
            return read.error();
        }
        if (found.items.size() == page_size) {
            found.next = found.items.back().record.id;
        }
        return found;
    }

    // `after` is WORKSPACE/RUN; neither holds a slash.
    result<page<run_record>> runs_now(const std::string& after)
    {
        const std::size_t slash = std::min(after.find('/'), after.size());
        const std::string workspace = after.substr(0, slash);
        const std::string run = slash < after.size() ? after.substr(slash + 1) : "";
        page<run_record> found;
        sqlite::execution use(runs_);
        use.text(workspace).text(run);
        const result<void> read = use.for_each_row([&] {
            found.items.push_back({use.column_text(0), use.column_text(1), "", "", 0,
                                   use.column_number(2), use.column_number(3)});
        });
        if (!read) {
            return read.error();
        }
        if (found.items.size() == page_size) {
            found.next = found.items.back().workspace + "/" + found.items.back().run;
        }
        return found;
    }

    sqlite::statement connections_;
    sqlite::statement runs_;
};

}  // namespace

std::unique_ptr<archive> make_sqlite_archive(sqlite::database& database)
{
    return std::make_unique<sqlite_archive>(database);
}

}  // namespace sallyport::vault
