#include "vault/sqlite.hpp"

#include "vault/error.hpp"

namespace sallyport::vault::sqlite {

error_code to_error(int code) noexcept
{
    switch (code & 0xff) {
        case SQLITE_OK:
        case SQLITE_ROW:
        case SQLITE_DONE: return {};
        case SQLITE_BUSY:
        case SQLITE_LOCKED: return errc::locked;
        case SQLITE_CONSTRAINT: return errc::already_exists;
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB: return errc::corrupted;
        default: return errc::unavailable;
    }
}

result<database> database::open(const std::string& path)
{
    sqlite3* handle = nullptr;
    const int code = sqlite3_open_v2(path.c_str(), &handle,
                                     SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr);
    database opened;
    opened.handle_.reset(handle);  // There is a handle to close even after a failure.
    if (code != SQLITE_OK) {
        return to_error(code);
    }
    return opened;
}

result<void> database::execute(const char* sql)
{
    const error_code error = to_error(sqlite3_exec(get(), sql, nullptr, nullptr, nullptr));
    if (error) {
        return error;
    }
    return {};
}

result<std::int64_t> database::number(const char* sql)
{
    sqlite3_stmt* handle = nullptr;
    int code = sqlite3_prepare_v2(get(), sql, -1, &handle, nullptr);
    std::int64_t value = 0;
    if (code == SQLITE_OK) {
        code = sqlite3_step(handle);
        value = code == SQLITE_ROW ? sqlite3_column_int64(handle, 0) : 0;
    }
    sqlite3_finalize(handle);
    const error_code error = to_error(code);
    if (error) {
        return error;
    }
    return value;
}

statement::statement(const database& in, const char* sql)
{
    sqlite3_stmt* handle = nullptr;
    const int code =
        sqlite3_prepare_v3(in.get(), sql, -1, SQLITE_PREPARE_PERSISTENT, &handle, nullptr);
    handle_.reset(handle);
    if (code != SQLITE_OK) {
        throw boost::system::system_error(to_error(code), "the vault's tables are not as expected");
    }
}

execution::~execution()
{
    sqlite3_reset(statement_);
    sqlite3_clear_bindings(statement_);
}

execution& execution::text(std::string_view value)
{
    sqlite3_bind_text64(statement_, ++bound_, value.data(), value.size(), SQLITE_STATIC,
                        SQLITE_UTF8);
    return *this;
}

execution& execution::blob(std::string_view value)
{
    sqlite3_bind_blob64(statement_, ++bound_, value.data(), value.size(), SQLITE_STATIC);
    return *this;
}

execution& execution::number(std::int64_t value)
{
    sqlite3_bind_int64(statement_, ++bound_, value);
    return *this;
}

result<bool> execution::step()
{
    const int code = sqlite3_step(statement_);
    const error_code error = to_error(code);
    if (error) {
        return {boost::system::in_place_error, error};
    }
    return code == SQLITE_ROW;
}

result<void> execution::run()
{
    const result<bool> stepped = step();
    if (!stepped) {
        return stepped.error();
    }
    return {};
}

std::string execution::column_text(int column) const
{
    const void* bytes = sqlite3_column_blob(statement_, column);
    const int size = sqlite3_column_bytes(statement_, column);
    return bytes == nullptr
               ? std::string()
               : std::string(static_cast<const char*>(bytes), static_cast<std::size_t>(size));
}

std::int64_t execution::column_number(int column) const noexcept
{
    return sqlite3_column_int64(statement_, column);
}

transaction::~transaction()
{
    if (open_) {
        (void)database_.execute("ROLLBACK");
    }
}

result<void> transaction::begin()
{
    const result<void> begun = database_.execute("BEGIN IMMEDIATE");
    open_ = begun.has_value();
    return begun;
}

result<void> transaction::commit()
{
    const result<void> committed = database_.execute("COMMIT");
    open_ = !committed.has_value();
    return committed;
}

}  // namespace sallyport::vault::sqlite
