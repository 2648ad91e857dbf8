// The writes that concern leases: claims, grants, ends, cleanups, history.

#include "storage/postgres_lease_writes.hpp"

#include "storage/postgres_lease_questions.hpp"
#include "storage/postgres_lease_sql.hpp"
#include "storage/postgres_text.hpp"
#include "storage/store_texts.hpp"

#include <algorithm>
#include <optional>
#include <utility>

namespace leasehold {

namespace {

/// Milliseconds from the batch's time on; none for zero.
std::optional<int64_t> later(milliseconds in) {
  return in.count() == 0 ? std::nullopt : std::optional{in.count()};
}

/// When the janitor may try again, in milliseconds from the batch's time on, if
/// the cleanup is owed at all.
std::optional<int64_t> next_try(cleanup_status cleanup,
                                const std::optional<milliseconds>& in) {
  if (cleanup != cleanup_status::failed || !in)
    return std::nullopt;
  return in->count();
}

/// The whole text, or none.
std::optional<std::string> unless_empty(const std::string& x) {
  return x.empty() ? std::nullopt : std::optional{x};
}

} // namespace

postgres_lease_writes::postgres_lease_writes(postgres::connection& db,
                                             instance_id self)
  : db_{db}, self_{std::move(self)} {
  // nop
}

void note_outcomes(postgres::rows changed, postgres_batch& batch) {
  while (changed.next()) {
    size_t n = 0;
    written what;
    changed.read(n, what.fence, what.at);
    batch.outcomes.at(n) = what;
  }
}

void postgres_lease_writes::run(const pg::lease_statement& sql,
                                const postgres::table& rows,
                                postgres_batch& batch) {
  if (batch.committed)
    return;
  postgres::parameters with{batch.now, self_, batch.fences, batch.writer,
                            batch.number};
  rows.append_to(with);
  const auto& alone = rows.size() == 1 ? sql.alone_of_one : sql.alone;
  note_outcomes(db_.run(batch.alone ? alone : sql.within, with), batch);
  batch.committed = batch.alone;
}

// -- grants -------------------------------------------------------------------

void postgres_lease_writes::write(const chosen<insert_lease>& all,
                                  postgres_batch& batch) {
  postgres::table rows{24};
  auto claims = batch.carefully;
  for (const auto& [n, x] : all) {
    auto& row = x->row;
    claims = claims || !x->claims.empty();
    if (has_ended(row.status))
      continue;
    rows.add(n, row.id, x->claims, row.company, row.environment, row.workspace,
             row.issue, row.run, row.status, row.policy, row.provider,
             row.resource, row.exclusive, batch.turns[n], row.owner,
             row.fingerprint, row.metadata, later(x->expires_in),
             row.expires_at, later(x->deadline_in), mended(x->note),
             x->plugin.id, x->plugin.updated_at, row.reattach_grace.count());
  }
  run(claims ? pg::insert_leases : pg::insert_unclaimed_leases, rows, batch);
  explain(all, batch, [this](const auto& x) { return not_inserted(x); });
}

failure postgres_lease_writes::not_inserted(const insert_lease& x) {
  if (has_ended(x.row.status))
    return cannot_begin(x.row);
  auto& row = x.row;
  if (auto why = unfit_plugin(x))
    return *why;
  if (!x.claims.empty() && !is_claimable(x.claims))
    return conflict("claimed", x.claims, 0);
  auto other = row.exclusive && !row.resource.empty()
                 ? holder(row.id, row.resource, row.provider, x.plugin.id)
                 : lease_id{};
  if (!other.empty() && other != x.claims)
    return held_by("inserted", row.id, other);
  auto message = cannot_be("inserted", row.id);
  if (db_.run(pg::read_state, postgres::parameters{row.id}).next())
    return {ec::conflict, message + ": a lease with this id exists."};
  if (!row.environment.empty()
      && !db_.run(pg::find_environment, postgres::parameters{row.environment})
            .next())
    return {ec::conflict, message + ": its environment no longer exists."};
  return {ec::conflict, message
                          + ": another engine has changed what it needs "
                            "at this moment. Try again."};
}

std::optional<failure>
postgres_lease_writes::unfit_plugin(const insert_lease& x) {
  if (x.plugin.id.empty())
    return std::nullopt;
  auto found
    = db_.run(pg::read_plugin_state, postgres::parameters{x.plugin.id});
  if (!found.next())
    return plugin_unfit(x, std::nullopt);
  plugin_row now;
  found.read(now.key, now.status, now.updated_at);
  return plugin_unfit(x, now);
}

void postgres_lease_writes::write(const chosen<reacquire_lease>& all,
                                  postgres_batch& batch) {
  postgres::table rows{9};
  for (const auto& [n, x] : all)
    if (hold_death(n, x->lease.id, x->dead_owner, batch))
      rows.add(n, x->lease.id, x->lease.fence, x->run, batch.turns[n], x->owner,
               later(x->expires_in), x->reattach_grace.count(),
               mended(x->note));
  run(pg::reacquire_leases, rows, batch);
  explain(all, batch, [this](const auto& x) {
    return conflict("reacquired", x.lease.id, x.lease.fence);
  });
}

void postgres_lease_writes::write(const chosen<activate_lease>& all,
                                  postgres_batch& batch) {
  postgres::table rows{7};
  for (const auto& [n, x] : all)
    rows.add(n, x->lease.id, x->lease.fence, x->resource, x->metadata,
             x->expires_at, mended(x->note));
  run(pg::activate_leases, rows, batch);
  explain(all, batch, [this](const auto& x) { return not_activated(x); });
}

failure postgres_lease_writes::not_activated(const activate_lease& x) {
  lease_row now;
  auto found = db_.run(pg::read_state, postgres::parameters{x.lease.id});
  if (found.next())
    found.read(now.status, now.fence);
  if (now.status == lease_status::acquiring && now.fence == x.lease.fence)
    if (auto other = holder(x.lease.id, x.resource, {}); !other.empty())
      return held_by("activated", x.lease.id, other);
  return conflict("activated", x.lease.id, x.lease.fence);
}

// -- resources that did not come back -----------------------------------------

void postgres_lease_writes::write(const chosen<give_up_resource>& all,
                                  postgres_batch& batch) {
  // Two rows that must change both or neither; rare enough to go one by one.
  for (const auto& [n, x] : all) {
    postgres::savepoint all_or_nothing{db_};
    give_up(n, *x, batch);
    if (batch.outcomes[n])
      all_or_nothing.keep();
  }
}

void postgres_lease_writes::give_up(size_t n, const give_up_resource& x,
                                    postgres_batch& batch) {
  using fate = give_up_resource::fate;
  postgres::table lease{4};
  lease.add(n, x.lease.id, x.lease.fence, mended(x.note));
  run(pg::give_up_resources, lease, batch);
  if (!batch.outcomes[n]) {
    batch.outcomes[n] = conflict("changed", x.lease.id, x.lease.fence);
    return;
  }
  auto cleanup = cleanup_status::none;
  std::optional<int64_t> next;
  if (x.what == fate::gone) {
    cleanup = cleanup_status::success;
  } else if (x.what == fate::owed) {
    cleanup = cleanup_status::failed;
    next = 0;
  }
  postgres::table from{6};
  from.add(n, x.claimed_from, x.what == fate::parked, cleanup, next,
           "given back by " + x.lease.id.value);
  batch.outcomes[n] = failure{};
  run(pg::give_back_resources, from, batch);
  if (batch.outcomes[n])
    batch.outcomes[n] = written{*batch.now, x.lease.fence};
  else
    batch.outcomes[n] = conflict("given its resource back", x.claimed_from, 0);
}

// -- life and end -------------------------------------------------------------

void postgres_lease_writes::write(const chosen<extend_lease>& all,
                                  postgres_batch& batch) {
  postgres::table rows{5};
  for (const auto& [n, x] : all)
    rows.add(n, x->lease.id, x->lease.fence, x->expires_in.count(),
             mended(x->note));
  run(pg::extend_leases, rows, batch);
  explain(all, batch, [this](const auto& x) {
    return conflict("extended", x.lease.id, x.lease.fence);
  });
}

void postgres_lease_writes::write(const chosen<describe_lease>& all,
                                  postgres_batch& batch) {
  postgres::table rows{5};
  for (const auto& [n, x] : all)
    rows.add(n, x->lease.id, x->lease.fence, x->metadata, mended(x->note));
  run(pg::describe_leases, rows, batch);
  explain(all, batch, [this](const auto& x) {
    return conflict("described", x.lease.id, x.lease.fence);
  });
}

void postgres_lease_writes::write(const chosen<end_lease>& all,
                                  postgres_batch& batch) {
  postgres::table rows{12};
  for (const auto& [n, x] : all) {
    if (!hold_death(n, x->lease.id, x->dead_owner, batch))
      continue;
    auto parked_for = x->parked ? later(x->parked_for) : std::nullopt;
    auto cleanup = x->parked ? cleanup_status::none : x->cleanup;
    auto next = next_try(cleanup, x->next_cleanup_in);
    for (auto from : x->from)
      rows.add(n, x->lease.id, x->lease.fence, from, x->to,
               mended(x->failure_reason), cleanup, next, x->parked, x->resource,
               parked_for, mended(x->note));
  }
  run(pg::end_leases, rows, batch);
  explain(all, batch, [this](const auto& x) {
    return conflict("ended", x.lease.id, x.lease.fence);
  });
}

void postgres_lease_writes::write(const chosen<record_cleanup>& all,
                                  postgres_batch& batch) {
  postgres::table rows{7};
  for (const auto& [n, x] : all)
    rows.add(n, x->lease, x->outcome, x->attempted ? 1 : 0,
             next_try(x->outcome, x->next_cleanup_in), x->resource,
             mended(x->note));
  run(pg::record_cleanups, rows, batch);
  explain(all, batch,
          [this](const auto& x) { return conflict("cleaned up", x.lease, 0); });
}

void postgres_lease_writes::write(const chosen<owe_cleanup>& all,
                                  postgres_batch& batch) {
  postgres::table rows{5};
  for (const auto& [n, x] : all)
    rows.add(n, x->lease, x->next_cleanup_in.count(), mended(x->reason),
             mended(x->note));
  run(pg::owe_cleanups, rows, batch);
  explain(all, batch, [this](const auto& x) {
    return conflict("handed to the janitor", x.lease, 0);
  });
}

void postgres_lease_writes::write(const chosen<take_fence>& all,
                                  postgres_batch& batch) {
  postgres::table rows{4};
  for (const auto& [n, x] : all)
    rows.add(n, x->lease, batch.turns[n], x->resource);
  run(pg::take_fences, rows, batch);
  explain(all, batch, [this](const auto& x) {
    return x.resource.empty() ? conflict("cleaned up", x.lease, 0)
                              : held_by_another(x);
  });
}

// -- explanations -------------------------------------------------------------

failure postgres_lease_writes::conflict(std::string_view verb,
                                        const lease_id& who, fence_no asked) {
  auto found = db_.run(pg::read_state, postgres::parameters{who});
  if (!found.next())
    return guard_failed(verb, who, std::nullopt, asked);
  lease_row row;
  found.read(row.status, row.fence, row.parked, row.cleanup);
  return guard_failed(verb, who, row, asked);
}

bool postgres_lease_writes::is_claimable(const lease_id& who) {
  lease_row row;
  auto found = db_.run(pg::read_state, postgres::parameters{who});
  if (found.next())
    found.read(row.status, row.fence, row.parked, row.cleanup);
  return row.parked
         || (row.status == lease_status::retained
             && row.cleanup == cleanup_status::none);
}

lease_id postgres_lease_writes::holder(const lease_id& who,
                                       const resource_id& resource,
                                       const std::string& provider,
                                       const plugin_id& plugin) {
  lease_id out;
  auto found = db_.run(
    pg::find_holder,
    postgres::parameters{who, resource, unless_empty(provider), plugin});
  if (found.next())
    found.read(out);
  return out;
}

failure postgres_lease_writes::held_by(std::string_view verb,
                                       const lease_id& who,
                                       const lease_id& other,
                                       const std::string& detail) {
  return {ec::conflict,
          cannot_be(verb, who) + ": its resource is held by lease \""
            + other.value + "\".",
          detail};
}

failure postgres_lease_writes::refused(const postgres::error& why,
                                       const insert_lease& x) {
  auto out = not_inserted(x);
  out.detail = why.what();
  return out;
}

failure postgres_lease_writes::refused(const postgres::error& why,
                                       const activate_lease& x) {
  auto other = holder(x.lease.id, x.resource, {});
  return held_by("activated", x.lease.id, other, why.what());
}

failure postgres_lease_writes::refused(const postgres::error& why,
                                       const give_up_resource& x) {
  auto other = holder(x.claimed_from, {}, {});
  return held_by("parked again", x.claimed_from, other, why.what());
}

failure postgres_lease_writes::refused(const postgres::error& why,
                                       const end_lease& x) {
  auto other = holder(x.lease.id, x.resource, {});
  return held_by("ended", x.lease.id, other, why.what());
}

failure postgres_lease_writes::refused(const postgres::error& why,
                                       const record_cleanup& x) {
  auto other = holder(x.lease, x.resource, {});
  return held_by("cleaned up", x.lease, other, why.what());
}

} // namespace leasehold
