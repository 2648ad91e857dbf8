#include "actors/janitor_actor.hpp"

#include "actors/foreign_end.hpp"
#include "messages/json.hpp"
#include "messages/mutation.hpp"

#include <algorithm>
#include <utility>
#include <variant>

namespace leasehold {

lease_context context_of(const lease_row& row, const driver& with) {
  lease_context out;
  out.place = {row.company, row.environment, std::string{with.key()}, {}};
  out.lease = row.id;
  out.fence = row.fence;
  out.run = row.run;
  out.issue = row.issue;
  out.workspace = row.workspace;
  out.resource = row.resource;
  out.expires_at = row.expires_at;
  out.metadata = row.metadata;
  return out;
}

janitor_state::janitor_state(janitor_actor::pointer self, store_actor store,
                             services_ptr with, janitor_options options)
  : self_{self}, store_{std::move(store)}, with_{std::move(with)} {
  now_.self = with_->self;
  now_.options = options;
}

janitor_actor::behavior_type janitor_state::make_behavior() {
  on(sweep_event::started{});
  return {
    [this](const cleanup_owed&) { on(sweep_event::sweep_due{}); },
    [this](const provider_is_back& what) { try_plugin_again(what.plugin); },
    [this](const late_resource& what) { on_late(what, 1); },
    [this](const release_lease& what) {
      return end_foreign({what.lease, what.reason, what.status});
    },
    [this](const destroy_lease& what) {
      return end_foreign({what.lease, what.reason, std::nullopt});
    },
    [this](const retry_cleanup& what) { return retry(what); },
    [this](const report_gone& what) { return confirm(what); },
    [this](const remove_stray& what) { return remove(what); },
    [this](await_recovery) -> caf::result<void> {
      if (recovered_)
        return caf::unit;
      await_recovery_.push_back(self_->make_response_promise<void>());
      return await_recovery_.back();
    },
    [this](const await_settled& what) { return settle(what); },
  };
}

caf::result<cleanups_left> janitor_state::settle(const await_settled& what) {
  auto promise = self_->make_response_promise<cleanups_left>();
  auto number = ++last_settling_;
  auto& entry = await_settled_[number];
  entry.promise = promise;
  entry.patience
    = after(self_, what.patience, [this, number] { give_up_settling(number); });
  perform(sweep_effect::check_settled{});
  return promise;
}

void janitor_state::on(const sweep_event::any& what) {
  auto [next, effects] = step(std::move(now_), what);
  now_ = std::move(next);
  for (const auto& wish : effects)
    std::visit([this](const auto& x) { perform(x); }, wish);
}

void janitor_state::try_plugin_again(const plugin_id& plugin) {
  auto try_all = [this, plugin](lease_rows& owed) {
    for (const auto& row : owed.rows)
      if (row.next_cleanup_at
          && text_member(row.metadata, "pluginId") == plugin.value)
        on(sweep_event::wanted{row});
  };
  query(list_owed_cleanups{now_.options.batch_max}, try_all,
        [](const caf::error&) {});
}

void janitor_state::give_up_settling(uint64_t number) {
  auto waiting = await_settled_.extract(number);
  if (!waiting)
    return;
  auto promise = waiting.mapped().promise;
  query(
    list_owed_cleanups{1'000},
    [promise](lease_rows& owed) mutable {
      promise.deliver(cleanups_left{owed.rows.size()});
    },
    [promise](const caf::error& err) mutable { promise.deliver(err); });
}

// -- effects to messages ------------------------------------------------------

void janitor_state::perform(const sweep_effect::list_orphans& wish) {
  leasehold::list_orphans which;
  which.asker = with_->self;
  which.limit = wish.limit;
  query(
    which,
    [this](lease_rows& found) {
      if (mutated(mutation::recovery_skips_acquiring))
        std::erase_if(found.rows, [](const auto& row) {
          return row.status == lease_status::acquiring;
        });
      on(sweep_event::orphans_listed{std::move(found)});
    },
    [this](const caf::error& err) {
      on(sweep_event::orphans_unlisted{to_failure(err)});
    });
}

void janitor_state::perform(const sweep_effect::settle_orphan& wish) {
  auto lease = wish.lease;
  write(
    wish.what,
    [this, lease](const written&) {
      on(sweep_event::orphan_written{lease, done{}});
    },
    [this, lease](const caf::error& err) {
      on(sweep_event::orphan_written{lease, to_failure(err)});
    });
}

void janitor_state::perform(const sweep_effect::arm_orphans& wish) {
  next_recovery_
    = after(self_, wish.in, [this] { on(sweep_event::orphans_due{}); });
}

void janitor_state::perform(const sweep_effect::ask& wish) {
  query(
    wish.what,
    [this](lease_rows& found) { on(sweep_event::listed{std::move(found)}); },
    [this](const caf::error&) { on(sweep_event::unlisted{}); });
}

void janitor_state::perform(const sweep_effect::clean& wish) {
  // What is to go may have seen a later grant that did not last: only a new
  // fence is later than all that it has seen.
  write(
    take_fence{wish.row.id},
    [this, row = wish.row](const written& how) mutable {
      row.fence = how.fence;
      clean(row, how.at);
    },
    [this, row = wish.row](const caf::error& err) {
      on_unfit(row, to_failure(err));
    });
}

void janitor_state::on_unfit(const lease_row& row, const failure& why) {
  auto is_over = [this, id = row.id] { on(sweep_event::unrecorded{id}); };
  if (why.code != ec::conflict) {
    report(row, why);
    return is_over();
  }
  // Somebody else was faster: the row says how far they are.
  query(
    get_lease{row.id.value},
    [this, is_over](lease_rows& found) {
      answer(ended(found.rows.front()));
      is_over();
    },
    [this, row, is_over](const caf::error&) {
      answer(ended(row));
      is_over();
    });
}

void janitor_state::clean(const lease_row& row, timestamp now) {
  if (mutated(mutation::cleanup_without_destroy))
    return finish(row, done{});
  auto* driver = with_->drivers.of_provider(row.provider);
  if (!driver)
    return finish(
      row, failure{ec::unknown_driver,
                   "There is no driver for provider \"" + row.provider + "\".",
                   {}});
  if (!row.resource.empty())
    return destroy(row, row.resource,
                   back_to<done>(self_, [this, row](result<> outcome) {
                     finish(row, outcome);
                   }));
  // Nobody knows whether the provider made something: it has to say.
  using found = std::vector<listed_resource>;
  driver->list(context_of(row, *driver),
               back_to<found>(self_, [this, row, now](result<found> all) {
                 if (all)
                   find_and_destroy(row, std::move(*all), now);
                 else
                   finish(row, all.error());
               }));
}

void janitor_state::find_and_destroy(const lease_row& row,
                                     std::vector<listed_resource> all,
                                     timestamp now, bool found) {
  std::erase_if(all, [&](const auto& x) { return x.lease != row.id; });
  if (all.empty())
    return finish(row, found ? all_removed(row, now)
                             : nothing_listed(row, now, now_.options.cleanup));
  auto resource = all.back().resource;
  all.pop_back();
  // It need not have been made for this lease: what it only asked back may wait
  // for the next run by now, or belong to it.
  write(
    take_fence{row.id, resource},
    [this, row = row, all, now, resource](const written& how) mutable {
      row.fence = how.fence;
      destroy(row, resource,
              back_to<done>(self_, [this, row, all, now](result<> outcome) {
                if (!outcome)
                  return finish(row, outcome);
                find_and_destroy(row, all, now, true);
              }));
    },
    [this, row, all, now, found](const caf::error& err) {
      auto why = to_failure(err);
      if (why.code != ec::conflict)
        return finish(row, why);
      log(log_rank::info, why.message);
      find_and_destroy(row, all, now, found);
    });
}

void janitor_state::destroy(const lease_row& row, const resource_id& resource,
                            completion<> then) {
  auto* driver = with_->drivers.of_provider(row.provider);
  if (!driver)
    return then(
      failure{ec::unknown_driver, "There is no driver for this lease.", {}});
  auto what = context_of(row, *driver);
  what.resource = resource;
  driver->destroy({std::move(what), true}, std::move(then));
}

void janitor_state::finish(const lease_row& row, const result<>& outcome) {
  on(sweep_event::tried{row, outcome, with_->dice()});
}

void janitor_state::perform(const sweep_effect::record& wish) {
  auto next = wish.what.next_cleanup_in;
  write(
    wish.what,
    [this, row = wish.row, outcome = wish.outcome, next](const written&) {
      report(row, outcome);
      on(sweep_event::recorded{row.id, next});
    },
    [this, row = wish.row, outcome = wish.outcome](const caf::error&) {
      report(row, outcome);
      on(sweep_event::unrecorded{row.id});
    });
}

void janitor_state::report(const lease_row& row, const result<>& outcome) {
  if (with_->observe)
    with_->observe({"lease", row.id.value, "cleanup",
                    outcome ? "success" : "failed", outcome.error().message});
  answer({row.id, row.status,
          outcome ? cleanup_status::success : cleanup_status::failed,
          row.failure_reason, false, row.resource, outcome.error().message});
}

void janitor_state::answer(const lease_ended& how) {
  if (auto who = await_cleanup_.extract(how.id))
    for (auto& promise : who.mapped())
      promise.deliver(how);
}

void janitor_state::perform(const sweep_effect::give_up_parked& wish) {
  log(log_rank::info, "lease " + wish.what.lease.value + ": " + wish.what.note);
  write(
    wish.what, [this](const written&) { on(sweep_event::sweep_due{}); },
    [this](const caf::error& err) {
      // Else its next run was faster.
      if (to_failure(err).code != ec::conflict)
        sweep_again();
    });
}

void janitor_state::perform(const sweep_effect::arm_sweep& wish) {
  auto now = steady_now(self_);
  auto at = now + wish.in;
  if (wish.sooner_only && next_sweep_at_ > now && next_sweep_at_ <= at)
    return;
  next_sweep_at_ = at;
  next_sweep_ = after(self_, wish.in, [this] { on(sweep_event::sweep_due{}); });
}

void janitor_state::perform(const sweep_effect::prune& wish) {
  write(
    wish.what,
    [this](const written& how) { on(sweep_event::pruned{how.next}); },
    [this](const caf::error&) { on(sweep_event::pruned{}); });
}

void janitor_state::perform(const sweep_effect::arm_prune& wish) {
  next_prune_ = after(self_, wish.in, [this] { on(sweep_event::prune_due{}); });
}

void janitor_state::perform(const sweep_effect::check_settled&) {
  if (!is_settled(now_))
    return;
  if (!std::exchange(recovered_, true))
    for (auto& promise : std::exchange(await_recovery_, {}))
      promise.deliver();
  if (await_settled_.empty())
    return;
  query(
    list_owed_cleanups{1},
    [this](lease_rows& owed) {
      if (!owed.rows.empty())
        return;
      for (auto& [number, entry] : std::exchange(await_settled_, {}))
        entry.promise.deliver(cleanups_left{0});
    },
    [this](const caf::error&) { sweep_again(); });
}

void janitor_state::sweep_again() {
  perform(sweep_effect::arm_sweep{now_.options.cleanup.retry_delay, true});
}

void janitor_state::perform(const sweep_effect::say& wish) {
  log(wish.bad ? log_rank::warning : log_rank::info, wish.what);
}

void janitor_state::query(store_query what,
                          std::function<void(lease_rows&)> then,
                          std::function<void(const caf::error&)> otherwise) {
  ask(
    self_, store_, caf::infinite, std::move(what),
    [then](store_answer& answer) { then(std::get<lease_rows>(answer)); },
    [otherwise](const caf::error& err) { otherwise(err); });
}

void janitor_state::write(store_write what,
                          std::function<void(const written&)> then,
                          std::function<void(const caf::error&)> otherwise) {
  ask(
    self_, store_, caf::infinite, std::move(what),
    [then](const written& how) { then(how); },
    [otherwise](const caf::error& err) { otherwise(err); });
}

void janitor_state::log(log_rank rank, const std::string& what) const {
  if (with_->log)
    with_->log(rank, "janitor: " + what);
}

} // namespace leasehold
