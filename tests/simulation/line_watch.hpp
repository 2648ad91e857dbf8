#pragma once

// What must be true of those who want a lease: promises 11 and 12. Limits are
// kept, companies take turns, everybody is answered in time, and nobody is
// refused because of a provider that is none of his business.

#include "messages/errors.hpp"
#include "messages/lease.hpp"
#include "tests/simulation/surroundings.hpp"

#include <functional>
#include <map>
#include <set>
#include <string>

namespace leasehold::sim {

class line_watch {
public:
  /// Told of a promise that is broken, and how.
  using complaint = std::function<void(int promise, std::string words)>;

  line_watch(surroundings& around, complaint complain);

  /// An acquire was sent to this engine.
  void on_asked(const acquire_lease& what, const instance_id& engine);

  /// A resume by id, which is not counted.
  void on_resume_asked(const lease_id& which);

  void on_answered(const lease_id& which, const failure& how);

  /// This row is new, or has changed.
  void on_row(const lease_row& row);

  /// To be asked once all of a transaction is known.
  void check_limits(const lease_row& row);

  /// It answers nobody any more.
  void on_engine_gone(const instance_id& which);

private:
  struct request {
    instance_id engine;
    company_id company;
    run_id run;
    size_t place = 0;
    /// When it must have been let in or refused.
    milliseconds due{0};
    /// From when on it is certain that it waits.
    milliseconds waits_from{0};
    /// How many of others may be let in before it, and were.
    size_t others_max = 0;
    size_t others = 0;
    bool recorded = false;
  };

  /// One engine's leases in one place.
  using counter = std::pair<instance_id, size_t>;

  struct counted {
    std::set<lease_id> all;
    std::set<lease_id> acquiring;
  };

  void check_turns(const lease_row& row);
  void check_recorded(const lease_id& which);
  void check_answered(const lease_id& which);
  [[nodiscard]] size_t others_before(const request& who) const;

  surroundings& around_;
  complaint complain_;
  std::map<lease_id, request> waiting_;
  /// How often each run has asked.
  std::map<run_id, size_t> asked_;
  std::map<counter, counted> living_;
  /// Who first wrote each row.
  std::map<lease_id, instance_id> makers_;
  std::set<lease_id> not_counted_;
};

} // namespace leasehold::sim
