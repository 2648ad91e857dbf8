// Mistakes that other systems have made with what they keep in a database, by
// the names that they have in docs/compatibility.md.

#include "storage/postgres_store.hpp"
#include "tests/store_contract.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/postgres_server.hpp"

using namespace leasehold;
using namespace leasehold::test;
using namespace std::chrono_literals;

namespace {

/// Whether `asker` takes the one lease there is for nobody's.
bool sees_nobodys(store& db, const std::string& asker) {
  auto answer = db.read(list_orphans{.asker = {asker}});
  REQUIRE(answer.has_value());
  return !std::get<lease_rows>(*answer).rows.empty();
}

} // namespace

TEST_CASE("trap: an engine whose PID another process has by now is dead",
          "[postgres_store][trap-7]") {
  if (postgres_is_missing())
    return;
  postgres_database place;
  auto opened = open_postgres_store(place.url(), {"near"}, {.death_grace = 1h});
  REQUIRE(opened.has_value());
  auto& db = **opened;
  auto row = a_lease("lease-1");
  row.environment = {};
  row.owner = {"gone"};
  std::vector<store_write> grant{insert_lease{.row = row, .note = "granted"}};
  REQUIRE(db.apply(grant).at(0));
  // It said that it is this very process.
  place.run("INSERT INTO engine_lives (id, process) "
            "SELECT 'gone', process FROM engine_lives WHERE id = 'near'");
  CHECK_FALSE(sees_nobodys(db, "near"));
  // One of the same number that was started at another time.
  place.run("UPDATE engine_lives SET process = "
            "regexp_replace(process, '[0-9]+$', '1') WHERE id = 'gone'");
  CHECK(sees_nobodys(db, "near"));
}
