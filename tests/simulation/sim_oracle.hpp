#pragma once

// What must be true, whatever happens: the promises of docs/promises.md,
// checked when something happens that could break them. Knows every row that
// was ever written, everything that the provider made, and what each run was
// told.

#include "messages/command.hpp"
#include "messages/lease.hpp"
#include "messages/store.hpp"
#include "tests/simulation/database.hpp"
#include "tests/simulation/line_watch.hpp"
#include "tests/simulation/sim_provider.hpp"
#include "tests/simulation/surroundings.hpp"

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace leasehold::sim {

/// A promise that was not kept.
struct violation {
  /// Its number in docs/promises.md.
  int promise = 0;
  std::string words;
};

/// What the promise of this number says, in a few words.
std::string name_of_promise(int number);

class oracle {
public:
  oracle(surroundings& around, database& rows, provider& cloud);

  /// The first promise that was broken, if any.
  [[nodiscard]] const std::optional<violation>& broken() const {
    return broken_;
  }

  void break_promise(int promise, std::string words);

  /// What is known of those who want a lease.
  [[nodiscard]] line_watch& line() {
    return line_;
  }

  // -- the database -----------------------------------------------------------

  void on_written(const std::vector<store_write>& batch,
                  const std::vector<result<written>>& how);

  /// As of the last write.
  [[nodiscard]] const std::map<lease_id, lease_row>& rows() const {
    return rows_;
  }

  // -- what runs ask and are told ---------------------------------------------

  /// Whether this handle had lost its lease when a verb was sent with it.
  [[nodiscard]] bool is_over(const lease_handle& handle) const;

  /// Whether a later grant has followed this one.
  [[nodiscard]] bool is_stale(const lease_handle& handle) const;

  void on_granted(const lease_granted& what, const std::string& company);

  /// Its run has come back for this lease to this engine.
  void on_reattached(const lease_granted& what, const instance_id& engine);

  /// Somebody who may has asked for this lease to end.
  void on_end_asked(const lease_id& which);

  /// Its end was asked of another engine than the one that holds it, which does
  /// not hear of it.
  void on_end_asked_elsewhere(const lease_id& which);

  void on_ended(const lease_ended& how);

  /// A verb was answered with yes. `over` is what `is_over` said when it was
  /// sent.
  void on_obeyed(const std::string& verb, const lease_handle& handle,
                 bool over);

  void on_execute_asked(const execution_id& which, const lease_handle& handle);

  void on_executed(const execution_id& which,
                   const result<command_result>& how);

  // -- in the end -------------------------------------------------------------

  /// What is not as it must be once the world has been well for a while;
  /// nothing if all is well.
  [[nodiscard]] std::optional<violation> unresolved(milliseconds healed_at,
                                                    bool live_rows_too) const;

  /// What has waited for its next run for longer than it may; nothing if all is
  /// well.
  [[nodiscard]] std::optional<violation>
  outstayed(milliseconds healed_at) const;

  /// Whether there are rows that will change without being asked to: they are
  /// being acquired, have an end, or belong to a dead engine.
  [[nodiscard]] bool has_passing_rows() const;

private:
  struct asked_command {
    lease_handle handle;
    bool over = false;
  };

  void watch_provider();
  void on_made(const resource& what);
  void on_begun(const resource& where, const provider_call& who,
                const std::string& which);
  void on_removed(const resource& what, const provider_call& who);
  void on_parked(const resource& what, const provider_call& who);
  void check_fence(const provider_call& who, const std::string& verb);

  /// Takes over a row that has been written, and compares it with what it was.
  void take(lease_row row);
  void check_holders(const lease_row& row);
  void check_owner(const lease_row& before, const lease_row& now);

  /// Whether a row leads to this resource.
  [[nodiscard]] bool is_led_to(const resource& what) const;
  void check_led_to(const std::string& resource);

  /// Whether its time has been up for too long.
  [[nodiscard]] bool is_late(const lease_row& row) const;

  [[nodiscard]] const lease_row* find(const lease_id& which) const;
  [[nodiscard]] const lease_row* holder_of(const std::string& resource) const;

  surroundings& around_;
  database& database_;
  provider& cloud_;
  std::optional<violation> broken_;
  line_watch line_;
  std::map<lease_id, lease_row> rows_;
  /// Which leases have had this resource in their row.
  std::map<std::string, std::set<lease_id>> by_resource_;
  /// What was made for a lease.
  std::map<lease_id, std::vector<std::string>> made_for_;
  std::set<lease_id> end_asked_;
  std::set<lease_id> end_asked_elsewhere_;
  std::map<execution_id, asked_command> commands_;
};

} // namespace leasehold::sim
