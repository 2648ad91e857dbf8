// The floor on PostgreSQL: libpq, prepared statements, an array per column that
// differs from lease to lease.

#include "bench/load/bare_sql.hpp"

#include <libpq-fe.h>

#include <chrono>
#include <functional>
#include <stdexcept>
#include <vector>

namespace leasehold::bench {

namespace {

std::string now_ms() {
  using namespace std::chrono;
  return std::to_string(
    duration_cast<milliseconds>(system_clock::now().time_since_epoch())
      .count());
}

/// The text of an array. Texts are quoted.
template <class Leases, class Get>
std::string array_of(const Leases& all, const Get& get) {
  std::string out = "{";
  for (const auto& x : all) {
    if (out.size() > 1)
      out += ',';
    if constexpr (std::is_same_v<decltype(get(x)), int64_t>) {
      out += std::to_string(get(x));
    } else {
      out += '"';
      for (auto c : std::string{get(x)}) {
        if (c == '"' || c == '\\')
          out += '\\';
        out += c;
      }
      out += '"';
    }
  }
  return out + "}";
}

constexpr const char* insert_leases = R"(
WITH fresh AS (
  INSERT INTO leases (id, run_id, provider_lease_id, fence, company_id,
    environment_id, fingerprint, metadata, acquired_at, last_used_at,
    updated_at, lease_policy, provider, exclusive, owner_instance, plugin_id,
    status)
  SELECT a.id, a.run_id, a.resource, a.fence, a.company, a.environment,
    a.fingerprint, a.metadata, $9::bigint, $9::bigint, $9::bigint, $10, $11,
    $12::boolean, $13, $14, 'active'
  FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::text[],
    $6::text[], $7::text[], $8::text[])
  AS a (id, run_id, resource, fence, company, environment, fingerprint,
    metadata)
  RETURNING seq, fence
), noted AS (
  INSERT INTO lease_events (lease_seq, at, from_status, to_status, fence,
    by_instance, note)
  SELECT seq, $9::bigint, NULL, 'active', fence, $13, '' FROM fresh)
SELECT count(*) FROM fresh)";

constexpr const char* end_leases = R"(
WITH ended AS (
  UPDATE leases l SET status = 'released', cleanup_status = 'success',
    released_at = $3::bigint, last_used_at = $3::bigint,
    updated_at = $3::bigint
  FROM unnest($1::text[], $2::bigint[]) AS a (id, fence)
  WHERE l.id = a.id AND l.status || '' = 'active' AND l.fence = a.fence
  RETURNING l.seq, l.fence
), noted AS (
  INSERT INTO lease_events (lease_seq, at, from_status, to_status, fence,
    by_instance, note)
  SELECT seq, $3::bigint, 'active', 'released', fence, $4, '' FROM ended)
SELECT count(*) FROM ended)";

constexpr const char* sample_lease = R"(
SELECT company_id, environment_id, lease_policy, provider, provider_lease_id,
  exclusive, owner_instance, fingerprint, metadata, plugin_id
FROM leases WHERE status = 'released' ORDER BY seq DESC LIMIT 1)";

class bare_postgres : public bare_sql {
public:
  explicit bare_postgres(const std::string& url)
    : db_{PQconnectdb(url.c_str())} {
    run("SET search_path = leasehold");
    auto how = run(sample_lease);
    auto text = [&](int column) {
      return std::string{PQgetvalue(how.get(), 0, column)};
    };
    if (PQntuples(how.get()) > 0)
      sample_ = {text(0),        text(1), text(2), text(3), text(4),
                 text(5) == "t", text(6), text(7), text(8), text(9)};
    // As the engine's sessions: one plan for all batches, which finds leases by
    // their ids however many there are.
    run("SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off;"
        "SET enable_hashjoin = off; SET enable_mergejoin = off;"
        "SET enable_material = off; SET jit = off");
    check({PQprepare(db_.get(), "begin", insert_leases, 0, nullptr), &PQclear});
    check({PQprepare(db_.get(), "end", end_leases, 0, nullptr), &PQclear});
  }

  void grow(size_t count) override {
    copy("status = 'released'", count, "l.provider_lease_id");
  }

  void park(size_t count) override {
    copy("parked", count, "'parked-' || x");
  }

  int64_t number(const std::string& sql) override {
    return std::stoll(PQgetvalue(run(sql).get(), 0, 0));
  }

private:
  using answer = std::unique_ptr<PGresult, void (*)(PGresult*)>;

  answer check(answer x) {
    auto how = PQresultStatus(x.get());
    if (how != PGRES_TUPLES_OK && how != PGRES_COMMAND_OK)
      throw std::runtime_error{PQerrorMessage(db_.get())};
    return x;
  }

  answer run(const std::string& sql) {
    return check({PQexec(db_.get(), sql.c_str()), &PQclear});
  }

  void run(const char* name, const std::vector<std::string>& params) {
    std::vector<const char*> values;
    values.reserve(params.size());
    for (const auto& x : params)
      values.push_back(x.c_str());
    check({PQexecPrepared(db_.get(), name, static_cast<int>(values.size()),
                          values.data(), nullptr, nullptr, 0),
           &PQclear});
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
    run("INSERT INTO leases (id, provider_lease_id, " + same
        + ") SELECT gen_random_uuid(), " + resource + ", " + same
        + " FROM (SELECT * FROM leases WHERE " + which
        + " ORDER BY seq DESC LIMIT 1) l, generate_series(1, "
        + std::to_string(count) + ") x");
    // What autovacuum does for a table that lives longer.
    run("ANALYZE leases");
  }

  void begin_transaction() override {
    run("BEGIN");
  }

  void commit() override {
    run("COMMIT");
  }

  void insert(std::deque<bare_lease>& fresh) override {
    const auto& s = sample_;
    auto each = [&](const std::string& text) {
      return array_of(fresh, [&](const bare_lease&) { return text; });
    };
    run(
      "begin",
      {array_of(fresh, [](const bare_lease& x) { return x.id; }),
       array_of(
         fresh,
         [](const bare_lease& x) { return "run-" + std::to_string(x.fence); }),
       array_of(fresh, [&](const bare_lease& x) { return s.resource + x.id; }),
       array_of(fresh, [](const bare_lease& x) { return x.fence; }),
       each(s.company), each(s.environment), each(s.fingerprint),
       each(s.metadata), now_ms(), s.policy, s.provider,
       s.exclusive ? "t" : "f", s.owner, s.plugin});
  }

  void end(const std::deque<bare_lease>& old) override {
    run("end", {array_of(old, [](const bare_lease& x) { return x.id; }),
                array_of(old, [](const bare_lease& x) { return x.fence; }),
                now_ms(), sample_.owner});
  }

  struct closer {
    void operator()(PGconn* db) const {
      PQfinish(db);
    }
  };

  std::unique_ptr<PGconn, closer> db_;
};

} // namespace

std::unique_ptr<bare_sql> open_bare_postgres(const std::string& url) {
  return std::make_unique<bare_postgres>(url);
}

} // namespace leasehold::bench
