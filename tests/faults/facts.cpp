#include "tests/faults/facts.hpp"

#include "storage/postgres.hpp"
#include "storage/sqlite.hpp"

#include <chrono>
#include <optional>

namespace leasehold::faults {

namespace {

/// Both databases understand it, but for how a truth is spelled.
std::string question(const std::string& schema, const std::string& truth) {
  return "SELECT id, status, coalesce(cleanup_status, ''), "
         "coalesce(provider_lease_id, ''), provider, "
         "coalesce(failure_reason, ''), fence, parked FROM "
         + schema + "leases WHERE " + truth;
}

std::string open_ones_of(const std::string& parked) {
  return "status IN ('acquiring', 'active') OR " + parked
         + " OR cleanup_status = 'failed' OR "
           "(status = 'retained' AND cleanup_status IS NULL)";
}

/// Ids are UUIDs: nothing in them needs quoting.
std::string one_of(const std::set<std::string>& ids) {
  if (ids.empty())
    return "1 = 1";
  std::string out = "id IN (";
  for (const auto& id : ids)
    out += (out.back() == '(' ? "'" : ", '") + id + "'";
  return out + ")";
}

template <class Rows>
std::vector<lease_fact> collect(Rows rows) {
  std::vector<lease_fact> out;
  while (rows.next()) {
    auto& x = out.emplace_back();
    rows.read(x.id, x.status, x.cleanup, x.resource, x.provider, x.reason,
              x.fence, x.parked);
  }
  return out;
}

class in_sqlite final : public facts {
public:
  explicit in_sqlite(const std::string& path)
    : db_{path, milliseconds{30'000}} {
    // nop
  }

  std::vector<lease_fact> open_ones() override {
    return ask(open_ones_of("parked = 1"));
  }

  std::vector<lease_fact> named(const std::set<std::string>& ids) override {
    return ask(one_of(ids));
  }

private:
  std::vector<lease_fact> ask(const std::string& truth) {
    sqlite::statement text{db_, question("", truth)};
    return collect<sqlite::rows>(text.ask());
  }

  sqlite::connection db_;
};

class in_postgres final : public facts {
public:
  explicit in_postgres(std::string url) : url_{std::move(url)} {
    // nop
  }

  std::vector<lease_fact> open_ones() override {
    return ask(open_ones_of("parked"));
  }

  std::vector<lease_fact> named(const std::set<std::string>& ids) override {
    return ask(one_of(ids));
  }

private:
  std::vector<lease_fact> ask(const std::string& truth) {
    auto text = question("leasehold.", truth);
    auto end = std::chrono::steady_clock::now() + std::chrono::seconds{60};
    for (;;)
      try {
        if (!db_)
          db_.emplace(url_);
        return collect<postgres::rows>(db_->run(text));
      } catch (const postgres::error&) {
        db_.reset();
        // The server says no while it recovers, and tells nobody when it has.
        if (std::chrono::steady_clock::now() > end)
          throw;
      }
  }

  std::string url_;
  std::optional<postgres::connection> db_;
};

} // namespace

std::unique_ptr<facts> sqlite_facts(const std::string& path) {
  return std::make_unique<in_sqlite>(path);
}

std::unique_ptr<facts> postgres_facts(const std::string& url) {
  return std::make_unique<in_postgres>(url);
}

} // namespace leasehold::faults
