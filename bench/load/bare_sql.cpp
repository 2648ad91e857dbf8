#include "bench/load/bare_sql.hpp"

#include "bench/load/engine_stage.hpp"
#include "bench/load/small_things.hpp"

#include <chrono>

namespace leasehold::bench {

void bare_sql::write(size_t begun, size_t ended) {
  std::deque<bare_lease> fresh(begun);
  for (auto& x : fresh) {
    x.id = random_uuid(dice_);
    x.fence = ++last_fence_;
  }
  auto last = live_.begin() + static_cast<std::ptrdiff_t>(ended);
  std::deque<bare_lease> old{live_.begin(), last};
  begin_transaction();
  if (begun > 0)
    insert(fresh);
  if (ended > 0)
    end(old);
  commit();
  live_.erase(live_.begin(), last);
  live_.insert(live_.end(), fresh.begin(), fresh.end());
}

std::unique_ptr<bare_sql> open_bare_sql(const store_place& where) {
  return where.kind == "sqlite" ? open_bare_sqlite(where.url)
                                : open_bare_postgres(where.url);
}

void prepare_by_engine(const store_place& where) {
  engine it{options_for(where)};
  add_fake(it);
  auto held = it.acquire({.environment = "box", .run = "run-0"}).get().value();
  it.release(held).get().value();
}

load_result bare_cycles(bare_sql& with, size_t batch, double seconds) {
  using steady = std::chrono::steady_clock;
  auto begin = steady::now();
  load_result out;
  while (out.seconds < seconds) {
    with.write(batch, 0);
    with.write(0, batch);
    out.done += batch;
    out.seconds = std::chrono::duration<double>(steady::now() - begin).count();
  }
  return out;
}

} // namespace leasehold::bench
