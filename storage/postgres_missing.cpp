// Stands in for the PostgreSQL store in builds without it.

#include "storage/store.hpp"

namespace leasehold {

result<std::unique_ptr<store>>
open_postgres_store(const std::string&, const instance_id&, life_options) {
  return failure{ec::store_unusable,
                 "This build has no PostgreSQL store. Give the path of an "
                 "SQLite database, or build with LEASEHOLD_POSTGRES=ON."};
}

} // namespace leasehold
