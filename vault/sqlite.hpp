// The little of SQLite the vault needs: a database and its prepared statements, as owners.
//
// Threading: one thread. Failure: an error_code of the vault; see to_error.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>

#include "base/result.hpp"

namespace sallyport::vault::sqlite {

// SQLITE_BUSY: errc::locked. A damaged or foreign file: corrupted. A broken rule of uniqueness:
// already_exists. All else (disk full, I/O error): unavailable.
error_code to_error(int code) noexcept;

class database {
public:
    // The file must exist.
    static result<database> open(const std::string& path);
    // One or more statements without results.
    result<void> execute(const char* sql);
    // The first column of the first row as a number.
    result<std::int64_t> number(const char* sql);
    sqlite3* get() const noexcept { return handle_.get(); }

private:
    struct closer {
        void operator()(sqlite3* handle) const noexcept { sqlite3_close_v2(handle); }
    };
    std::unique_ptr<sqlite3, closer> handle_;
};

// Bound, stepped, and reset by `execution` below. Throws boost::system::system_error if it does not
// compile: that is a foreign schema, found at start.
class statement {
public:
    statement(const database& in, const char* sql);
    sqlite3_stmt* get() const noexcept { return handle_.get(); }

private:
    struct finalizer {
        void operator()(sqlite3_stmt* handle) const noexcept { sqlite3_finalize(handle); }
    };
    std::unique_ptr<sqlite3_stmt, finalizer> handle_;
};

// One use of a statement. Texts are bound without a copy: they live until the execution ends. All
// texts are bound as blobs where `blob` says so, else as UTF-8.
class execution {
public:
    explicit execution(statement& of) noexcept : statement_(of.get()) {}
    ~execution();
    execution(const execution&) = delete;
    execution& operator=(const execution&) = delete;

    execution& text(std::string_view value);
    execution& blob(std::string_view value);
    execution& number(std::int64_t value);

    // True: there is a row. False: there is none, or no more.
    result<bool> step();
    // Steps a statement that has no rows.
    result<void> run();
    // Calls `each` for every row that is left. It answers nothing, or a result<void> whose error
    // ends that.
    template <class Each>
    result<void> for_each_row(Each&& each);

    std::string column_text(int column) const;
    std::int64_t column_number(int column) const noexcept;

private:
    sqlite3_stmt* statement_;
    int bound_ = 0;
};

template <class Each>
result<void> execution::for_each_row(Each&& each)
{
    for (;;) {
        const result<bool> row = step();
        if (!row) {
            return row.error();
        }
        if (!*row) {
            return {};
        }
        if constexpr (std::is_void_v<decltype(each())>) {
            each();
        } else if (const result<void> taken = each(); !taken) {
            return taken;
        }
    }
}

// Rolls back unless committed.
class transaction {
public:
    explicit transaction(database& in) : database_(in) {}
    ~transaction();
    transaction(const transaction&) = delete;
    transaction& operator=(const transaction&) = delete;

    result<void> begin();
    result<void> commit();

private:
    database& database_;
    bool open_ = false;
};

}  // namespace sallyport::vault::sqlite
