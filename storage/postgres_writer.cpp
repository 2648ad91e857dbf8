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

/// What every batch begins with: its mark, and the server's time. Parsed and
/// planned once a session.
constexpr const char* prepare_begin = R"(
PREPARE begin_batch (uuid, bigint) AS
  WITH marked AS (
    INSERT INTO batches (writer, last) VALUES ($1, $2)
    ON CONFLICT (writer) DO UPDATE SET last = excluded.last)
  SELECT 0::bigint, floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint;
PREPARE begin_grants (uuid, bigint, bigint) AS
  WITH marked AS (
    INSERT INTO batches (writer, last) VALUES ($1, $2)
    ON CONFLICT (writer) DO UPDATE SET last = excluded.last
  ), taken AS (UPDATE fences SET last = last + $3 RETURNING last)
  SELECT (SELECT last FROM taken),
    floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint)";

/// Each command in a group of its own, in the batch's order.
std::vector<write_group> one_by_one(const std::vector<bool>& wanted) {
  std::vector<write_group> out;
  for (size_t i = 0; i < wanted.size(); ++i)
    if (wanted[i])
      out.push_back({i});
  return out;
}

/// Hands out the fences that end with `last`, in the batch's order.
std::vector<fence_no> share_fences(std::span<const store_write> batch,
                                   size_t count, fence_no last) {
  std::vector<fence_no> out(batch.size());
  auto next = last - count;
  for (size_t i = 0; i < batch.size(); ++i)
    if (count_grants(batch.subspan(i, 1)) > 0)
      out[i] = ++next;
  return out;
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
  take(std::move(session));
  auto made = tools_->db->run("INSERT INTO batches (writer, last) VALUES "
                              "(gen_random_uuid(), 0) RETURNING writer");
  made.next();
  made.read(writer_);
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
  if (batch.empty())
    return {};
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
        return outcomes(batch.size(), *why);
      if (it.committing)
        return std::move(it.batch.outcomes);
    }
  }
}

void postgres_writer::write_all(std::span<const store_write> batch,
                                const outcomes& unfit, attempt& it) {
  it.committing = false;
  it.batch.outcomes = unfit;
  it.batch.carefully = it.carefully;
  std::vector<bool> wanted(batch.size());
  for (size_t i = 0; i < batch.size(); ++i)
    wanted[i] = unfit[i].error().code == ec::none;
  auto& db = *session().db;
  begin(batch, it);
  if (it.carefully)
    for (const auto& group : one_by_one(wanted))
      write_carefully(batch, group.front(), it.batch);
  else
    for (const auto& group : plan_groups(batch, wanted))
      write_group_of(batch, group, it.batch);
  it.committing = true;
  db.run("COMMIT");
}

void postgres_writer::begin(std::span<const store_write> batch, attempt& it) {
  it.number = ++last_number_;
  it.batch.dead.clear();
  // The row of fences stays locked until we commit: whoever takes a larger
  // fence commits later.
  auto grants = count_grants(batch);
  auto with = "('" + writer_ + "', " + std::to_string(it.number);
  auto begin = grants == 0
                 ? "begin_batch " + with + ")"
                 : "begin_grants " + with + ", " + std::to_string(grants) + ")";
  auto found = tools_->db->run("BEGIN; EXECUTE " + begin);
  fence_no fence = 0;
  found.next();
  found.read(fence, it.batch.now);
  if (where_.settings.clock)
    it.batch.now = where_.settings.clock();
  it.batch.fences = share_fences(batch, grants, fence);
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
        into.outcomes[n] = tools_->write(x, into.now);
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

postgres_writer::tools& postgres_writer::session() {
  if (!tools_ || tools_->db->lost()) {
    tools_.reset();
    auto db = connect(where_);
    expect_writable(*db);
    take(std::move(db));
  }
  return *tools_;
}

void postgres_writer::take(std::unique_ptr<postgres::connection> session) {
  auto& db = *session;
  // The server may not have noticed that we left. What we did there holds locks
  // that we need now.
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
  db.run(prepare_begin);
  tools_.emplace(std::move(session), self_);
}

std::optional<failure> postgres_writer::after(const postgres::error& e,
                                              attempt& it,
                                              retry_budget& budget) {
  auto unconfirmed = std::exchange(it.committing, false) && e.lost();
  if (tools_)
    tools_->db->roll_back();
  if (unconfirmed) {
    auto what = find_out(it);
    it.committing = what == fate::committed;
    if (it.committing)
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
  if (is_passing(e) && budget.wait())
    return std::nullopt;
  return to_failure(where_.url, e);
}

postgres_writer::fate postgres_writer::find_out(const attempt& it) {
  retry_budget budget{where_.settings.retry_for};
  while (budget.wait()) {
    try {
      // If the old session is still at it, this waits for its end.
      auto last = session().db->run("SELECT last FROM batches WHERE writer = '"
                                    + writer_ + "' FOR UPDATE");
      int64_t number = 0;
      if (!last.next())
        return fate::unknown;
      last.read(number);
      return number < it.number ? fate::undone : fate::committed;
    } catch (const postgres::error& e) {
      if (!is_passing(e))
        return fate::unknown;
    }
  }
  return fate::unknown;
}

} // namespace leasehold
