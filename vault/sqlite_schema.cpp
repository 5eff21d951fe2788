#include "vault/sqlite_schema.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <iterator>

#include "vault/error.hpp"

namespace sallyport::vault {
namespace {

constexpr std::int64_t application_id = 0x53504c59;  // "SPLY": what file(1) and we know it by
constexpr std::int64_t schema_version = 3;

// The tables as version 1 had them; what later versions added follows.
constexpr const char* schema = R"(
BEGIN IMMEDIATE;
CREATE TABLE connections (
    id TEXT PRIMARY KEY, workspace TEXT NOT NULL, user TEXT NOT NULL, provider TEXT NOT NULL,
    name TEXT NOT NULL, live INTEGER NOT NULL, version INTEGER NOT NULL,
    record TEXT NOT NULL, sealed BLOB NOT NULL) WITHOUT ROWID;
CREATE UNIQUE INDEX connection_names ON connections (workspace, user, provider, name)
    WHERE live AND name <> '';
CREATE INDEX connection_owners ON connections (workspace, user);
CREATE TABLE keys (
    workspace TEXT NOT NULL, generation INTEGER NOT NULL, wrapped BLOB NOT NULL,
    PRIMARY KEY (workspace, generation)) WITHOUT ROWID;
CREATE TABLE runs (
    workspace TEXT NOT NULL, run TEXT NOT NULL, user TEXT NOT NULL, app TEXT NOT NULL,
    started_at INTEGER NOT NULL, expires_at INTEGER NOT NULL, ended_at INTEGER NOT NULL,
    PRIMARY KEY (workspace, run)) WITHOUT ROWID;
CREATE INDEX run_ends ON runs (expires_at);
PRAGMA application_id = 1397771353;
PRAGMA user_version = 1;
COMMIT;
)";

// A program that does not know of notes would drop the keys they are sealed under.
constexpr const char* upgrade_to_2 = R"(
BEGIN IMMEDIATE;
CREATE TABLE notes (
    kind TEXT NOT NULL, id TEXT NOT NULL, workspace TEXT NOT NULL, expires_at INTEGER NOT NULL,
    sealed BLOB NOT NULL, PRIMARY KEY (kind, id)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS connection_workspaces ON connections (workspace, id);
CREATE INDEX note_ends ON notes (expires_at);
CREATE INDEX note_workspaces ON notes (workspace, kind, id);
PRAGMA user_version = 2;
COMMIT;
)";

// When connections were last used, apart from their records: what changes often stays small.
constexpr const char* upgrade_to_3 = R"(
BEGIN IMMEDIATE;
CREATE TABLE uses (id TEXT PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID;
CREATE TRIGGER connection_gone AFTER DELETE ON connections BEGIN
    DELETE FROM uses WHERE id = OLD.id;
END;
PRAGMA user_version = 3;
COMMIT;
)";

// From each version to the next.
constexpr const char* upgrades[] = {schema, upgrade_to_2, upgrade_to_3};
static_assert(std::size(upgrades) == schema_version);

// What only makes questions faster, which no program needs to know of.
constexpr const char* indexes = R"(
CREATE INDEX IF NOT EXISTS connection_users ON connections (user, id);
)";

[[noreturn]] void refuse(const std::string& path, const char* why, error_code code)
{
    throw boost::system::system_error(code, "vault " + path + ": " + why);
}

void require(const std::string& path, const result<void>& done)
{
    if (!done) {
        refuse(path, "it cannot be opened", done.error());
    }
}

// SQLite would create the file readable by others. Its log takes the file's mode.
void create_file(const std::string& path)
{
    const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600);
    if (file < 0) {
        refuse(path, std::strerror(errno), errc::unavailable);
    }
    struct stat about {};
    const bool usable = ::fstat(file, &about) == 0 && S_ISREG(about.st_mode) &&
                        ::fchmod(file, S_IRUSR | S_IWUSR) == 0;
    ::close(file);
    if (!usable) {
        refuse(path, "it is not a regular file of ours", errc::misconfigured);
    }
    if (about.st_nlink > 1) {
        // The log stands beside the name the file was opened by.
        refuse(path, "it has a second name (a hard link), whose log would be another",
               errc::misconfigured);
    }
}

}  // namespace

sqlite::database sqlite::open_vault(const std::string& path)
{
    create_file(path);
    result<sqlite::database> opened = sqlite::database::open(path);
    if (!opened) {
        refuse(path, "it cannot be opened", opened.error());
    }
    // Exclusive before the log is touched: then the log's index stays in our memory and the first
    // read takes a lock that is kept until the end.
    require(path, opened->execute("PRAGMA locking_mode = EXCLUSIVE; PRAGMA trusted_schema = OFF;"));
    const result<std::int64_t> kind = opened->number("PRAGMA application_id");
    const result<std::int64_t> version = opened->number("PRAGMA user_version");
    const result<std::int64_t> tables = opened->number("SELECT count(*) FROM sqlite_schema");
    if (!kind || !version || !tables) {
        refuse(path, "it cannot be read", kind ? errc::corrupted : kind.error());
    }
    const bool fresh = *kind == 0 && *version == 0 && *tables == 0;
    if (!fresh && *kind != application_id) {
        refuse(path, "it is a database, but not a vault", errc::misconfigured);
    }
    if (!fresh && (*version < 1 || *version > schema_version)) {
        refuse(path, "its tables are of another version of this program", errc::misconfigured);
    }
    require(path, opened->execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
                                  "PRAGMA secure_delete = ON; PRAGMA cell_size_check = ON;"));
    for (auto at = static_cast<std::size_t>(*version); at < std::size(upgrades); ++at) {
        require(path, opened->execute(upgrades[at]));
    }
    require(path, opened->execute(indexes));
    // Takes the write lock, which exclusive mode keeps.
    require(path, opened->execute("BEGIN IMMEDIATE; COMMIT;"));
    return std::move(*opened);
}

}  // namespace sallyport::vault
