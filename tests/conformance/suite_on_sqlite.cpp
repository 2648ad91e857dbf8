// The conformance suite on SQLite: a file per case.

#include "tests/conformance/conforming.hpp"

namespace leasehold::test {

struct suite_store::place {
  temp_dir folder;
};

suite_store::suite_store() : place_{std::make_unique<place>()} {
  // nop
}

suite_store::~suite_store() = default;

std::string suite_store::url() const {
  return place_->folder / "leasehold.db";
}

std::shared_ptr<store> suite_store::open_for(const instance_id& self,
                                             store_clock clock) const {
  return open_sqlite_store(url(), self, std::move(clock)).value();
}

} // namespace leasehold::test
