#include "storage/postgres_writer.hpp"

#include "storage/postgres_errors.hpp"
#include "storage/postgres_history.hpp"
#include "storage/postgres_plan.hpp"
#include "storage/postgres_text.hpp"

#include <type_traits>
#include <utility>

namespace leasehold {

namespace {

using outcomes = std::vector<result<written>>;

/// What a batch of several statements begins with: its mark, and the server's
/// time. Parsed and planned once a session.
constexpr const char* prepare_begin = R"(
PREPARE begin_batch (uuid, bigint) AS
  WITH marked AS (UPDATE batches SET last = $2 WHERE writer = $1)
  SELECT 0::bigint, floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint;
PREPARE begin_grants (uuid, bigint, bigint) AS
  WITH marked AS (UPDATE batches SET last = $2 WHERE writer = $1),
    taken AS (UPDATE fences SET last = last + $3 RETURNING last - $3 AS fence)
  SELECT (SELECT fence FROM taken),
    floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint)";

/// Each command in a group of its own, in the batch's order.
std::vector<write_group> one_by_one(const std::vector<bool>& wanted) {
  std::vector<write_group> out;
  for (size_t i = 0; i < wanted.size(); ++i)
    if (wanted[i])
      out.push_back({i});
  return out;
}

/// Shares fences out, in the batch's order: each command that needs one has its
/// turn.
void share_fences(std::span<const store_write> batch,
                  const std::vector<bool>& wanted, postgres_batch& into) {
  into.fences = 0;
  into.turns.assign(batch.size(), 0);
  for (size_t i = 0; i < batch.size(); ++i)
    if (wanted[i] && is_grant(batch[i]))
      into.turns[i] = ++into.fences;
}

template <class T>
constexpr bool is_about_leases
  = requires(postgres_lease_writes& with, postgres_batch& batch) {
  with.write(chosen<T>{}, batch);
};

} // namespace

postgres_writer::tools::tools(std::unique_ptr<postgres::connection> session,
                              const instance_id& self)
  : db{std::move(session)}, leases{*db, self}, catalog{*db}, secrets{*db} {
  // nop
}

postgres_writer::postgres_writer(postgres_place where, instance_id self,
                                 std::unique_ptr<postgres::connection> session)
  : where_{std::move(where)}, self_{std::move(self)} {
  auto made = session->run("INSERT INTO batches (writer, last) VALUES "
                           "(gen_random_uuid(), 0) RETURNING writer");
  made.next();
  made.read(writer_);
  take(std::move(session));
}

postgres_writer::~postgres_writer() {
  try {
    if (tools_)
      tools_->db->run("DELETE FROM batches WHERE writer = '" + writer_ + "'");
  } catch (const postgres::error&) {
    // A row too many harms nobody.
  }
}

// -- batches ------------------------------------------------------------------

outcomes postgres_writer::apply(std::span<const store_write> batch) {
  outcomes unfit(batch.size());
  for (size_t i = 0; i < batch.size(); ++i)
    if (auto why = why_unfit(batch[i]))
      unfit[i] = *why;
  retry_budget budget{where_.settings.retry_for};
  attempt it;
  for (;;) {
    try {
      write_all(batch, unfit, it);
      return std::move(it.batch.outcomes);
    } catch (const postgres::error& e) {
      if (auto why = after(e, it, budget))
        return give_up(it, batch.size(), *why);
      if (it.committing)
        return std::move(it.batch.outcomes);
    }
  }
}

void postgres_writer::write_all(std::span<const store_write> batch,
                                const outcomes& unfit, attempt& it) {
  std::vector<bool> wanted(batch.size());
  for (size_t i = 0; i < batch.size(); ++i)
    wanted[i] = unfit[i].error().code == ec::none;
  auto groups = it.carefully ? one_by_one(wanted) : plan_groups(batch, wanted);
  auto alone
    = !it.carefully && groups.size() == 1 && goes_alone(batch, groups.front());
  // Called again after a commit, this explains what has no outcome yet.
  if (!it.batch.committed) {
    it.batch.outcomes = unfit;
    it.batch.writer = writer_;
    it.batch.number = ++last_number_;
    it.batch.carefully = it.carefully;
    it.batch.alone = alone;
    it.batch.dead.clear();
    it.batch.now.reset();
    if (where_.settings.clock)
      it.batch.now = where_.settings.clock();
    share_fences(batch, wanted, it.batch);
  }
  session();
  if (alone)
    write_alone(batch, groups.front(), it);
  else if (!groups.empty())
    write_together(batch, groups, it);
}

void postgres_writer::write_alone(std::span<const store_write> batch,
                                  const write_group& group, attempt& it) {
  // Whoever has lost the session before it says anything need not ask what
  // became of it.
  tools_->db->listen();
  it.committing = !it.batch.committed;
  write_group_of(batch, group, it.batch);
}

void postgres_writer::write_together(std::span<const store_write> batch,
                                     const std::vector<write_group>& groups,
                                     attempt& it) {
  begin(it.batch);
  for (const auto& group : groups)
    if (it.carefully)
      write_carefully(batch, group.front(), it.batch);
    else
      write_group_of(batch, group, it.batch);
  it.committing = true;
  tools_->db->run("COMMIT");
}

void postgres_writer::begin(postgres_batch& it) {
  // The row of fences stays locked until we commit: whoever takes a larger
  // fence commits later.
  auto with = "('" + it.writer + "', " + std::to_string(it.number);
  auto begin = it.fences == 0 ? "begin_batch " + with + ")"
                              : "begin_grants " + with + ", "
                                  + std::to_string(it.fences) + ")";
  auto found = tools_->db->run("BEGIN; EXECUTE " + begin);
  timestamp now;
  found.next();
  found.read(it.fences, now);
  if (!it.now)
    it.now = now;
}

// -- commands -----------------------------------------------------------------

void postgres_writer::write_group_of(std::span<const store_write> batch,
                                     const write_group& group,
                                     postgres_batch& into) {
  std::visit(
    [&]<class Write>(const Write&) {
      if constexpr (is_about_leases<Write>)
        write<Write>(batch, group, into);
      else
        write_carefully(batch, group.front(), into);
    },
    batch[group.front()]);
}

template <class Write>
void postgres_writer::write(std::span<const store_write> batch,
                            const write_group& group, postgres_batch& into) {
  chosen<Write> all;
  all.reserve(group.size());
  for (auto n : group)
    all.emplace_back(n, &std::get<Write>(batch[n]));
  tools_->leases.write(all, into);
}

/// The id of what a write removes; empty for all others.
template <class Write>
std::string target_of_removal(const Write& x) {
  if constexpr (requires { x.id.value; })
    return x.id.value;
  else
    return {};
}

template <class Write>
result<written> postgres_writer::tools::write(const Write& x, timestamp now) {
  if constexpr (requires { secrets.write(x, now); })
    return secrets.write(x, now);
  else if constexpr (std::is_same_v<Write, prune_history>)
    return postgres_history{*db}.write(x, now);
  else {
    auto how = catalog.write(x, now);
    if constexpr (std::is_same_v<Write, put_environment>)
      return how ? secrets.attach(x, now) : how;
    if (how && std::is_same_v<Write, remove_environment>)
      secrets.forget(secret_target::environment, target_of_removal(x));
    if (how && std::is_same_v<Write, remove_plugin>)
      secrets.forget(secret_target::plugin, target_of_removal(x));
    return how;
  }
}

void postgres_writer::write_carefully(std::span<const store_write> batch,
                                      size_t n, postgres_batch& into) {
  auto one = [&]<class Write>(const Write& x) {
    try {
      postgres::savepoint undo{*tools_->db};
      if constexpr (is_about_leases<Write>)
        tools_->leases.write(chosen<Write>{{n, &x}}, into);
      else
        into.outcomes[n] = tools_->write(x, *into.now);
      // What refused may have changed something before.
      if (is_about_leases<Write> || into.outcomes[n])
        undo.keep();
    } catch (const postgres::error& e) {
      if (!e.refused_row())
        throw;
      // Locks that were taken since then are free again.
      into.dead.clear();
      into.outcomes[n] = refused(e, x);
    }
  };
  std::visit(one, batch[n]);
}

template <class Write>
failure postgres_writer::refused(const postgres::error& why, const Write& x) {
  if constexpr (requires { tools_->leases.refused(why, x); })
    return tools_->leases.refused(why, x);
  else if constexpr (requires { tools_->catalog.refused(why, x); })
    return tools_->catalog.refused(why, x);
  else
    throw why;
}

// -- when it goes wrong -------------------------------------------------------

postgres_writer::tools& postgres_writer::session(bool only_to_look) {
  if (!tools_ || tools_->db->lost()) {
    tools_.reset();
    auto db = connect(where_);
    if (!only_to_look)
      expect_writable(*db);
    take(std::move(db));
  }
  return *tools_;
}

void postgres_writer::take(std::unique_ptr<postgres::connection> session) {
  auto& db = *session;
  // The server may not have noticed that we left. What we did there holds locks
  // that we need now, and may still be committed.
  if (backend_.pid != 0)
    db.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
           "WHERE pid = $1::int AND floor(extract(epoch FROM backend_start) "
           "* 1000000)::bigint = $2::bigint",
           postgres::parameters{backend_.pid, backend_.started});
  auto found = db.run("SELECT pid, floor(extract(epoch FROM backend_start) "
                      "* 1000000)::bigint FROM pg_stat_activity "
                      "WHERE pid = pg_backend_pid()");
  if (found.next())
    found.read(backend_.pid, backend_.started);
  // A session has this for as long as it lasts: the old one is over.
  db.run("SELECT pg_advisory_lock("
         "hashtextextended('leasehold writer ' || $1::text, 0))",
         postgres::parameters{writer_});
  db.run(prepare_begin);
  tools_.emplace(std::move(session), self_);
}

std::optional<failure> postgres_writer::after(const postgres::error& e,
                                              attempt& it,
                                              retry_budget& budget) {
  auto unconfirmed
    = std::exchange(it.committing, false) && e.lost() && !it.batch.committed;
  if (tools_)
    tools_->db->roll_back();
  if (unconfirmed) {
    auto what = find_out(it);
    it.committing = what == fate::committed && !it.batch.alone;
    if (what == fate::committed)
      return std::nullopt;
    if (what == fate::unknown)
      return failure{ec::commit_unknown,
                     "Store \"" + where_.url.where
                       + "\": the connection was lost during a commit, and "
                         "nobody could say whether it happened. Look at what "
                         "is there before you repeat anything.",
                     without_secrets(e.what(), where_.url)};
  }
  if (e.refused_row() && !it.carefully) {
    it.carefully = true;
    return std::nullopt;
  }
  // By the next time another server may take writes, or this one again.
  if (e.state() == postgres::read_only)
    tools_.reset();
  if (is_passing(e) && budget.wait())
    return std::nullopt;
  return to_failure(where_.url, e);
}

outcomes postgres_writer::give_up(attempt& it, size_t count,
                                  const failure& why) {
  if (!it.batch.committed)
    return outcomes(count, why);
  for (auto& x : it.batch.outcomes)
    if (!x && x.error().code == ec::none)
      x = why;
  return std::move(it.batch.outcomes);
}

postgres_writer::fate postgres_writer::find_out(attempt& it) {
  retry_budget budget{where_.settings.retry_for};
  while (budget.wait()) {
    try {
      auto& db = *session(true).db;
      postgres::parameters who{writer_};
      auto last = db.run("SELECT last, pg_is_in_recovery() FROM batches "
                         "WHERE writer = $1::uuid",
                         who);
      int64_t number = 0;
      auto standby = false;
      if (!last.next())
        return fate::unknown;
      last.read(number, standby);
      // It may not have heard of it yet; perhaps it takes over meanwhile.
      if (standby && number < it.batch.number)
        continue;
      if (number < it.batch.number)
        return fate::undone;
      if (it.batch.alone)
        note_outcomes(db.run(pg::read_mark, who), it.batch);
      it.batch.committed = it.batch.alone;
      return fate::committed;
    } catch (const postgres::error& e) {
      if (!is_passing(e))
        return fate::unknown;
    }
  }
  return fate::unknown;
}

} // namespace leasehold
