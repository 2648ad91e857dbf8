#include "actors/worker_desk.hpp"

#include "actors/worker_actor.hpp"

#include <set>
#include <utility>
#include <variant>

namespace leasehold {

worker_desk::worker_desk(const supervisor_ties& ties, use_check in_use)
  : ties_{ties}, in_use_{std::move(in_use)} {
  // nop
}

// -- what drivers ask ---------------------------------------------------------

void worker_desk::find(find_worker& what) {
  auto then = std::move(what.then);
  worker_wish wish{what.plugin_key, what.driver_key};
  look_up(wish, [this, wish, then](result<desk_entry*> entry) {
    if (!entry)
      return then(entry.error());
    auto refusal = no_worker_text(wish, (*entry)->plugin);
    want(**entry, std::move(refusal), true,
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
                          std::function<void(result<desk_entry*>)> then) {
  if (auto known = known_.find(what); known != known_.end())
    return then(&best_of(known->second));
  ask(
    ties_.self, ties_.store, caf::infinite, store_query{list_plugins{}},
    [this, what, then](store_answer& found) {
      auto all = candidates_for(std::get<plugin_rows>(found).rows, what);
      if (!all)
        return then(all.error());
      auto& ids = known_[what];
      ids.clear();
      for (const auto& plugin : *all) {
        entry_of(plugin);
        ids.push_back(plugin.id);
      }
      then(&best_of(ids));
    },
    [then](const caf::error& err) { then(to_failure(err)); });
}

worker_desk::desk_entry&
worker_desk::best_of(const std::vector<plugin_id>& candidates) {
  for (const auto& id : candidates) {
    auto& entry = entries_.at(id);
    if (!is_down(entry.now.phase))
      return entry;
  }
  return entries_.at(candidates.front());
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
  } else {
    adopt(pos->second, plugin);
  }
  return pos->second;
}

plugin_row worker_desk::as_served(const desk_entry& entry) {
  auto out = entry.plugin;
  static_cast<plugin_offer&>(out) = entry.served;
  return out;
}

// -- what operators change ----------------------------------------------------

void worker_desk::on_plugin_changed(const plugin_changed& what) {
  known_.clear();
  if (!entries_.contains(what.plugin))
    return;
  ask(
    ties_.self, ties_.store, caf::infinite,
    store_query{get_plugin{what.plugin.value}},
    [this](store_answer& found) {
      entry_of(std::get<plugin_rows>(found).rows.front());
    },
    [this, id = what.plugin](const caf::error& err) {
      if (to_failure(err).code == ec::unknown_plugin)
        on_removed(id);
    });
}

void worker_desk::reset(const breaker_subject& what) {
  for (auto& [id, entry] : entries_)
    if (subject_of(id) == what)
      on(entry, startup_event::reset{});
}

void worker_desk::on_removed(const plugin_id& plugin) {
  auto pos = entries_.find(plugin);
  if (pos == entries_.end())
    return;
  auto& entry = pos->second;
  entry.plugin.status = plugin_status::uninstalled;
  if (entry.worker)
    tell(ties_.self, entry.worker, stop_worker{});
  else if (entry.waiting.empty())
    forget(plugin);
}

void worker_desk::forget(const plugin_id& plugin) {
  known_.clear();
  entries_.erase(plugin);
}

void worker_desk::adopt(desk_entry& entry, const plugin_row& plugin) {
  if (plugin.updated_at <= entry.plugin.updated_at)
    return;
  entry.plugin = plugin;
  // What has changed may be what it crashed of.
  if (plugin.status == plugin_status::ready)
    on(entry, startup_event::reset{});
  review(entry);
}

void worker_desk::review(desk_entry& entry) {
  if (!entry.worker || entry.leaving)
    return;
  const auto& now = entry.plugin;
  auto outdated = now.command != entry.served.command
                  || now.env != entry.served.env
                  || now.config != entry.served.config
                  || now.manifest != entry.served.manifest;
  auto idle = now.status != plugin_status::ready && !in_use_(now.id);
  if (!outdated && !idle)
    return;
  entry.leaving = true;
  tell(ties_.self, entry.worker, stop_worker{true});
}

void worker_desk::on_lease_over() {
  for (auto& [id, entry] : entries_)
    review(entry);
}

caf::result<drivers_surveyed> worker_desk::survey() {
  auto promise = ties_.self->make_response_promise<drivers_surveyed>();
  ask(
    ties_.self, ties_.store, caf::infinite, store_query{list_plugins{}},
    [this, promise](store_answer& found) mutable {
      promise.deliver(survey_of(std::get<plugin_rows>(found).rows));
    },
    [promise](const caf::error& err) mutable { promise.deliver(err); });
  return promise;
}

drivers_surveyed
worker_desk::survey_of(const std::vector<plugin_row>& plugins) {
  drivers_surveyed out{declared_drivers(plugins)};
  std::set<std::string> served;
  auto serve = [&](surveyed_driver& x) {
    x.serves = x.kind == "sandbox_provider" && x.status == plugin_status::ready
               && served.insert(x.key).second;
  };
  for (auto& x : out.drivers) {
    auto known = entries_.find(x.plugin);
    auto phase = known == entries_.end() ? startup_phase::stopped
                                         : known->second.now.phase;
    x.worker = to_string(phase);
    if (!is_down(phase))
      serve(x);
  }
  // Where every worker is down, the first one is waited for.
  for (auto& x : out.drivers)
    if (!x.serves)
      serve(x);
  return out;
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
  review(pos->second);
  tell(ties_.self, ties_.janitor, provider_is_back{what.plugin});
}

void worker_desk::on_gone(const worker_is_gone& what) {
  auto pos = entries_.find(what.plugin);
  if (pos == entries_.end())
    return;
  auto& entry = pos->second;
  if (what.incarnation == entry.now.incarnation) {
    entry.worker = nullptr;
    entry.leaving = false;
  }
  if (what.expected || when_stopped_)
    on(entry, startup_event::retired{what.incarnation});
  else
    on(entry,
       startup_event::crashed{what.incarnation, what.why,
                              steady_now(ties_.self), ties_.services->dice()});
  if (entry.plugin.status == plugin_status::uninstalled && !entry.worker)
    forget(what.plugin);
  check_stopped();
}

void worker_desk::on(desk_entry& entry, const startup_event::any& what) {
  auto before = entry.now.phase;
  auto [next, effects] = step(std::move(entry.now), what);
  entry.now = std::move(next);
  if (entry.now.phase != before) {
    entry.pause.dispose();
    if (ties_.services->observe)
      ties_.services->observe({"plugin",
                               entry.plugin.key,
                               to_string(before),
                               to_string(entry.now.phase),
                               {}});
  }
  for (const auto& wish : effects)
    std::visit([&](const auto& x) { perform(entry, x); }, wish);
}

// -- effects ------------------------------------------------------------------

void worker_desk::perform(desk_entry& entry,
                          const startup_effect::start& wish) {
  if (when_stopped_)
    return;
  entry.served = entry.plugin;
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
  who.mapped().then(ready_worker{as_served(entry), entry.methods},
                    entry.worker);
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
