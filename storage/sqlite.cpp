// Handles of SQLite: connections, statements, and the rows they answer with.

#include "storage/sqlite.hpp"

#include <cassert>
#include <utility>

namespace leasehold::sqlite {

namespace {

[[noreturn]] void fail(sqlite3* db, int code) {
  throw error{code, db ? sqlite3_errmsg(db) : sqlite3_errstr(code)};
}

} // namespace

error::error(int code, const std::string& what)
  : std::runtime_error{what}, code_{code} {
  // nop
}

// -- connection ---------------------------------------------------------------

connection::connection(const std::string& path, milliseconds busy_timeout,
                       bool in_memory) {
  auto flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
  auto name = path;
  if (in_memory) {
    flags |= SQLITE_OPEN_URI;
    name = "file:" + path + "?mode=memory&cache=shared";
  }
  auto rc = sqlite3_open_v2(name.c_str(), &db_, flags, nullptr);
  if (rc != SQLITE_OK) {
    error why{rc, db_ ? sqlite3_errmsg(db_) : sqlite3_errstr(rc)};
    sqlite3_close(db_);
    throw why;
  }
  sqlite3_extended_result_codes(db_, 1);
  sqlite3_busy_timeout(db_, static_cast<int>(busy_timeout.count()));
}

connection::~connection() {
  sqlite3_close(db_);
}

void connection::execute(const std::string& sql) {
  auto rc = sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, nullptr);
  if (rc != SQLITE_OK)
    fail(db_, rc);
}

int64_t connection::number(const std::string& sql) {
  statement question{*this, sql};
  auto answer = question.ask();
  int64_t x = 0;
  if (answer.next())
    answer.read(x);
  return x;
}

void connection::roll_back() noexcept {
  // Some errors have rolled back already. If this fails, the next BEGIN says
  // so.
  if (sqlite3_get_autocommit(db_) == 0)
    sqlite3_exec(db_, "ROLLBACK", nullptr, nullptr, nullptr);
}

bool connection::read_only() const noexcept {
  return sqlite3_db_readonly(db_, "main") == 1;
}

// -- statement ----------------------------------------------------------------

statement::statement(connection& db, std::string sql)
  : db_{db.get()}, sql_{std::move(sql)} {
  // nop
}

statement::statement(statement&& other) noexcept
  : db_{other.db_}, sql_{std::move(other.sql_)}, stmt_{std::exchange(
                                                   other.stmt_, nullptr)} {
  // nop
}

void statement::prepare() {
  auto rc = sqlite3_prepare_v3(db_, sql_.data(), static_cast<int>(sql_.size()),
                               SQLITE_PREPARE_PERSISTENT, &stmt_, nullptr);
  if (rc != SQLITE_OK)
    fail(db_, rc);
}

void statement::bind(int index, std::string_view x) {
  // An empty view may hold a null pointer, which SQLite takes for null.
  auto* text = x.empty() ? "" : x.data();
  sqlite3_bind_text(prepared(), index, text, static_cast<int>(x.size()),
                    SQLITE_STATIC);
}

void statement::bind(int index, int64_t x) {
  sqlite3_bind_int64(prepared(), index, x);
}

void statement::bind(int index, std::nullopt_t) {
  sqlite3_bind_null(prepared(), index);
}

void statement::expect_parameters([[maybe_unused]] int count) {
  assert(sqlite3_bind_parameter_count(prepared()) == count);
}

int64_t statement::finish() {
  auto rc = sqlite3_step(prepared());
  if (rc != SQLITE_DONE) {
    error why{rc, sqlite3_errmsg(db_)};
    sqlite3_reset(stmt_);
    throw why;
  }
  auto changed = sqlite3_changes(db_);
  sqlite3_reset(stmt_);
  return changed;
}

// -- rows ---------------------------------------------------------------------

bool rows::next() {
  auto rc = sqlite3_step(stmt_);
  if (rc != SQLITE_ROW && rc != SQLITE_DONE)
    fail(sqlite3_db_handle(stmt_), rc);
  return rc == SQLITE_ROW;
}

bool rows::null(int column) const {
  return sqlite3_column_type(stmt_, column) == SQLITE_NULL;
}

int64_t rows::integer(int column) const {
  return sqlite3_column_int64(stmt_, column);
}

std::string_view rows::text(int column) const {
  auto* data = sqlite3_column_text(stmt_, column);
  if (data == nullptr)
    return {};
  auto size = sqlite3_column_bytes(stmt_, column);
  return {reinterpret_cast<const char*>(data), static_cast<size_t>(size)};
}

void rows::reject(int column) const {
  auto what = std::string{"Unexpected value in column "}
              + sqlite3_column_name(stmt_, column) + ": ";
  what += text(column);
  corrupt(what + ".");
}

void rows::corrupt(const std::string& what) {
  throw error{SQLITE_CORRUPT, what};
}

// -- savepoint ----------------------------------------------------------------

savepoint::savepoint(connection& db) : db_{db} {
  db_.execute("SAVEPOINT command");
}

savepoint::~savepoint() {
  // If SQLite has rolled everything back by itself, there is no savepoint.
  if (!kept_)
    sqlite3_exec(db_.get(), "ROLLBACK TO command; RELEASE command", nullptr,
                 nullptr, nullptr);
}

void savepoint::keep() {
  db_.execute("RELEASE command");
  kept_ = true;
}

} // namespace leasehold::sqlite
