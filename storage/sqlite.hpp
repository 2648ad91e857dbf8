#pragma once

// The little of SQLite that the store needs, with owners for its handles. The
// only header here that knows <sqlite3.h>.

#include "messages/enums.hpp"
#include "messages/ids.hpp"
#include "messages/values.hpp"

#include <sqlite3.h>

#include <concepts>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace leasehold::sqlite {

/// SQLite refused. Leaves this folder as a `failure`, never as an exception.
class error : public std::runtime_error {
public:
  error(int code, const std::string& what);

  /// One of SQLite's primary result codes, such as `SQLITE_FULL`.
  [[nodiscard]] int code() const noexcept {
    return code_ & 0xff;
  }

  /// The same in detail, such as `SQLITE_CONSTRAINT_FOREIGNKEY`.
  [[nodiscard]] int extended_code() const noexcept {
    return code_;
  }

private:
  int code_;
};

/// One connection; used by one thread at a time.
class connection {
public:
  /// Opens or creates the file at `path`, or the database of this name in
  /// memory. Throws `error`.
  connection(const std::string& path, milliseconds busy_timeout,
             bool in_memory = false);

  ~connection();

  connection(const connection&) = delete;
  connection& operator=(const connection&) = delete;

  /// Runs statements that take nothing and answer nothing.
  void execute(const std::string& sql);

  /// The number that a one-row statement answers, such as a `PRAGMA`.
  int64_t number(const std::string& sql);

  /// Rolls back, if there is anything to roll back. Never throws.
  void roll_back() noexcept;

  [[nodiscard]] bool read_only() const noexcept;

  [[nodiscard]] sqlite3* get() const noexcept {
    return db_;
  }

private:
  sqlite3* db_ = nullptr;
};

/// The answer of a statement, row by row. The statement is free again when
/// this is gone.
class rows {
public:
  explicit rows(sqlite3_stmt* stmt) : stmt_{stmt} {
    // nop
  }

  ~rows() {
    sqlite3_reset(stmt_);
  }

  rows(const rows&) = delete;
  rows& operator=(const rows&) = delete;

  /// Goes to the next row, if there is one.
  bool next();

  /// Takes the columns of this row, in order. What is null in the database
  /// leaves its variable as it is.
  template <class... Ts>
  void read(Ts&... xs) const {
    int column = 0;
    (take(column++, xs), ...);
  }

  /// Complains about what the database holds. Throws `error`.
  [[noreturn]] static void corrupt(const std::string& what);

private:
  [[nodiscard]] bool null(int column) const;
  [[nodiscard]] int64_t integer(int column) const;
  [[nodiscard]] std::string_view text(int column) const;

  /// Complains about a text that no value of its enum has as a name.
  [[noreturn]] void reject(int column) const;

  void take(int column, std::string& x) const {
    x = text(column);
  }

  template <std::integral T>
  void take(int column, T& x) const {
    if (!null(column))
      x = static_cast<T>(integer(column));
  }

  void take(int column, timestamp& x) const {
    take(column, x.ms);
  }

  void take(int column, std::optional<timestamp>& x) const {
    if (!null(column))
      x = timestamp{integer(column)};
  }

  void take(int column, json_text& x) const {
    if (!null(column))
      x.text = text(column);
  }

  template <class Tag>
  void take(int column, id<Tag>& x) const {
    x.value = text(column);
  }

  template <named_enum Enum>
  void take(int column, Enum& x) const {
    if (!null(column) && !from_string(text(column), x))
      reject(column);
  }

  sqlite3_stmt* stmt_;
};

/// A statement that is prepared at its first use: many are there for what
/// happens rarely.
class statement {
public:
  statement(connection& db, std::string sql);

  ~statement() {
    sqlite3_finalize(stmt_);
  }

  statement(statement&& other) noexcept;
  statement(const statement&) = delete;
  statement& operator=(const statement&) = delete;

  /// Runs it with a value for each of its parameters; returns how many rows
  /// it changed. Throws `error`, and has changed nothing then.
  template <class... Ts>
  int64_t run(const Ts&... xs) {
    bind_all(xs...);
    return finish();
  }

  /// Asks it with a value for each of its parameters, which must outlive the
  /// answer.
  template <class... Ts>
  rows ask(const Ts&... xs) {
    bind_all(xs...);
    return rows{prepared()};
  }

  /// Binds the values from the first parameter on.
  template <class... Ts>
  void bind_all(const Ts&... xs) {
    int index = 0;
    (bind(++index, xs), ...);
    expect_parameters(index);
  }

  // Texts are not copied: they must stay until the statement is done. Empty
  // ids are bound as null.

  void bind(int index, std::string_view x);
  void bind(int index, int64_t x);
  void bind(int index, std::nullopt_t);

  template <class T>
  void bind(int index, const std::optional<T>& x) {
    x ? bind(index, *x) : bind(index, std::nullopt);
  }

  void bind(int index, const std::string& x) {
    bind(index, std::string_view{x});
  }

  void bind(int index, timestamp x) {
    bind(index, x.ms);
  }

  void bind(int index, const json_text& x) {
    bind(index, std::string_view{x.text});
  }

  template <std::integral T>
  void bind(int index, T x) {
    bind(index, static_cast<int64_t>(x));
  }

  template <class Tag>
  void bind(int index, const id<Tag>& x) {
    x.empty() ? bind(index, std::nullopt)
              : bind(index, std::string_view{x.value});
  }

  template <named_enum Enum>
  void bind(int index, Enum x) {
    bind(index, name_of(x));
  }

private:
  int64_t finish();
  void expect_parameters(int count);

  /// Throws `error`.
  sqlite3_stmt* prepared() {
    if (!stmt_)
      prepare();
    return stmt_;
  }

  void prepare();

  sqlite3* db_;
  std::string sql_;
  sqlite3_stmt* stmt_ = nullptr;
};

/// Undoes what happened since it was made, unless somebody says `keep`.
class savepoint {
public:
  explicit savepoint(connection& db);
  ~savepoint();

  savepoint(const savepoint&) = delete;
  savepoint& operator=(const savepoint&) = delete;

  void keep();

private:
  connection& db_;
  bool kept_ = false;
};

} // namespace leasehold::sqlite
