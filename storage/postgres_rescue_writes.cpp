// The writes that save what nobody minds: leases of dead engines, resources
// that came up late, leftovers that somebody has seen to be gone.

#include "storage/postgres_lease_questions.hpp"
#include "storage/postgres_lease_sql.hpp"
#include "storage/postgres_lease_writes.hpp"
#include "storage/postgres_text.hpp"
#include "storage/store_texts.hpp"

namespace leasehold {

bool postgres_lease_writes::hold_death(size_t n, const lease_id& lease,
                                       const instance_id& engine,
                                       postgres_batch& batch) {
  if (engine.empty())
    return true;
  auto [known, is_new] = batch.dead.try_emplace(engine);
  if (is_new) {
    auto answer = db_.run(pg::hold_death, postgres::parameters{engine});
    answer.next();
    answer.read(known->second);
  }
  if (!known->second)
    batch.outcomes[n]
      = failure{ec::conflict, cannot_be("taken over", lease) + ": its engine "
                                + engine.value + " lives after all."};
  return known->second;
}

void postgres_lease_writes::write(const chosen<await_run>& all,
                                  postgres_batch& batch) {
  postgres::table rows{5};
  for (const auto& [n, x] : all)
    if (hold_death(n, x->lease.id, x->dead_owner, batch))
      rows.add(n, x->lease.id, x->lease.fence, x->grace.count(),
               mended(x->note));
  run(pg::await_runs, rows, batch);
  explain(all, batch, [this](const auto& x) {
    return conflict("kept for its run", x.lease.id, x.lease.fence);
  });
}

void postgres_lease_writes::write(const chosen<adopt_late>& all,
                                  postgres_batch& batch) {
  postgres::table rows{6};
  for (const auto& [n, x] : all)
    rows.add(n, x->lease, x->resource, x->as, batch.turns[n], mended(x->note));
  run(pg::adopt_late, rows, batch);
  explain(all, batch, [](const auto& x) { return has_a_row(x); });
}

void postgres_lease_writes::write(const chosen<confirm_gone>& all,
                                  postgres_batch& batch) {
  postgres::table rows{3};
  for (const auto& [n, x] : all)
    rows.add(n, x->lease, mended(x->note));
  run(pg::confirm_gone, rows, batch);
  explain(all, batch, [this](const auto& x) {
    return conflict("marked as gone", x.lease, 0);
  });
}

failure postgres_lease_writes::refused(const postgres::error& why,
                                       const adopt_late& x) {
  auto out = has_a_row(x);
  out.detail = why.what();
  return out;
}

} // namespace leasehold
