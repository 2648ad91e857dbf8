// The floor on SQLite: its C API, prepared statements, and the settings that
// the engine uses (a write-ahead log that is synced at every commit).

#include "bench/load/bare_sql.hpp"

#include <sqlite3.h>

#include <chrono>
#include <cstring>
#include <initializer_list>
#include <stdexcept>

namespace leasehold::bench {

namespace {

int64_t now_ms() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch())
    .count();
}

/// A prepared statement whose parameters are bound in order.
class bound {
public:
  bound(sqlite3* db, const char* sql) : db_{db} {
    if (sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, &it_,
                           nullptr)
        != SQLITE_OK)
      throw std::runtime_error{sqlite3_errmsg(db)};
  }

  bound(const bound&) = delete;
  bound& operator=(const bound&) = delete;

  ~bound() {
    sqlite3_finalize(it_);
  }

  void set(const std::string& x) {
    sqlite3_bind_text(it_, ++last_, x.data(), static_cast<int>(x.size()),
                      SQLITE_STATIC);
  }

  void set(int64_t x) {
    sqlite3_bind_int64(it_, ++last_, x);
  }

  /// Whether there is a row.
  bool step() {
    last_ = 0;
    auto how = sqlite3_step(it_);
    if (how != SQLITE_ROW && how != SQLITE_DONE)
      throw std::runtime_error{sqlite3_errmsg(db_)};
    return how == SQLITE_ROW;
  }

  std::string text(int column) {
    const auto* x = sqlite3_column_text(it_, column);
    return x ? reinterpret_cast<const char*>(x) : "";
  }

  int64_t number(int column) {
    return sqlite3_column_int64(it_, column);
  }

  void reset() {
    sqlite3_reset(it_);
  }

  template <class... Ts>
  void run(const Ts&... xs) {
    (set(xs), ...);
    step();
    reset();
  }

private:
  sqlite3* db_;
  sqlite3_stmt* it_ = nullptr;
  int last_ = 0;
};

constexpr const char* insert_lease = R"(
INSERT INTO leases (id, run_id, provider_lease_id, fence, acquired_at,
  last_used_at, updated_at, company_id, environment_id, lease_policy, provider,
  exclusive, owner_instance, fingerprint, metadata, plugin_id, status)
VALUES (?1, ?2, ?3, ?4, ?5, ?5, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14,
  'active'))";

constexpr const char* insert_event = R"(
INSERT INTO lease_events (lease_seq, at, from_status, to_status, fence,
  by_instance, note) VALUES (?1, ?2, nullif(?3, ''), ?4, ?5, ?6, ''))";

constexpr const char* end_lease = R"(
UPDATE leases SET status = 'released', cleanup_status = 'success',
  released_at = ?2, last_used_at = ?2, updated_at = ?2
WHERE id = ?1 AND status = 'active' AND fence = ?3)";

constexpr const char* sample_lease = R"(
SELECT company_id, environment_id, lease_policy, provider,
  provider_lease_id, exclusive, owner_instance, fingerprint, metadata, plugin_id
FROM leases WHERE status = 'released' ORDER BY seq DESC LIMIT 1)";

sqlite3* open_file(const std::string& path) {
  sqlite3* out = nullptr;
  if (sqlite3_open(path.c_str(), &out) != SQLITE_OK)
    throw std::runtime_error{"cannot open " + path};
  for (const auto* sql :
       {"PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL",
        "PRAGMA foreign_keys = ON", "PRAGMA cache_size = -16384"})
    sqlite3_exec(out, sql, nullptr, nullptr, nullptr);
  return out;
}

class bare_sqlite : public bare_sql {
public:
  explicit bare_sqlite(const std::string& path) : db_{open_file(path)} {
    auto found = bound{handle(), sample_lease};
    if (found.step())
      sample_
        = {found.text(0), found.text(1),        found.text(2), found.text(3),
           found.text(4), found.number(5) != 0, found.text(6), found.text(7),
           found.text(8), found.text(9)};
  }

  void grow(size_t count) override {
    copy("status = 'released'", count, "");
  }

  void park(size_t count) override {
    copy("parked = 1", count, "'parked-' || x");
  }

  int64_t number(const std::string& sql) override {
    auto found = bound{handle(), sql.c_str()};
    return found.step() ? found.number(0) : 0;
  }

private:
  [[nodiscard]] sqlite3* handle() const {
    return db_.get();
  }

  /// Copies the newest row that fits; its columns but for those that are
  /// unique.
  void copy(const std::string& which, size_t count,
            const std::string& resource) {
    std::string same
      = "company_id, environment_id, run_id, status, lease_policy, provider, "
        "exclusive, fence, owner_instance, parked, fingerprint, "
        "cleanup_status, metadata, acquired_at, last_used_at, updated_at, "
        "released_at, deadline_at, plugin_id";
    auto sql = "WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM "
               "n WHERE x < "
               + std::to_string(count)
               + "), old AS (SELECT * FROM leases WHERE " + which
               + " ORDER BY seq DESC LIMIT 1) INSERT INTO leases (id, "
                 "provider_lease_id, "
               + same + ") SELECT lower(hex(randomblob(16))), "
               + (resource.empty() ? "provider_lease_id" : resource) + ", "
               + same + " FROM old, n";
    bound{handle(), sql.c_str()}.run();
  }

  void begin_transaction() override {
    begin_.run();
  }

  void commit() override {
    commit_.run();
  }

  void insert(std::deque<bare_lease>& fresh) override {
    auto now = now_ms();
    const auto& s = sample_;
    for (auto& x : fresh) {
      insert_.run(x.id, "run-" + std::to_string(x.fence), s.resource + x.id,
                  x.fence, now, s.company, s.environment, s.policy, s.provider,
                  int64_t{s.exclusive}, s.owner, s.fingerprint, s.metadata,
                  s.plugin);
      x.seq = sqlite3_last_insert_rowid(handle());
      event_.run(x.seq, now, nothing_, active_, x.fence, s.owner);
    }
  }

  void end(const std::deque<bare_lease>& old) override {
    auto now = now_ms();
    for (const auto& x : old) {
      end_.run(x.id, now, x.fence);
      event_.run(x.seq, now, active_, released_, x.fence, sample_.owner);
    }
  }

  struct closer {
    void operator()(sqlite3* db) const {
      sqlite3_close_v2(db);
    }
  };

  std::unique_ptr<sqlite3, closer> db_;
  std::string nothing_;
  std::string active_ = "active";
  std::string released_ = "released";
  bound begin_{handle(), "BEGIN IMMEDIATE"};
  bound commit_{handle(), "COMMIT"};
  bound insert_{handle(), insert_lease};
  bound event_{handle(), insert_event};
  bound end_{handle(), end_lease};
};

} // namespace

std::unique_ptr<bare_sql> open_bare_sqlite(const std::string& path) {
  return std::make_unique<bare_sqlite>(path);
}

} // namespace leasehold::bench
