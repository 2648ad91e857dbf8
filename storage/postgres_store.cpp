// The store in a PostgreSQL database: opening it, and answering questions.

#include "storage/postgres_store.hpp"

#include "storage/postgres_errors.hpp"
#include "storage/postgres_life.hpp"
#include "storage/postgres_reads.hpp"
#include "storage/postgres_schema.hpp"
#include "storage/postgres_secret_reads.hpp"
#include "storage/postgres_session.hpp"
#include "storage/postgres_writer.hpp"

#include <optional>
#include <utility>

namespace leasehold {

namespace {

// -- questions ----------------------------------------------------------------

/// Reads on a session of its own, which it makes again when it is lost.
class reader {
public:
  explicit reader(const postgres_place& where)
    : where_{where}, coroner_{where.settings.death_grace} {
    // nop
  }

  /// Throws `postgres::error`.
  result<store_answer> read(const store_query& question) {
    retry_budget budget{where_.settings.retry_for};
    for (;;) {
      try {
        refresh();
        return std::visit([this](const auto& x) { return answer(x); },
                          question);
      } catch (const postgres::error& e) {
        if (!is_passing(e) || !budget.wait())
          throw;
      }
    }
  }

private:
  template <class Question>
  result<store_answer> answer(const Question& x) {
    if constexpr (requires { secret_reads_->read(x); })
      return secret_reads_->read(x);
    else
      return reads_->read(x);
  }

  void refresh() {
    if (db_ && !db_->lost())
      return;
    reads_.reset();
    secret_reads_.reset();
    db_ = connect(where_);
    reads_.emplace(
      *db_, [this] { return now_of(*db_, where_.settings); },
      [this](const auto& suspects) {
        return coroner_.find_dead(*db_, suspects);
      });
    secret_reads_.emplace(*db_);
  }

  const postgres_place& where_;
  postgres_coroner coroner_;
  std::unique_ptr<postgres::connection> db_;
  std::optional<postgres_reads> reads_;
  std::optional<postgres_secret_reads> secret_reads_;
};

// -- the store ----------------------------------------------------------------

class postgres_store : public store {
public:
  postgres_store(const postgres_place& where, const instance_id& self,
                 std::unique_ptr<postgres::connection> writing,
                 std::unique_ptr<postgres::connection> also_writing,
                 std::unique_ptr<postgres_life> alive)
    : where_{where}, alive_{std::move(alive)}, writer_{where, self,
                                                       std::move(writing)},
      second_writer_{where, self, std::move(also_writing)}, reader_{where_} {
    // nop
  }

  std::vector<result<written>>
  apply(std::span<const store_write> batch) override {
    return apply(writer_, batch);
  }

  [[nodiscard]] bool writes_beside() const override {
    return true;
  }

  std::vector<result<written>>
  apply_beside(std::span<const store_write> batch) override {
    return apply(second_writer_, batch);
  }

  result<store_answer> read(const store_query& question) override {
    return guarded(where_.url, [&] { return reader_.read(question); });
  }

private:
  using outcomes = std::vector<result<written>>;

  outcomes apply(postgres_writer& by, std::span<const store_write> batch) {
    auto all = guarded(where_.url,
                       [&]() -> result<outcomes> { return by.apply(batch); });
    return all ? std::move(all).value() : outcomes(batch.size(), all.error());
  }

  postgres_place where_;
  std::unique_ptr<postgres_life> alive_;
  postgres_writer writer_;
  postgres_writer second_writer_;
  reader reader_;
};

// -- opening ------------------------------------------------------------------

constexpr int64_t version_min = 130'000;

/// Whether we may use this server at all. Asks nothing that old ones cannot
/// answer.
result<> check_server(const postgres_url& url, postgres::connection& db) {
  auto version
    = db.number("SELECT current_setting('server_version_num')::bigint");
  if (version < version_min)
    return unusable(url, "the server is PostgreSQL "
                           + std::to_string(version / 10'000)
                           + ", and leasehold needs 13 or newer. Upgrade it, "
                             "or choose another server");
  if (db.number("SELECT count(*) WHERE "
                "current_setting('server_encoding') <> 'UTF8'")
      > 0)
    return unusable(url, "its encoding is not UTF8. Create a database with "
                         "ENCODING 'UTF8'");
  return done{};
}

/// Whether this leasehold knows the tables that are there.
result<> check_schema(const postgres_url& url, postgres::connection& db) {
  auto version = schema_version(db);
  auto known = static_cast<int64_t>(postgres_schema_steps().size());
  if (version > known)
    return unusable(url, "its schema has version " + std::to_string(version)
                           + ", and this leasehold knows versions up to "
                           + std::to_string(known)
                           + ". Use a newer leasehold or another database");
  return done{};
}

result<std::unique_ptr<store>> open_database(const postgres_place& where,
                                             const instance_id& self) {
  auto writing = connect(where);
  if (auto ok = check_server(where.url, *writing); !ok)
    return ok.error();
  expect_writable(*writing);
  if (auto ok = check_schema(where.url, *writing); !ok)
    return ok.error();
  migrate(*writing);
  std::unique_ptr<postgres_life> alive;
  if (!self.empty()) {
    auto prepare = [settings = where.settings](postgres::connection& db) {
      set_up(db, settings);
    };
    auto shown
      = show_life(where.url, self, prepare,
                  {where.settings.death_grace, where.settings.on_sign});
    if (!shown)
      return shown.error();
    alive = std::move(shown).value();
  }
  return std::unique_ptr<store>{std::make_unique<postgres_store>(
    where, self, std::move(writing), connect(where), std::move(alive))};
}

} // namespace

result<std::unique_ptr<store>> open_postgres_store(const std::string& url,
                                                   const instance_id& self,
                                                   postgres_settings settings) {
  auto parsed = parse_postgres_url(url, settings.connect_timeout);
  if (!parsed)
    return parsed.error();
  postgres_place where{std::move(parsed).value(), std::move(settings)};
  return guarded(where.url, [&] { return open_database(where, self); });
}

result<std::unique_ptr<store>> open_postgres_store(const std::string& url,
                                                   const instance_id& self,
                                                   life_options life) {
  postgres_settings settings;
  settings.death_grace = life.grace;
  settings.on_sign = std::move(life.on_sign);
  return open_postgres_store(url, self, std::move(settings));
}

} // namespace leasehold
