#pragma once

// The SUPERVISOR's duty towards workers: give me a ready worker for this
// provider, and keep it running.

#include "actors/mail.hpp"
#include "actors/supervisor_options.hpp"
#include "actors/worker_startup.hpp"
#include "drivers/manifest.hpp"

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace leasehold {

/// Which worker a driver needs.
struct worker_wish {
  /// Empty: any plugin that provides it.
  std::string plugin_key;
  std::string driver_key;

  friend auto operator<=>(const worker_wish&, const worker_wish&) = default;
};

/// One startup machine per plugin, the worker that it has, and who waits.
class worker_desk {
public:
  explicit worker_desk(const supervisor_ties& ties);

  void find(find_worker& what);

  void call(call_worker& what);

  void on_ready(const worker_is_ready& what);

  void on_gone(const worker_is_gone& what);

  /// Forgets what it knows of a plugin; a running worker is stopped.
  void on_plugin_changed(const plugin_changed& what);

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
    plugin_row plugin;
    worker_startup now;
    worker_actor worker;
    std::vector<std::string> methods;
    std::map<waiter_no, waiter> waiting;
    timer pause;
  };

  /// Finds out which plugin serves this, then goes on with it.
  void look_up(const worker_wish& what,
               std::function<void(result<plugin_row>)> then);

  /// Finds a plugin by its id, then goes on with its entry.
  void with_entry(const plugin_id& plugin,
                  std::function<void(result<desk_entry*>)> then);

  desk_entry& entry_of(const plugin_row& plugin);

  void want(desk_entry& entry, std::string refusal, bool may_wait, answer then);

  void on(desk_entry& entry, const startup_event::any& what);

  void perform(desk_entry& entry, const startup_effect::start& wish);
  void perform(desk_entry& entry, const startup_effect::arm_pause& wish);
  void perform(desk_entry& entry, const startup_effect::arm_grace& wish);
  void perform(desk_entry& entry, const startup_effect::admit& wish);
  void perform(desk_entry& entry, const startup_effect::refuse& wish);

  void check_stopped();

  const supervisor_ties& ties_;
  std::map<plugin_id, desk_entry> entries_;
  /// What was asked for -> the ready plugin that serves it.
  std::map<worker_wish, plugin_id> known_;
  waiter_no last_waiter_ = 0;
  std::function<void()> when_stopped_;
};

} // namespace leasehold
