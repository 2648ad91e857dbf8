// The conformance suite on PostgreSQL: one private server for the program, a
// database per case. Without PostgreSQL no case runs, and that is said.

#include "storage/postgres_store.hpp"
#include "tests/conformance/conforming.hpp"
#include "tests/support/postgres_server.hpp"
#include "tests/support/skipping.hpp"

namespace leasehold::test {

namespace {

const skipped_if no_postgres{postgres_is_missing};

} // namespace

struct suite_store::place {
  postgres_database database;
};

suite_store::suite_store() : place_{std::make_unique<place>()} {
  // nop
}

suite_store::~suite_store() = default;

std::string suite_store::url() const {
  return place_->database.url();
}

std::shared_ptr<store> suite_store::open_for(const instance_id& self,
                                             store_clock clock) const {
  return open_postgres_store(url(), self, {.clock = std::move(clock)}).value();
}

} // namespace leasehold::test
