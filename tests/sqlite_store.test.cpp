// The SQLite store: the contract of stores, and what only a file can do.

#include "storage/sqlite_store.hpp"

#include "storage/schema.hpp"
#include "tests/store_contract.hpp"
#include "tests/support/catch.hpp"

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <thread>

using namespace leasehold;
using namespace leasehold::test;
using namespace std::chrono_literals;

namespace {

namespace fs = std::filesystem;

/// A directory of its own that goes with the test.
struct a_directory {
  a_directory() {
    auto name = (fs::temp_directory_path() / "leasehold-store-XXXXXX").string();
    REQUIRE(mkdtemp(name.data()) != nullptr);
    path = name;
  }

  ~a_directory() {
    std::error_code ignored;
    fs::remove_all(path, ignored);
  }

  a_directory(const a_directory&) = delete;
  a_directory& operator=(const a_directory&) = delete;

  [[nodiscard]] std::string file() const {
    return (path / "leasehold.db").string();
  }

  fs::path path;
};

store_clock standing_still() {
  return [] { return timestamp{1'000}; };
}

/// Opens `file` as `self`, which must work.
std::unique_ptr<store> opened(const std::string& file, const std::string& self,
                              sqlite_settings settings = {}) {
  auto made = open_sqlite_store(file, {self}, standing_still(), settings);
  INFO(made.error().message << " " << made.error().detail);
  REQUIRE(made.has_value());
  return std::move(made).value();
}

/// Why `file` cannot be opened.
failure refusal(const std::string& file) {
  auto made = open_sqlite_store(file, {}, standing_still());
  REQUIRE_FALSE(made.has_value());
  return made.error();
}

result<written> apply(store& db, store_write what) {
  return db.apply(std::vector{std::move(what)}).at(0);
}

/// A lease of `owner` that needs no environment.
insert_lease a_grant(const std::string& id, const std::string& owner) {
  auto row = a_lease(id);
  row.environment = {};
  row.owner = {owner};
  return {.row = row, .note = "granted"};
}

/// The ids of the leases that nobody minds, as `asker` sees it.
std::vector<std::string> orphans(store& db, const std::string& asker) {
  std::vector<std::string> all;
  auto answer = db.read(list_orphans{.asker = {asker}});
  REQUIRE(answer.has_value());
  for (const auto& row : std::get<lease_rows>(*answer).rows)
    all.push_back(row.id.value);
  return all;
}

size_t count_leases(store& db) {
  auto answer = db.read(list_leases{});
  REQUIRE(answer.has_value());
  return std::get<lease_rows>(*answer).rows.size();
}

/// Runs SQL on the file behind the store's back.
void tamper(const std::string& file, const std::string& sql) {
  sqlite::connection db{file, 1s};
  db.execute(sql);
}

store_opener in(const a_directory& place) {
  return [file = place.file()](const instance_id& self, store_clock clock) {
    auto made = open_sqlite_store(file, self, std::move(clock));
    return made ? std::move(made).value() : nullptr;
  };
}

} // namespace

// -- the contract -------------------------------------------------------------

TEST_CASE("sqlite_store: grants keep the contract",
          "[sqlite_store][promise-1]") {
  a_directory place;
  check_grants(in(place));
}

TEST_CASE("sqlite_store: ends keep the contract", "[sqlite_store][trap-2]") {
  a_directory place;
  check_ends(in(place));
}

TEST_CASE("sqlite_store: claims keep the contract", "[sqlite_store]") {
  a_directory place;
  check_claims(in(place));
}

TEST_CASE("sqlite_store: cleanups keep the contract", "[sqlite_store]") {
  a_directory place;
  check_cleanups(in(place));
}

TEST_CASE("sqlite_store: batches keep the contract", "[sqlite_store]") {
  a_directory place;
  check_batches(in(place));
}

TEST_CASE("sqlite_store: re-attachment keeps the contract", "[sqlite_store]") {
  a_directory place;
  check_reattachment(in(place));
}

TEST_CASE("sqlite_store: parking times keep the contract", "[sqlite_store]") {
  a_directory place;
  check_parking_time(in(place));
}

TEST_CASE("sqlite_store: late resources keep the contract", "[sqlite_store]") {
  a_directory place;
  check_late_resources(in(place));
}

TEST_CASE("sqlite_store: confirmations keep the contract", "[sqlite_store]") {
  a_directory place;
  check_confirmations(in(place));
}

TEST_CASE("sqlite_store: survey lists keep the contract", "[sqlite_store]") {
  a_directory place;
  check_survey_lists(in(place));
}

TEST_CASE("sqlite_store: pruning keeps the contract", "[sqlite_store]") {
  a_directory place;
  check_pruning(in(place));
}

TEST_CASE("sqlite_store: history keeps the contract", "[sqlite_store]") {
  a_directory place;
  check_history(in(place));
}

TEST_CASE("sqlite_store: lists keep the contract",
          "[sqlite_store][pb-12.1.15]") {
  a_directory place;
  check_lease_lists(in(place));
}

TEST_CASE("sqlite_store: environments keep the contract",
          "[sqlite_store][trap-16]") {
  a_directory place;
  check_environments(in(place));
}

TEST_CASE("sqlite_store: plugins keep the contract", "[sqlite_store]") {
  a_directory place;
  check_plugins(in(place));
}

TEST_CASE("sqlite_store: secrets keep the contract", "[sqlite_store]") {
  a_directory place;
  check_secrets(in(place));
}

TEST_CASE("sqlite_store: bindings keep the contract", "[sqlite_store]") {
  a_directory place;
  check_secret_bindings(in(place));
}

TEST_CASE("sqlite_store: environments' secrets keep the contract",
          "[sqlite_store]") {
  a_directory place;
  check_secrets_of_environments(in(place));
}

// -- several engines on one file ----------------------------------------------

TEST_CASE("sqlite_store: two engines never give out the same fence",
          "[sqlite_store]") {
  a_directory place;
  auto one = opened(place.file(), "engine-1");
  auto two = opened(place.file(), "engine-2");
  fence_no last = 0;
  for (int i = 0; i < 10; ++i) {
    auto& db = i % 2 == 0 ? *one : *two;
    auto answer = apply(db, a_grant("lease-" + std::to_string(i), "engine-1"));
    REQUIRE(answer.has_value());
    CHECK(answer->fence > last);
    last = answer->fence;
  }
}

TEST_CASE("sqlite_store: several engines can create the same file at once",
          "[sqlite_store]") {
  a_directory place;
  std::vector<std::unique_ptr<store>> stores(4);
  std::vector<failure> refusals(stores.size());
  std::vector<std::thread> engines;
  for (size_t i = 0; i < stores.size(); ++i)
    engines.emplace_back([&, i] {
      auto self = instance_id{"engine-" + std::to_string(i)};
      auto made = open_sqlite_store(place.file(), self, standing_still());
      refusals[i] = made.error();
      if (made)
        stores[i] = std::move(made).value();
    });
  for (auto& engine : engines)
    engine.join();
  for (const auto& why : refusals) {
    INFO(why.message << " " << why.detail);
    REQUIRE(why.code == ec::none);
  }
  REQUIRE(apply(*stores[0], a_grant("lease-1", "engine-0")).has_value());
  CHECK(count_leases(*stores[3]) == 1);
}

TEST_CASE("sqlite_store: an engine id is used by one engine at a time",
          "[sqlite_store]") {
  a_directory place;
  auto one = opened(place.file(), "engine-1");
  auto again = open_sqlite_store(place.file(), {"engine-1"}, standing_still());
  CHECK(again.error().code == ec::already_exists);
  one.reset();
  opened(place.file(), "engine-1");
}

TEST_CASE("sqlite_store: an engine id cannot name a file elsewhere",
          "[sqlite_store]") {
  a_directory place;
  auto id = GENERATE("../up", "a/b", ".", "..", "a b");
  auto made = open_sqlite_store(place.file(), {id}, standing_still());
  CHECK(made.error().code == ec::invalid_request);
}

TEST_CASE("sqlite_store: leases of an engine that left are orphans",
          "[sqlite_store]") {
  a_directory place;
  auto one = opened(place.file(), "engine-1");
  auto two = opened(place.file(), "engine-2");
  for (auto id : {"lease-1", "lease-2"})
    REQUIRE(apply(*one, a_grant(id, "engine-1")).has_value());
  REQUIRE(apply(*one, end_lease{.lease = {{"lease-2"}},
                                .from = {lease_status::active}})
            .has_value());
  REQUIRE(apply(*two, a_grant("lease-3", "engine-2")).has_value());
  REQUIRE(apply(*two, a_grant("lease-4", "no engine")).has_value());
  CHECK(orphans(*two, "engine-2") == std::vector<std::string>{"lease-4"});
  one.reset();
  CHECK(orphans(*two, "engine-2")
        == std::vector<std::string>{"lease-1", "lease-4"});
  CHECK(fs::exists(place.file() + ".engines/engine-2"));
  CHECK_FALSE(fs::exists(place.file() + ".engines/engine-1"));
}

TEST_CASE("sqlite_store: leases of an engine that was killed are orphans",
          "[sqlite_store]") {
  a_directory place;
  auto engine = fork();
  if (engine == 0) {
    auto made = open_sqlite_store(place.file(), {"killed"}, standing_still());
    auto ok = made && apply(*made.value(), a_grant("lease-1", "killed"));
    // Leaves its lock file behind, as a killed engine does.
    _exit(ok ? 0 : 1);
  }
  int status = 1;
  REQUIRE(waitpid(engine, &status, 0) == engine);
  REQUIRE(status == 0);
  REQUIRE(fs::exists(place.file() + ".engines/killed"));
  auto db = opened(place.file(), "engine-1");
  CHECK(orphans(*db, "engine-1") == std::vector<std::string>{"lease-1"});
  CHECK_FALSE(fs::exists(place.file() + ".engines/killed"));
}

TEST_CASE("sqlite_store: whoever ends an orphan signs its history",
          "[sqlite_store]") {
  a_directory place;
  auto db = opened(place.file(), "engine-2");
  REQUIRE(apply(*db, a_grant("lease-1", "engine-1")).has_value());
  auto answer = db->read(list_events{{"lease-1"}});
  REQUIRE(answer.has_value());
  CHECK(std::get<lease_events>(*answer).rows.at(0).by
        == instance_id{"engine-2"});
}

// -- a file that does not serve -----------------------------------------------

TEST_CASE("sqlite_store: a missing directory is named", "[sqlite_store]") {
  a_directory place;
  auto file = (place.path / "missing" / "leasehold.db").string();
  auto why = refusal(file);
  CHECK(why.code == ec::store_unusable);
  CHECK(why.message
        == "Store \"" + file + "\": the directory \""
             + (place.path / "missing").string()
             + "\" does not exist. Create it or choose another data "
               "directory.");
}

TEST_CASE("sqlite_store: a directory in place of the file is refused",
          "[sqlite_store]") {
  a_directory place;
  fs::create_directory(place.file());
  CHECK(refusal(place.file()).code == ec::store_unusable);
}

TEST_CASE("sqlite_store: a newer schema is left alone", "[sqlite_store]") {
  a_directory place;
  opened(place.file(), "engine-1");
  tamper(place.file(), "PRAGMA user_version = 1000");
  auto why = refusal(place.file());
  CHECK(why.code == ec::store_unusable);
  CHECK(why.message
        == "Store \"" + place.file()
             + "\": its schema has version 1000, and this leasehold knows "
               "versions up to "
             + std::to_string(schema_steps().size())
             + ". Use a newer leasehold or another data directory.");
}

TEST_CASE("sqlite_store: a database of another program is left alone",
          "[sqlite_store]") {
  a_directory place;
  tamper(place.file(), "CREATE TABLE notes (text)");
  auto why = refusal(place.file());
  CHECK(why.code == ec::store_unusable);
  CHECK(why.message.find("another program") != std::string::npos);
}

TEST_CASE("sqlite_store: a file that is no database is refused",
          "[sqlite_store]") {
  a_directory place;
  std::ofstream{place.file()} << std::string(8192, 'x');
  auto why = refusal(place.file());
  CHECK(why.code == ec::store_unusable);
  CHECK(why.message
        == "Store \"" + place.file()
             + "\": it is not a SQLite database. Choose another file.");
}

TEST_CASE("sqlite_store: a damaged file is refused", "[sqlite_store]") {
  a_directory place;
  opened(place.file(), "engine-1");
  // The header is 100 bytes long; what follows is the root of the schema.
  std::fstream file{place.file(),
                    std::ios::in | std::ios::out | std::ios::binary};
  file.seekp(100);
  file << std::string(200, '\xff');
  file.close();
  auto why = refusal(place.file());
  CHECK(why.code == ec::store_unusable);
  CHECK(why.message
        == "Store \"" + place.file()
             + "\": its content is damaged. Restore it from a backup.");
}

TEST_CASE("sqlite_store: a file that may not be written is refused",
          "[sqlite_store]") {
  a_directory place;
  opened(place.file(), "");
  REQUIRE(chmod(place.file().c_str(), 0400) == 0);
  if (access(place.file().c_str(), W_OK) == 0) {
    WARN("not tested: this user may write anything");
    return;
  }
  auto why = refusal(place.file());
  CHECK(why.code == ec::store_unusable);
  CHECK(why.message.find("read-only") != std::string::npos);
}

TEST_CASE("sqlite_store: on a full disk a batch fails as a whole, and what was "
          "confirmed stays",
          "[sqlite_store]") {
  a_directory place;
  auto db = opened(place.file(), "engine-1", {.pages_max = 64});
  std::vector<store_write> batch(8);
  size_t confirmed = 0;
  failure why;
  for (int i = 0; i < 200 && why.code == ec::none; ++i) {
    for (size_t k = 0; k < batch.size(); ++k)
      batch[k] = a_grant(std::to_string(i) + "-" + std::to_string(k), "me");
    auto outcomes = db->apply(batch);
    why = outcomes.front().error();
    for (const auto& outcome : outcomes)
      CHECK(outcome.error() == why);
    confirmed += why.code == ec::none ? batch.size() : 0;
  }
  CHECK(why.code == ec::store_unavailable);
  CHECK(why.message
        == "Store \"" + place.file()
             + "\": the disk is full. Free some space; everything confirmed so "
               "far is safe.");
  CHECK(confirmed > 0);
  CHECK(count_leases(*db) == confirmed);
  db = nullptr;
  db = opened(place.file(), "engine-1");
  CHECK(count_leases(*db) == confirmed);
  CHECK(apply(*db, a_grant("later", "engine-1")).has_value());
}

TEST_CASE("sqlite_store: a batch that breaks in the middle is undone",
          "[sqlite_store]") {
  a_directory place;
  auto db = opened(place.file(), "engine-1");
  tamper(place.file(), "ALTER TABLE engine_instances RENAME TO elsewhere");
  auto outcomes = db->apply(std::vector<store_write>{
    a_grant("lease-1", "engine-1"), register_instance{{.id = {"engine-1"}}},
    a_grant("lease-2", "engine-1")});
  REQUIRE(outcomes.size() == 3);
  for (const auto& outcome : outcomes)
    CHECK(outcome.error().code == ec::internal);
  CHECK(count_leases(*db) == 0);
  tamper(place.file(), "ALTER TABLE elsewhere RENAME TO engine_instances");
  CHECK(apply(*db, a_grant("lease-1", "engine-1")).has_value());
  CHECK(count_leases(*db) == 1);
}

TEST_CASE("sqlite_store: a file that stays locked is unavailable, and works "
          "again afterwards",
          "[sqlite_store]") {
  a_directory place;
  auto db = opened(place.file(), "engine-1", {.busy_timeout = 1ms});
  sqlite::connection other{place.file(), 1s};
  other.execute("BEGIN IMMEDIATE");
  auto outcome = apply(*db, a_grant("lease-1", "engine-1"));
  CHECK(outcome.error().code == ec::store_unavailable);
  CHECK(count_leases(*db) == 0);
  other.execute("COMMIT");
  CHECK(apply(*db, a_grant("lease-1", "engine-1")).has_value());
}

TEST_CASE("sqlite_store: a text that names no status is not guessed at",
          "[sqlite_store]") {
  a_directory place;
  auto db = opened(place.file(), "engine-1");
  REQUIRE(apply(*db, a_grant("lease-1", "engine-1")).has_value());
  tamper(place.file(), "UPDATE leases SET status = 'sleeping'");
  auto answer = db->read(get_lease{"lease-1"});
  CHECK(answer.error().code == ec::store_unusable);
  CHECK(answer.error().detail
        == "Unexpected value in column status: sleeping.");
}

// -- migrations ---------------------------------------------------------------

TEST_CASE("sqlite_store: every earlier schema becomes today's",
          "[sqlite_store]") {
  for (size_t version = 0; version <= schema_steps().size(); ++version) {
    a_directory place;
    CAPTURE(version);
    {
      sqlite::connection db{place.file(), 1s};
      migrate(db, schema_steps().first(version));
      CHECK(schema_version(db) == static_cast<int64_t>(version));
    }
    auto db = opened(place.file(), "engine-1");
    CHECK(apply(*db, a_grant("lease-1", "engine-1")).has_value());
    CHECK(apply(*db, a_grant("lease-2", "engine-1"))->fence == 2);
    CHECK(apply(*db, put_secret{{.id = {"s"}, .company = {"c"}, .name = "n"},
                                "sealed"})
            .has_value());
  }
}

TEST_CASE("sqlite_store: a migration that fails leaves the schema as it was",
          "[sqlite_store]") {
  a_directory place;
  sqlite::connection db{place.file(), 1s};
  const char* steps[] = {"CREATE TABLE a (x)", "CREATE TABLE b (x); nonsense"};
  CHECK_THROWS_AS(migrate(db, steps), sqlite::error);
  db.roll_back();
  CHECK(schema_version(db) == 1);
  CHECK(db.number("SELECT count(*) FROM sqlite_schema") == 1);
}

TEST_CASE("sqlite_store: leases of an earlier schema know their plugin",
          "[sqlite_store]") {
  a_directory place;
  {
    sqlite::connection db{place.file(), 1s};
    migrate(db, schema_steps().first(2));
    db.execute(rows_of_an_old_plugin(""));
  }
  check_old_plugin(*opened(place.file(), "engine-1"));
}
