#pragma once

// The little of PostgreSQL that the store needs. Only postgres.cpp behind it
// knows libpqxx.

#include "messages/enums.hpp"
#include "messages/ids.hpp"
#include "messages/values.hpp"

#include <concepts>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace leasehold::postgres {

/// PostgreSQL refused, or the connection is lost. Leaves this folder as a
/// `failure`, never as an exception.
class error : public std::runtime_error {
public:
  error(std::string state, bool lost, const std::string& what);

  /// The SQLSTATE; empty if the server did not say why.
  [[nodiscard]] const std::string& state() const noexcept {
    return state_;
  }

  /// Whether the connection has ended, so that nobody knows what became of the
  /// last statement.
  [[nodiscard]] bool lost() const noexcept {
    return lost_;
  }

  /// Whether a constraint refused one row: the statement may be tried without.
  [[nodiscard]] bool refused_row() const noexcept {
    return !lost_ && state_.starts_with("23");
  }

private:
  std::string state_;
  bool lost_;
};

inline constexpr const char* foreign_key_violation = "23503";
inline constexpr const char* unique_violation = "23505";
inline constexpr const char* read_only = "25006";
inline constexpr const char* data_corrupted = "XX001";

/// What a parameter or an element of an array is, as PostgreSQL reads it.
/// Empty ids are null.
using value = std::optional<std::string>;

inline value to_value(std::nullopt_t) {
  return std::nullopt;
}

inline value to_value(std::string_view x) {
  return std::string{x};
}

inline value to_value(const char* x) {
  return std::string{x};
}

inline value to_value(const std::string& x) {
  return x;
}

inline value to_value(bool x) {
  return x ? "t" : "f";
}

template <std::integral T>
value to_value(T x) {
  return std::to_string(x);
}

inline value to_value(timestamp x) {
  return std::to_string(x.ms);
}

inline value to_value(const json_text& x) {
  return x.text;
}

template <class Tag>
value to_value(const id<Tag>& x) {
  return x.empty() ? value{} : value{x.value};
}

template <named_enum Enum>
value to_value(Enum x) {
  return std::string{name_of(x)};
}

template <class T>
value to_value(const std::optional<T>& x) {
  return x ? to_value(*x) : value{};
}

/// The parameters of a statement, in order.
class parameters {
public:
  template <class... Ts>
  explicit parameters(const Ts&... xs) {
    (add(xs), ...);
  }

  template <class T>
  void add(const T& x) {
    values_.push_back(to_value(x));
  }

  [[nodiscard]] const std::vector<value>& values() const noexcept {
    return values_;
  }

private:
  std::vector<value> values_;
};

/// An array in the making, as text that PostgreSQL reads.
class array {
public:
  template <class T>
  void add(const T& x) {
    append(to_value(x));
  }

  /// The array as one value.
  [[nodiscard]] std::string text() const {
    return text_ + "}";
  }

private:
  void append(const value& x);

  std::string text_ = "{";
};

/// Rows of values for `unnest`: one array per column.
class table {
public:
  explicit table(size_t columns) : columns_(columns) {
    // nop
  }

  template <class... Ts>
  void add(const Ts&... xs) {
    size_t column = 0;
    (columns_.at(column++).add(xs), ...);
    ++size_;
  }

  /// How many rows it has.
  [[nodiscard]] size_t size() const {
    return size_;
  }

  void append_to(parameters& out) const {
    for (const auto& column : columns_)
      out.add(column.text());
  }

private:
  std::vector<array> columns_;
  size_t size_ = 0;
};

/// The answer of a statement, row by row.
class rows {
public:
  struct content;

  explicit rows(std::shared_ptr<const content> what);

  /// Goes to the next row, if there is one.
  bool next();

  [[nodiscard]] size_t size() const;

  /// How many rows the statement changed.
  [[nodiscard]] size_t changed() const;

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

  void take(int column, bool& x) const {
    if (!null(column))
      x = text(column) == "t";
  }

  template <std::integral T>
  void take(int column, T& x) const {
    if (!null(column))
      x = static_cast<T>(integer(column));
  }

  void take(int column, timestamp& x) const {
    take(column, x.ms);
  }

  template <class T>
  void take(int column, std::optional<T>& x) const {
    if (!null(column))
      take(column, x.emplace());
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

  std::shared_ptr<const content> content_;
  int64_t row_ = -1;
};

/// One session; used by one thread at a time. Once it is lost it stays lost:
/// nothing is ever repeated on a new one behind the caller's back.
class connection {
public:
  /// Connects. Throws `error`.
  explicit connection(const std::string& conninfo);

  ~connection();

  connection(const connection&) = delete;
  connection& operator=(const connection&) = delete;

  /// Runs statements without parameters; answers as the last of them.
  rows run(const std::string& sql);

  /// Runs a statement that is prepared at its first use.
  rows run(const std::string& sql, const parameters& with);

  /// The number that a one-row statement answers.
  int64_t number(const std::string& sql);

  /// Rolls back, if there is anything to roll back. Never throws.
  void roll_back() noexcept;

  /// Reads what the server said on its own. Throws `error` if it left.
  void listen();

  [[nodiscard]] bool lost() const noexcept;

  /// The file descriptor that can be read when the server says something.
  [[nodiscard]] int socket() const;

private:
  struct impl;
  std::unique_ptr<impl> impl_;
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

} // namespace leasehold::postgres
