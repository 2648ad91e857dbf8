// The store in a SQLite file: opening it, batches, and what its errors mean.

#include "storage/sqlite_store.hpp"

#include "storage/instance_lock.hpp"
#include "storage/schema.hpp"
#include "storage/sqlite_catalog_writes.hpp"
#include "storage/sqlite_history.hpp"
#include "storage/sqlite_lease_writes.hpp"
#include "storage/sqlite_reads.hpp"
#include "storage/sqlite_secret_reads.hpp"
#include "storage/sqlite_secret_writes.hpp"

#include <exception>
#include <filesystem>
#include <system_error>
#include <thread>
#include <utility>

namespace leasehold {

namespace {

// -- errors -------------------------------------------------------------------

/// What an error of SQLite means and what to do about it.
struct advice {
  ec code;
  const char* text;
};

advice advice_on(int code) {
  switch (code) {
    case SQLITE_FULL:
      return {ec::store_unavailable, "the disk is full. Free some space; "
                                     "everything confirmed so far is safe"};
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return {ec::store_unavailable,
              "another process has kept it locked for too long. Try again, or "
              "find out which process holds it"};
    case SQLITE_IOERR:
      return {ec::store_unavailable,
              "the disk does not read or write as it should. Check the disk"};
    case SQLITE_NOMEM:
      return {ec::store_unavailable, "there is not enough memory"};
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
      return {ec::store_unusable,
              "it cannot be written. Give this user the right to write the "
              "file and its directory"};
    case SQLITE_CANTOPEN:
      return {ec::store_unusable,
              "it cannot be opened. Check that it is a file, and that this "
              "user may read and write it and its directory"};
    case SQLITE_CORRUPT:
      return {ec::store_unusable,
              "its content is damaged. Restore it from a backup"};
    case SQLITE_NOTADB:
      return {ec::store_unusable,
              "it is not a SQLite database. Choose another file"};
    default:
      return {ec::internal, "the database refused"};
  }
}

failure unusable_database(const std::string& path, const std::string& why) {
  return {ec::store_unusable, "Store \"" + path + "\": " + why + "."};
}

failure to_failure(const std::string& path, const sqlite::error& e) {
  auto [code, text] = advice_on(e.code());
  return {code, "Store \"" + path + "\": " + text + ".", e.what()};
}

/// Runs `what`; what it throws becomes a failure.
template <class What>
auto guarded(const std::string& path, What what) -> decltype(what()) {
  try {
    return what();
  } catch (const sqlite::error& e) {
    return to_failure(path, e);
  } catch (const std::exception& e) {
    return failure{ec::internal, "Store \"" + path + "\": an internal error.",
                   e.what()};
  }
}

// -- the store ----------------------------------------------------------------

class sqlite_store : public store {
public:
  /// The connections must have their schema by now. Throws `sqlite::error`.
  sqlite_store(std::string path, const instance_id& self, store_clock clock,
               std::unique_ptr<sqlite::connection> writing,
               std::unique_ptr<sqlite::connection> reading, instance_lock alive,
               std::function<bool(const instance_id&)> is_dead)
    : path_{std::move(path)}, clock_{std::move(clock)},
      alive_{std::move(alive)}, writing_{std::move(writing)},
      reading_{std::move(reading)}, begin_{*writing_, "BEGIN IMMEDIATE"},
      commit_{*writing_, "COMMIT"}, leases_{*writing_, self},
      catalog_{*writing_}, secrets_{*writing_}, history_{*writing_, self},
      reads_{*reading_, std::move(is_dead)}, secret_reads_{*reading_} {
    // nop
  }

  std::vector<result<written>>
  apply(std::span<const store_write> batch) override {
    if (batch.empty())
      return {};
    using outcomes = std::vector<result<written>>;
    auto all
      = guarded(path_, [&]() -> result<outcomes> { return write_all(batch); });
    if (all)
      return std::move(all).value();
    writing_->roll_back();
    return outcomes(batch.size(), all.error());
  }

  result<store_answer> read(const store_query& question) override {
    return guarded(path_, [&]() -> result<store_answer> {
      auto now = clock_();
      return std::visit([&](const auto& x) { return answer(x, now); },
                        question);
    });
  }

private:
  std::vector<result<written>> write_all(std::span<const store_write> batch) {
    std::vector<result<written>> all;
    all.reserve(batch.size());
    begin_.run();
    auto now = clock_();
    leases_.begin(now);
    catalog_.begin(now);
    secrets_.begin(now);
    history_.begin(now);
    for (const auto& command : batch)
      all.push_back(
        std::visit([this](const auto& x) { return write(x); }, command));
    leases_.finish();
    commit_.run();
    return all;
  }

  template <class Write>
  result<written> write(const Write& x) {
    if constexpr (requires { leases_.write(x); })
      return leases_.write(x);
    else if constexpr (requires { secrets_.write(x); })
      return secrets_.write(x);
    else if constexpr (requires { history_.write(x); })
      return history_.write(x);
    else
      return catalog_.write(x);
  }

  /// An environment and its secrets are written together or not at all.
  result<written> write(const put_environment& x) {
    sqlite::savepoint before{*writing_};
    auto how = catalog_.write(x);
    if (how)
      how = secrets_.attach(x);
    if (how)
      before.keep();
    return how;
  }

  result<written> write(const remove_environment& x) {
    auto how = catalog_.write(x);
    if (how)
      secrets_.forget(secret_target::environment, x.id.value);
    return how;
  }

  result<written> write(const remove_plugin& x) {
    auto how = catalog_.write(x);
    if (how)
      secrets_.forget(secret_target::plugin, x.id.value);
    return how;
  }

  template <class Question>
  result<store_answer> answer(const Question& x, timestamp now) {
    if constexpr (requires { secret_reads_.read(x); })
      return secret_reads_.read(x);
    else
      return reads_.read(x, now);
  }

  std::string path_;
  store_clock clock_;
  instance_lock alive_;
  std::unique_ptr<sqlite::connection> writing_;
  std::unique_ptr<sqlite::connection> reading_;
  sqlite::statement begin_;
  sqlite::statement commit_;
  sqlite_lease_writes leases_;
  sqlite_catalog_writes catalog_;
  sqlite_secret_writes secrets_;
  sqlite_history history_;
  sqlite_reads reads_;
  sqlite_secret_reads secret_reads_;
};

// -- opening ------------------------------------------------------------------

/// Switches to a write-ahead log. While another process does the same, SQLite
/// answers *busy* at once, whatever the time-out: waiting could deadlock.
void use_write_ahead_log(sqlite::connection& db, milliseconds timeout) {
  constexpr auto pause = milliseconds{10};
  for (auto left = timeout;; left -= pause) {
    try {
      db.execute("PRAGMA journal_mode = WAL");
      return;
    } catch (const sqlite::error& e) {
      if (e.code() != SQLITE_BUSY || left <= milliseconds{0})
        throw;
    }
    std::this_thread::sleep_for(pause);
  }
}

/// Whether we may use this file: it is new, or ours, and not too new.
result<> check_file(const std::string& path, sqlite::connection& db) {
  if (db.read_only())
    return unusable_database(
      path, "it is read-only. Give this user the right to write "
            "the file and its directory");
  // In this order: who sees tables that another engine makes just now also
  // sees its mark.
  auto tables = db.number("SELECT count(*) FROM sqlite_schema");
  auto application = db.number("PRAGMA application_id");
  if (application != sqlite_application_id && (application != 0 || tables != 0))
    return unusable_database(
      path, "it is a database of another program. Choose another "
            "file");
  auto version = schema_version(db);
  auto known = static_cast<int64_t>(schema_steps().size());
  if (version > known)
    return unusable_database(path,
                             "its schema has version " + std::to_string(version)
                               + ", and this leasehold knows versions up to "
                               + std::to_string(known)
                               + ". Use a newer leasehold or another data "
                                 "directory");
  return done{};
}

result<> check_directory(const std::string& path) {
  auto directory = std::filesystem::path{path}.parent_path();
  std::error_code ignored;
  if (std::filesystem::is_directory(directory, ignored))
    return done{};
  return unusable_database(path,
                           "the directory \"" + directory.string()
                             + "\" does not exist. Create it or choose another "
                               "data directory");
}

/// From now on others see that this engine lives, if it is one.
result<instance_lock> show_life(const std::string& directory,
                                const instance_id& self) {
  if (self.empty())
    return instance_lock{};
  auto taken = instance_lock::take(directory, self);
  if (taken)
    remove_dead_locks(directory);
  return taken;
}

result<std::unique_ptr<store>> open_file(const std::string& path,
                                         const instance_id& self,
                                         store_clock clock,
                                         sqlite_settings settings) {
  if (auto ok = check_directory(path); !ok && !settings.in_memory)
    return ok.error();
  auto connect = [&] {
    return std::make_unique<sqlite::connection>(path, settings.busy_timeout,
                                                settings.in_memory);
  };
  auto writing = connect();
  if (auto ok = check_file(path, *writing); !ok)
    return ok.error();
  if (settings.pages_max > 0)
    writing->number("PRAGMA max_page_count = "
                    + std::to_string(settings.pages_max));
  use_write_ahead_log(*writing, settings.busy_timeout);
  writing->execute("PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;"
                   "PRAGMA cache_size = -16384");
  migrate(*writing);
  auto reading = connect();
  reading->execute("PRAGMA query_only = ON; PRAGMA cache_size = -16384");
  auto engines = path + ".engines";
  auto is_dead = std::move(settings.is_dead);
  auto alive = is_dead ? instance_lock{} : show_life(engines, self);
  if (!alive)
    return alive.error();
  if (!is_dead)
    is_dead = [engines](const instance_id& who) {
      return leasehold::is_dead(engines, who);
    };
  return std::unique_ptr<store>{std::make_unique<sqlite_store>(
    path, self, std::move(clock), std::move(writing), std::move(reading),
    std::move(alive).value(), std::move(is_dead))};
}

} // namespace

result<std::unique_ptr<store>> open_sqlite_store(const std::string& path,
                                                 const instance_id& self,
                                                 store_clock clock,
                                                 sqlite_settings settings) {
  // The process may change its directory later.
  std::error_code failed;
  auto absolute = std::filesystem::absolute(path, failed).string();
  if (failed || path.empty())
    return unusable_database(path, "it is not the path of a file");
  return guarded(absolute, [&]() -> result<std::unique_ptr<store>> {
    return open_file(absolute, self, std::move(clock), std::move(settings));
  });
}

result<std::unique_ptr<store>> open_sqlite_store(const std::string& path,
                                                 const instance_id& self,
                                                 store_clock clock) {
  return open_sqlite_store(path, self, std::move(clock), sqlite_settings{});
}

} // namespace leasehold
