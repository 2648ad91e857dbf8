#pragma once

// The SUPERVISOR's duty towards workers: give me a ready worker for this
// provider, and keep it running.

#include "actors/mail.hpp"
#include "actors/provider_choice.hpp"
#include "actors/supervisor_options.hpp"
#include "actors/worker_startup.hpp"

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace leasehold {

/// One startup machine per plugin, the worker that it has, and who waits.
class worker_desk {
public:
  /// Whether leases live whose resources this plugin's worker made.
  using use_check = std::function<bool(const plugin_id&)>;

  worker_desk(const supervisor_ties& ties, use_check in_use);

  void find(find_worker& what);

  void call(call_worker& what);

  void on_ready(const worker_is_ready& what);

  void on_gone(const worker_is_gone& what);

  /// Forgets what it knows of a plugin. A running worker that does not do any
  /// more serves what it has, then stops.
  void on_plugin_changed(const plugin_changed& what);

  /// An operator wants a plugin tried again: a worker that is left alone is
  /// started.
  void reset(const breaker_subject& what);

  /// A plugin that takes no leases and has none left needs no worker.
  void on_lease_over();

  /// Says which drivers plugins declare, and who serves them.
  caf::result<drivers_surveyed> survey();

  /// Stops every worker; `then` is called once none is left.
  void stop_all(std::function<void()> then);

private:
  /// Called once with a worker, or with why there is none.
  using answer = std::function<void(result<ready_worker>, worker_actor)>;

  struct waiter {
    answer then;
    /// What the refusal says (PB §3.5).
    std::string refusal;
    timer grace;
  };

  struct desk_entry {
    /// As the store had it last.
    plugin_row plugin;
    worker_startup now;
    worker_actor worker;
    /// What the worker was started as, and whether it was told to stop.
    plugin_offer served;
    bool leaving = false;
    std::vector<std::string> methods;
    std::map<waiter_no, waiter> waiting;
    timer pause;
  };

  /// Finds out which plugin serves this, then goes on with it.
  void look_up(const worker_wish& what,
               std::function<void(result<desk_entry*>)> then);

  /// The first of them whose worker did not crash just now; else the first.
  desk_entry& best_of(const std::vector<plugin_id>& candidates);

  /// Finds a plugin by its id, then goes on with its entry.
  void with_entry(const plugin_id& plugin,
                  std::function<void(result<desk_entry*>)> then);

  desk_entry& entry_of(const plugin_row& plugin);

  /// Takes over what the store says of a plugin, unless it knows better.
  void adopt(desk_entry& entry, const plugin_row& plugin);

  /// Relieves a worker that is not wanted as it is.
  void review(desk_entry& entry);

  void on_removed(const plugin_id& plugin);

  void forget(const plugin_id& plugin);

  /// The plugin as its worker knows it.
  static plugin_row as_served(const desk_entry& entry);

  drivers_surveyed survey_of(const std::vector<plugin_row>& plugins);

  void want(desk_entry& entry, std::string refusal, bool may_wait, answer then);

  void on(desk_entry& entry, const startup_event::any& what);

  void perform(desk_entry& entry, const startup_effect::start& wish);
  void perform(desk_entry& entry, const startup_effect::arm_pause& wish);
  void perform(desk_entry& entry, const startup_effect::arm_grace& wish);
  void perform(desk_entry& entry, const startup_effect::admit& wish);
  void perform(desk_entry& entry, const startup_effect::refuse& wish);

  void check_stopped();

  const supervisor_ties& ties_;
  use_check in_use_;
  std::map<plugin_id, desk_entry> entries_;
  /// What was asked for -> the ready plugins that may serve it.
  std::map<worker_wish, std::vector<plugin_id>> known_;
  waiter_no last_waiter_ = 0;
  std::function<void()> when_stopped_;
};

} // namespace leasehold
