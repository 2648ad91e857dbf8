#include "actors/worker_desk.hpp"

#include "actors/worker_actor.hpp"

#include <utility>
#include <variant>

namespace leasehold {

namespace {

std::string installed_via(const std::string& provider,
                          const plugin_row& plugin) {
  return "Sandbox provider \"" + provider + "\" is installed via plugin \""
         + plugin.key + "\", but ";
}

/// `Plugin environment driver "acme.tools:vm"`.
std::string words_for(const worker_wish& what) {
  return "Plugin environment driver \"" + what.plugin_key + ":"
         + what.driver_key + "\"";
}

bool declares(const plugin_row& plugin, const worker_wish& what) {
  auto manifest = parse_manifest(plugin.manifest);
  if (!manifest)
    return false;
  // An environment driver is whatever its plugin calls one (PB §1.3).
  if (!what.plugin_key.empty())
    return find_driver(*manifest, what.driver_key);
  return find_driver(*manifest, what.driver_key, "sandbox_provider");
}

/// The plugin that is named, if it is ready and has such a driver (PB §3.17).
result<plugin_row> pick_named(const std::vector<plugin_row>& plugins,
                              const worker_wish& what) {
  for (const auto& plugin : plugins) {
    if (plugin.key != what.plugin_key
        || plugin.status == plugin_status::uninstalled)
      continue;
    if (plugin.status != plugin_status::ready)
      return failure{ec::plugin_not_ready, words_for(what) + " is not ready.",
                     "The plugin is " + to_string(plugin.status) + "."};
    if (!declares(plugin, what))
      return failure{ec::unknown_driver,
                     "Plugin \"" + plugin.key
                       + "\" does not declare environment driver \""
                       + what.driver_key + "\"."};
    return plugin;
  }
  return failure{ec::unknown_plugin, words_for(what) + " is not ready.",
                 "There is no plugin \"" + what.plugin_key + "\"."};
}

/// The first plugin, in install order, that declares the provider; ready ones
/// before all others (PB §3.5).
result<plugin_row> pick_provider(const std::vector<plugin_row>& plugins,
                                 const worker_wish& what) {
  const plugin_row* installed = nullptr;
  for (const auto& plugin : plugins) {
    if (plugin.status == plugin_status::uninstalled || !declares(plugin, what))
      continue;
    if (plugin.status == plugin_status::ready)
      return plugin;
    if (!installed)
      installed = &plugin;
  }
  if (!installed)
    return failure{ec::unknown_provider,
                   "Sandbox provider \"" + what.driver_key
                     + "\" is not registered as a built-in provider and no "
                       "matching plugin is available."};
  return failure{ec::plugin_not_ready,
                 installed_via(what.driver_key, *installed)
                   + "that plugin is currently " + to_string(installed->status)
                   + ".",
                 installed->last_error};
}

result<plugin_row> pick(const std::vector<plugin_row>& plugins,
                        const worker_wish& what) {
  return what.plugin_key.empty() ? pick_provider(plugins, what)
                                 : pick_named(plugins, what);
}

/// What is said when the grace period ends.
std::string refusal_of(const worker_wish& what, const plugin_row& plugin) {
  return what.plugin_key.empty() ? installed_via(what.driver_key, plugin)
                                     + "its worker is not running."
                                 : words_for(what) + " has no running worker.";
}

} // namespace

worker_desk::worker_desk(const supervisor_ties& ties) : ties_{ties} {
  // nop
}

// -- what drivers ask ---------------------------------------------------------

void worker_desk::find(find_worker& what) {
  auto then = std::move(what.then);
  worker_wish wish{what.plugin_key, what.driver_key};
  look_up(wish, [this, wish, then](result<plugin_row> plugin) {
    if (!plugin)
      return then(plugin.error());
    auto& entry = entry_of(*plugin);
    want(entry, refusal_of(wish, *plugin), true,
         [then](result<ready_worker> worker, const worker_actor&) {
           then(std::move(worker));
         });
  });
}

void worker_desk::call(call_worker& what) {
  auto plugin = what.plugin;
  with_entry(plugin, [this, what = std::move(what)](
                       result<desk_entry*> entry) mutable {
    if (!entry)
      return what.then(entry.error());
    auto& found = **entry;
    // The usual case, without detours.
    if (found.now.phase == startup_phase::running)
      return tell(ties_.self, found.worker, std::move(what));
    auto refusal = "Cannot call \"" + what.call.method + "\" — worker for \""
                   + what.plugin.value + "\" is " + to_string(found.now.phase);
    auto pass_on
      = [this, what](result<ready_worker> worker, const worker_actor& whom) {
          if (worker)
            tell(ties_.self, whom, what);
          else
            what.then(worker.error());
        };
    want(found, std::move(refusal), what.wait, pass_on);
  });
}

// -- which plugin -------------------------------------------------------------

void worker_desk::look_up(const worker_wish& what,
                          std::function<void(result<plugin_row>)> then) {
  if (auto known = known_.find(what); known != known_.end())
    return then(entries_.at(known->second).plugin);
  ask(
    ties_.self, ties_.store, caf::infinite, store_query{list_plugins{}},
    [this, what, then](store_answer& found) {
      auto plugin = pick(std::get<plugin_rows>(found).rows, what);
      if (plugin) {
        entry_of(*plugin);
        known_[what] = plugin->id;
      }
      then(std::move(plugin));
    },
    [then](const caf::error& err) { then(to_failure(err)); });
}

void worker_desk::with_entry(const plugin_id& plugin,
                             std::function<void(result<desk_entry*>)> then) {
  if (auto known = entries_.find(plugin); known != entries_.end())
    return then(&known->second);
  ask(
    ties_.self, ties_.store, caf::infinite,
    store_query{get_plugin{plugin.value}},
    [this, then](store_answer& found) {
      then(&entry_of(std::get<plugin_rows>(found).rows.front()));
    },
    [plugin, then](const caf::error& err) {
      auto why = to_failure(err);
      if (why.code == ec::unknown_plugin)
        why.message
          = "No worker registered for plugin \"" + plugin.value + "\"";
      then(why);
    });
}

worker_desk::desk_entry& worker_desk::entry_of(const plugin_row& plugin) {
  auto [pos, added] = entries_.try_emplace(plugin.id);
  if (added) {
    pos->second.plugin = plugin;
    pos->second.now.options = ties_.options.startup;
  }
  return pos->second;
}

void worker_desk::on_plugin_changed(const plugin_changed& what) {
  known_.clear();
  if (!entries_.contains(what.plugin))
    return;
  // The next worker is started from what the store says now.
  auto update = [this, id = what.plugin](std::optional<plugin_row> row) {
    auto pos = entries_.find(id);
    if (pos == entries_.end())
      return;
    auto& entry = pos->second;
    if (row)
      entry.plugin = std::move(*row);
    else
      entry.plugin.status = plugin_status::uninstalled;
    if (entry.worker)
      tell(ties_.self, entry.worker, stop_worker{});
    else if (!row && entry.waiting.empty())
      entries_.erase(pos);
  };
  ask(
    ties_.self, ties_.store, caf::infinite,
    store_query{get_plugin{what.plugin.value}},
    [update](store_answer& found) {
      update(std::get<plugin_rows>(found).rows.front());
    },
    [update](const caf::error&) { update(std::nullopt); });
}

// -- events -------------------------------------------------------------------

void worker_desk::want(desk_entry& entry, std::string refusal, bool may_wait,
                       answer then) {
  auto who = ++last_waiter_;
  auto& added = entry.waiting[who];
  added.then = std::move(then);
  added.refusal = std::move(refusal);
  on(entry, startup_event::wanted{who, may_wait});
}

void worker_desk::on_ready(const worker_is_ready& what) {
  auto pos = entries_.find(what.plugin);
  if (pos == entries_.end())
    return;
  pos->second.methods = what.supported_methods;
  on(pos->second,
     startup_event::became_ready{what.incarnation, steady_now(ties_.self)});
  tell(ties_.self, ties_.janitor, provider_is_back{what.plugin});
}

void worker_desk::on_gone(const worker_is_gone& what) {
  auto pos = entries_.find(what.plugin);
  if (pos == entries_.end())
    return;
  auto& entry = pos->second;
  if (what.incarnation == entry.now.incarnation)
    entry.worker = nullptr;
  if (what.expected || when_stopped_)
    on(entry, startup_event::retired{what.incarnation});
  else
    on(entry,
       startup_event::crashed{what.incarnation, what.why,
                              steady_now(ties_.self), ties_.services->dice()});
  if (entry.plugin.status == plugin_status::uninstalled && !entry.worker)
    entries_.erase(pos);
  check_stopped();
}

void worker_desk::on(desk_entry& entry, const startup_event::any& what) {
  auto before = entry.now.phase;
  auto [next, effects] = step(std::move(entry.now), what);
  entry.now = std::move(next);
  if (entry.now.phase != before)
    entry.pause.dispose();
  for (const auto& wish : effects)
    std::visit([&](const auto& x) { perform(entry, x); }, wish);
}

// -- effects ------------------------------------------------------------------

void worker_desk::perform(desk_entry& entry,
                          const startup_effect::start& wish) {
  if (when_stopped_)
    return;
  entry.worker = spawn_actor<worker_state>(
    *ties_.self, supervisor_actor{ties_.self}, entry.plugin, wish.incarnation,
    *ties_.launcher, ties_.services, ties_.options.worker);
}

void worker_desk::perform(desk_entry& entry,
                          const startup_effect::arm_pause& wish) {
  auto plugin = entry.plugin.id;
  entry.pause = after(ties_.self, wish.delay, [this, plugin] {
    if (auto pos = entries_.find(plugin); pos != entries_.end())
      on(pos->second, startup_event::pause_over{});
  });
}

void worker_desk::perform(desk_entry& entry,
                          const startup_effect::arm_grace& wish) {
  auto plugin = entry.plugin.id;
  auto who = wish.who;
  entry.waiting.at(who).grace
    = after(ties_.self, ties_.options.worker_ready_grace, [this, plugin, who] {
        if (auto pos = entries_.find(plugin); pos != entries_.end())
          on(pos->second, startup_event::grace_over{who});
      });
}

void worker_desk::perform(desk_entry& entry,
                          const startup_effect::admit& wish) {
  auto who = entry.waiting.extract(wish.who);
  who.mapped().then(ready_worker{entry.plugin, entry.methods}, entry.worker);
}

void worker_desk::perform(desk_entry& entry,
                          const startup_effect::refuse& wish) {
  auto who = entry.waiting.extract(wish.who);
  failure why{wish.code, std::move(who.mapped().refusal), wish.why};
  if (!entry.now.last.detail.empty())
    why.detail += "\n" + entry.now.last.detail;
  who.mapped().then(std::move(why), worker_actor{});
}

// -- the end ------------------------------------------------------------------

void worker_desk::stop_all(std::function<void()> then) {
  when_stopped_ = std::move(then);
  for (auto& [id, entry] : entries_) {
    entry.pause.dispose();
    if (entry.worker)
      tell(ties_.self, entry.worker, stop_worker{});
  }
  check_stopped();
}

void worker_desk::check_stopped() {
  if (!when_stopped_)
    return;
  for (const auto& [id, entry] : entries_)
    if (entry.worker)
      return;
  std::exchange(when_stopped_, [] {})();
}

} // namespace leasehold
