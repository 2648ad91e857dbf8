#include "actors/engine_store.hpp"

#include <chrono>
#include <utility>

namespace leasehold {

namespace {

timestamp wall_clock() {
  auto now = std::chrono::system_clock::now().time_since_epoch();
  return {std::chrono::duration_cast<milliseconds>(now).count()};
}

} // namespace

result<std::unique_ptr<store>> open_engine_store(const options& x,
                                                 const instance_id& self,
                                                 life_options life) {
  auto is_url = x.store.starts_with("postgres://")
                || x.store.starts_with("postgresql://");
  return is_url ? open_postgres_store(x.store, self, std::move(life))
                : open_sqlite_store(x.store, self, wall_clock);
}

} // namespace leasehold
