// Sessions of PostgreSQL, statements, and the rows they answer with: the only
// file that knows libpqxx.

#include "storage/postgres.hpp"

#include <poll.h>
#include <pqxx/pqxx>

#include <charconv>
#include <unordered_map>
#include <utility>

namespace leasehold::postgres {

error::error(std::string state, bool lost, const std::string& what)
  : std::runtime_error{what}, state_{std::move(state)}, lost_{lost} {
  // nop
}

namespace {

/// What the server said, without the line break at its end.
std::string trimmed(std::string x) {
  while (!x.empty() && (x.back() == '\n' || x.back() == ' '))
    x.pop_back();
  return x;
}

/// The SQLSTATE that an exception of the library stands for. Version 6 does not
/// carry it in all of them.
std::string state_of(const std::exception& e) {
  if (auto* known = dynamic_cast<const pqxx::sql_error*>(&e))
    if (auto state = known->sqlstate(); !state.empty())
      return state;
  auto is
    = [&]<class T>(const T*) { return dynamic_cast<const T*>(&e) != nullptr; };
  if (is(static_cast<pqxx::deadlock_detected*>(nullptr)))
    return "40P01";
  if (is(static_cast<pqxx::statement_completion_unknown*>(nullptr)))
    return "40003";
  if (is(static_cast<pqxx::transaction_rollback*>(nullptr)))
    return "40001";
  if (is(static_cast<pqxx::unique_violation*>(nullptr)))
    return unique_violation;
  if (is(static_cast<pqxx::foreign_key_violation*>(nullptr)))
    return foreign_key_violation;
  if (is(static_cast<pqxx::integrity_constraint_violation*>(nullptr)))
    return "23000";
  if (is(static_cast<pqxx::insufficient_privilege*>(nullptr)))
    return "42501";
  if (is(static_cast<pqxx::disk_full*>(nullptr)))
    return "53100";
  if (is(static_cast<pqxx::out_of_memory*>(nullptr)))
    return "53200";
  if (is(static_cast<pqxx::too_many_connections*>(nullptr)))
    return "53300";
  return {};
}

// Older versions of the library connect again behind our back, and would then
// answer a COMMIT of nothing with success. Newer ones never do.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

template <class Connection>
void never_reconnect(Connection& it) {
  if constexpr (requires { it.inhibit_reactivation(true); })
    it.inhibit_reactivation(true);
}

#pragma GCC diagnostic pop

} // namespace

// -- arrays -------------------------------------------------------------------

void array::append(const value& x) {
  if (text_.size() > 1)
    text_ += ',';
  if (!x) {
    text_ += "NULL";
    return;
  }
  text_ += '"';
  for (auto c : *x) {
    if (c == '"' || c == '\\')
      text_ += '\\';
    text_ += c;
  }
  text_ += '"';
}

// -- rows ---------------------------------------------------------------------

struct rows::content {
  pqxx::result all;
};

rows::rows(std::shared_ptr<const content> what) : content_{std::move(what)} {
  // nop
}

bool rows::next() {
  return ++row_ < static_cast<int64_t>(size());
}

size_t rows::size() const {
  return static_cast<size_t>(content_->all.size());
}

size_t rows::changed() const {
  return static_cast<size_t>(content_->all.affected_rows());
}

namespace {

pqxx::field cell(const pqxx::result& all, int64_t row, int column) {
  return all[static_cast<pqxx::result::size_type>(row)]
            [static_cast<pqxx::row::size_type>(column)];
}

} // namespace

bool rows::null(int column) const {
  return cell(content_->all, row_, column).is_null();
}

std::string_view rows::text(int column) const {
  auto it = cell(content_->all, row_, column);
  return {it.c_str(), static_cast<size_t>(it.size())};
}

int64_t rows::integer(int column) const {
  auto digits = text(column);
  int64_t x = 0;
  auto [end, failed]
    = std::from_chars(digits.data(), digits.data() + digits.size(), x);
  if (failed != std::errc{} || end != digits.data() + digits.size())
    reject(column);
  return x;
}

void rows::reject(int column) const {
  auto name
    = content_->all.column_name(static_cast<pqxx::row::size_type>(column));
  auto what = std::string{"Unexpected value in column "} + name + ": ";
  what += text(column);
  corrupt(what + ".");
}

void rows::corrupt(const std::string& what) {
  throw error{data_corrupted, false, what};
}

// -- connection ---------------------------------------------------------------

namespace {

bool is_readable(int file) {
  pollfd it{file, POLLIN, 0};
  return poll(&it, 1, 0) > 0;
}

} // namespace

struct connection::impl {
  explicit impl(const std::string& conninfo)
    : session{conninfo}, quiet{session} {
    never_reconnect(session);
    work.emplace(session);
  }

  /// Runs `what`; its exceptions become ours.
  template <class What>
  rows guarded(What what) {
    if (lost_)
      throw error{{}, true, "The connection was lost before."};
    try {
      return rows{std::make_shared<rows::content>(rows::content{what()})};
    } catch (const std::exception& e) {
      auto state = state_of(e);
      lost_ = !session.is_open() || state == "40003"
              || dynamic_cast<const pqxx::broken_connection*>(&e) != nullptr;
      throw error{std::move(state), lost_, trimmed(e.what())};
    }
  }

  /// The name of a statement, prepared at its first use.
  const std::string& prepared(const std::string& sql) {
    auto [pos, is_new] = names.try_emplace(sql);
    if (is_new) {
      pos->second = "s" + std::to_string(names.size());
      session.prepare(pos->second, sql);
    }
    return pos->second;
  }

  pqxx::connection session;
  pqxx::quiet_errorhandler quiet;
  /// Statements only; we say ourselves where a transaction begins and ends.
  std::optional<pqxx::nontransaction> work;
  std::unordered_map<std::string, std::string> names;
  bool lost_ = false;
};

connection::connection(const std::string& conninfo) {
  try {
    impl_ = std::make_unique<impl>(conninfo);
  } catch (const std::exception& e) {
    throw error{{}, true, trimmed(e.what())};
  }
}

connection::~connection() = default;

rows connection::run(const std::string& sql) {
  return impl_->guarded([&] { return impl_->work->exec(sql); });
}

rows connection::run(const std::string& sql, const parameters& with) {
  return impl_->guarded([&] {
    std::vector<const char*> texts;
    for (const auto& x : with.values())
      texts.push_back(x ? x->c_str() : nullptr);
    return impl_->work->exec_prepared(
      impl_->prepared(sql), pqxx::prepare::make_dynamic_params(texts));
  });
}

int64_t connection::number(const std::string& sql) {
  auto answer = run(sql);
  int64_t x = 0;
  if (answer.next())
    answer.read(x);
  return x;
}

void connection::roll_back() noexcept {
  try {
    if (!lost())
      run("ROLLBACK");
  } catch (const error&) {
    // It is lost now, and its transaction with it.
  }
}

void connection::listen() {
  // Who leaves may say why first.
  do
    impl_->guarded([&] {
      impl_->session.get_notifs();
      return pqxx::result{};
    });
  while (!lost() && is_readable(socket()));
  if (lost())
    throw error{{}, true, "The server closed the connection."};
}

bool connection::lost() const noexcept {
  return impl_->lost_ || !impl_->session.is_open();
}

int connection::socket() const {
  return impl_->session.sock();
}

// -- savepoint ----------------------------------------------------------------

savepoint::savepoint(connection& db) : db_{db} {
  db_.run("SAVEPOINT command");
}

savepoint::~savepoint() {
  try {
    if (!kept_ && !db_.lost())
      db_.run("ROLLBACK TO command; RELEASE command");
  } catch (const error&) {
    // Whatever comes next on this connection says so.
  }
}

void savepoint::keep() {
  db_.run("RELEASE command");
  kept_ = true;
}

} // namespace leasehold::postgres
