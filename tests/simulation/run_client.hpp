#pragma once

// One run of the simulation: a scheduler's piece of work that takes leases,
// uses them and says how it ended, as its plan wants it. It believes only what
// it is told, and goes on when it is told nothing.

#include "tests/simulation/engine_play.hpp"
#include "tests/simulation/sim_oracle.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>

namespace leasehold::sim {

class run_client {
public:
  /// The engine of this number, or null while it is down.
  using engines = std::function<engine_play*(size_t)>;

  run_client(surroundings& around, oracle& truth, const run_plan& what,
             const plan& all, engines where);

  void begin();

  /// An engine has died. A run that may come back does not wait for its
  /// answers, and asks for what it held before it does anything else.
  void on_engine_death(size_t number);

  /// Whether it has done all that it had planned.
  [[nodiscard]] bool is_done() const {
    return done_;
  }

  [[nodiscard]] const run_id& run() const {
    return run_;
  }

private:
  void schedule_next();
  void take_step();
  void perform(const step& what);

  void acquire(milliseconds ttl, bool wait, milliseconds patience = {});
  acquire_lease prepare(milliseconds ttl, milliseconds patience);
  void flood();
  void cancel_acquire();
  void resume();
  void reattach();
  /// Asks for what it held, some times if need be; then goes on with `then`.
  void come_back(size_t tries, std::function<void()> then);
  void on_granted(const result<lease_granted>& how);
  void on_answered(const lease_id& asked, const result<lease_granted>& how);
  void execute(const std::string& command, bool wait);
  void realize();
  void renew();
  void cancel_commands();
  void release(release_status how, bool keep);
  void release_run();
  void destroy();
  void on_ended(const result<lease_ended>& how);

  /// Sends a verb; `then` gets the answer if there is one. The next step comes
  /// after it, or once patience has ended.
  template <class Reply, class Message>
  void send(const std::string& verb, Message what,
            std::function<void(const result<Reply>&)> then, bool wait = true);

  /// The same, whatever the next step is.
  template <class Reply, class Message>
  void ask(const std::string& verb, Message what,
           std::function<void(const result<Reply>&)> then);

  void go_on(size_t step);

  [[nodiscard]] std::string name(const char* kind);

  surroundings& around_;
  oracle& truth_;
  const run_plan& plan_;
  size_t engines_max_;
  engines where_;
  run_id run_;
  size_t engine_;
  size_t next_ = 0;
  /// Which step is waited for.
  size_t waiting_ = 0;
  size_t last_name_ = 0;
  bool done_ = false;
  std::optional<lease_handle> lease_;
  /// The handle before that one.
  std::optional<lease_handle> old_;
  /// The one that this step goes by.
  std::optional<lease_handle> used_;
  /// The last lease that it asked for.
  lease_id last_lease_;
  /// Every lease that it ever asked for.
  std::set<lease_id> asked_;
  /// Acquires that have not been answered.
  size_t acquiring_ = 0;
  /// Whether it may come back if its engine dies.
  bool comes_back_ = false;
  /// Whether what it asks for may be what it has already.
  bool reuses_ = false;
  /// Whether it has not come back yet.
  bool lost_touch_ = false;
  /// Numbers its visits, so that late answers are known to be late.
  size_t visits_ = 0;
};

} // namespace leasehold::sim
