#pragma once

// The writes that concern leases, many of one kind at once, inside a
// transaction that somebody else has begun or as one of their own.

#include "messages/store.hpp"
#include "storage/postgres.hpp"
#include "storage/postgres_plan.hpp"
#include "storage/postgres_statement.hpp"

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace leasehold {

/// A batch under way.
struct postgres_batch {
  /// When it happens, by the store's clock; not known before if it is `alone`.
  std::optional<timestamp> now;
  /// The fence before the first that it takes; how many it takes, if `alone`.
  fence_no fences = 0;
  /// Which of them each command takes if it takes one; the first is 1.
  std::vector<fence_no> turns;
  /// One outcome per command.
  std::vector<result<written>> outcomes;
  /// Who writes it, and its number among the writer's.
  std::string writer;
  int64_t number = 0;
  /// Whether its only statement is all of the transaction.
  bool alone = false;
  /// Whether that has happened: what is left is to explain conflicts.
  bool committed = false;
  /// Engines that were asked whether they are dead; see `hold_death`.
  std::unordered_map<instance_id, bool> dead = {};
  /// Whether each command is looked at before the constraints refuse it.
  bool carefully = false;
};

/// Notes what the statements of leases answer.
void note_outcomes(postgres::rows changed, postgres_batch& batch);

/// Performs writes on leases. Every `write` takes commands of one kind that
/// touch different leases; it changes what they say, adds lines of history, and
/// sets their outcomes: a command whose guard does not hold is a `conflict` and
/// has changed nothing. Guards are part of the statements; rows are only read
/// to explain conflicts.
///
/// What the database refuses is thrown as `postgres::error`, and concerns the
/// whole transaction unless there was a savepoint.
class postgres_lease_writes {
public:
  /// `self` signs the history.
  postgres_lease_writes(postgres::connection& db, instance_id self);

  void write(const chosen<insert_lease>& all, postgres_batch& batch);
  void write(const chosen<reacquire_lease>& all, postgres_batch& batch);
  void write(const chosen<activate_lease>& all, postgres_batch& batch);
  void write(const chosen<give_up_resource>& all, postgres_batch& batch);
  void write(const chosen<end_lease>& all, postgres_batch& batch);
  void write(const chosen<extend_lease>& all, postgres_batch& batch);
  void write(const chosen<describe_lease>& all, postgres_batch& batch);
  void write(const chosen<record_cleanup>& all, postgres_batch& batch);
  void write(const chosen<owe_cleanup>& all, postgres_batch& batch);
  void write(const chosen<take_fence>& all, postgres_batch& batch);
  // In postgres_rescue_writes.cpp, as what they need.
  void write(const chosen<await_run>& all, postgres_batch& batch);
  void write(const chosen<adopt_late>& all, postgres_batch& batch);
  void write(const chosen<confirm_gone>& all, postgres_batch& batch);

  /// What a constraint's refusal means for the command that met it.
  failure refused(const postgres::error& why, const insert_lease& x);
  failure refused(const postgres::error& why, const activate_lease& x);
  failure refused(const postgres::error& why, const give_up_resource& x);
  failure refused(const postgres::error& why, const end_lease& x);
  failure refused(const postgres::error& why, const record_cleanup& x);
  failure refused(const postgres::error& why, const adopt_late& x);

private:
  /// Runs the statement on its rows, which begin with the numbers of their
  /// commands, and notes those that succeeded.
  void run(const pg::lease_statement& sql, const postgres::table& rows,
           postgres_batch& batch);

  /// Explains the commands that have no outcome yet.
  template <class Write, class Explain>
  void explain(const chosen<Write>& all, postgres_batch& batch,
               Explain explanation) {
    for (const auto& [n, x] : all)
      if (!batch.outcomes[n] && batch.outcomes[n].error().code == ec::none)
        batch.outcomes[n] = explanation(*x);
  }

  void give_up(size_t n, const give_up_resource& x, postgres_batch& batch);

  /// Why the plugin of a new lease does not do, if it does not.
  std::optional<failure> unfit_plugin(const insert_lease& x);

  /// Why a lease was not inserted.
  failure not_inserted(const insert_lease& x);

  /// Why a lease did not get its resource.
  failure not_activated(const activate_lease& x);

  failure conflict(std::string_view verb, const lease_id& who, fence_no asked);

  /// Sees to it that these engines stay dead until the transaction is over;
  /// notes the failure of a command whose engine lives. True if it may go on.
  bool hold_death(size_t n, const lease_id& lease, const instance_id& engine,
                  postgres_batch& batch);

  bool is_claimable(const lease_id& who);

  /// The lease that holds what `who` cannot have; empty if there is none.
  lease_id holder(const lease_id& who, const resource_id& resource,
                  const std::string& provider, const plugin_id& plugin = {});

  failure held_by(std::string_view verb, const lease_id& who,
                  const lease_id& other, const std::string& detail = {});

  postgres::connection& db_;
  instance_id self_;
};

} // namespace leasehold
