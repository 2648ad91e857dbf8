#include "actors/janitor_actor.hpp"

#include "actors/foreign_end.hpp"
#include "messages/json.hpp"

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
  : self_{self}, store_{std::move(store)}, with_{std::move(with)}, options_{
                                                                     options} {
  // nop
}

janitor_actor::behavior_type janitor_state::make_behavior() {
  recover();
  return {
    [this](const cleanup_owed&) { sweep(); },
    [this](const provider_is_back& what) {
      auto try_all = [this, what](lease_rows& owed) {
        for (const auto& row : owed.rows)
          if (row.next_cleanup_at
              && text_member(row.metadata, "pluginId") == what.plugin.value)
            start(row);
      };
      query(list_owed_cleanups{options_.batch_max}, try_all,
            [](const caf::error&) {});
    },
    [this](const late_resource& what) { on_late(what, 1); },
    [this](const release_lease& what) {
      return end_foreign({what.lease, what.reason, what.status});
    },
    [this](const destroy_lease& what) {
      return end_foreign({what.lease, what.reason, std::nullopt});
    },
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
  check_settled();
  return promise;
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

// -- leases of dead engines ---------------------------------------------------

void janitor_state::recover() {
  if (std::exchange(recovering_, true))
    return;
  auto end_all = [this](lease_rows& orphans) {
    // One more than there are: the last answer is ours.
    orphans_left_ = orphans.rows.size() + 1;
    for (const auto& row : orphans.rows)
      end_orphan(row);
    on_orphan_ended();
  };
  query(list_orphans{with_->self}, end_all, [this](const caf::error& err) {
    log(log_rank::warning,
        "cannot look for leases of dead engines: " + to_failure(err).message);
    orphans_left_ = 1;
    on_orphan_ended();
  });
}

void janitor_state::end_orphan(const lease_row& row) {
  auto what = end_of_orphan(row, with_->self);
  log(log_rank::info, "lease " + row.id.value + ": " + what.note);
  // A conflict means that another engine was faster.
  write(
    std::move(what), [this](const written&) { on_orphan_ended(); },
    [this](const caf::error&) { on_orphan_ended(); });
}

void janitor_state::on_orphan_ended() {
  if (--orphans_left_ > 0)
    return;
  recovering_ = false;
  next_recovery_
    = after(self_, options_.orphan_interval, [this] { recover(); });
  orphans_ended_ = true;
  sweep();
}

// -- cleanups that are owed ---------------------------------------------------

void janitor_state::sweep() {
  if (std::exchange(sweeping_, true)) {
    sweep_again_ = true;
    return;
  }
  auto after_list = [this] {
    sweeping_ = false;
    if (std::exchange(sweep_again_, false))
      sweep();
    else
      check_settled();
  };
  auto start_due = [this, after_list](lease_rows& due) {
    for (const auto& row : due.rows)
      if (under_way_.size() < options_.batch_max)
        start(row);
    query(
      list_owed_cleanups{options_.batch_max},
      [this, after_list](lease_rows& owed) {
        arm_next(owed);
        after_list();
      },
      [after_list](const caf::error&) { after_list(); });
  };
  query(list_due_cleanups{options_.batch_max}, start_due,
        [this, after_list](const caf::error&) {
          arm_next({});
          after_list();
        });
}

void janitor_state::arm_next(const lease_rows& owed) {
  auto pause = options_.sweep_interval;
  for (const auto& row : owed.rows)
    if (row.next_cleanup_at && !under_way_.contains(row.id))
      pause = std::min(pause, *row.next_cleanup_at - owed.at);
  // What is due already was started just now, or waits for a place.
  pause = std::max(pause, milliseconds{50});
  next_sweep_ = after(self_, pause, [this] { sweep(); });
}

void janitor_state::start(const lease_row& row) {
  if (!under_way_.try_emplace(row.id).second)
    return;
  // What is to go may have seen a later grant that did not last: only a new
  // fence is later than all that it has seen.
  write(
    take_fence{row.id},
    [this, row](const written& how) {
      auto mine = row;
      mine.fence = how.fence;
      clean(mine);
    },
    [this, row](const caf::error& err) { on_unfit(row, to_failure(err)); });
}

void janitor_state::on_unfit(const lease_row& row, const failure& why) {
  if (why.code != ec::conflict) {
    on_finished(row, why);
    next_sweep_
      = after(self_, options_.cleanup.retry_delay, [this] { sweep(); });
    return;
  }
  // Somebody else was faster: the row says how far they are.
  query(
    get_lease{row.id.value},
    [this](lease_rows& found) {
      answer(ended(found.rows.front()));
      sweep();
    },
    [this, row](const caf::error&) {
      answer(ended(row));
      sweep();
    });
}

void janitor_state::clean(const lease_row& row) {
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
               back_to<found>(self_, [this, row](result<found> all) {
                 if (all)
                   find_and_destroy(row, std::move(*all));
                 else
                   finish(row, all.error());
               }));
}

void janitor_state::find_and_destroy(const lease_row& row,
                                     std::vector<listed_resource> all) {
  std::erase_if(all, [&](const auto& x) { return x.lease != row.id; });
  if (all.empty())
    return finish(row, done{});
  // One at a time: the next one is found by the next attempt.
  destroy(row, all.front().resource,
          back_to<done>(self_, [this, row, all](result<> outcome) {
            if (!outcome || all.size() == 1)
              return finish(row, outcome);
            find_and_destroy(row, {all.begin() + 1, all.end()});
          }));
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
  auto record = after_attempt(row.id, row.cleanup_attempts + 1, outcome,
                              options_.cleanup, with_->dice());
  write(
    std::move(record),
    [this, row, outcome](const written&) {
      on_finished(row, outcome);
      sweep();
    },
    // The row still says that it is due; do not try that in a hurry.
    [this, row, outcome](const caf::error&) {
      on_finished(row, outcome);
      next_sweep_
        = after(self_, options_.cleanup.retry_delay, [this] { sweep(); });
    });
}

void janitor_state::on_finished(const lease_row& row, const result<>& outcome) {
  if (with_->observe)
    with_->observe({"lease", row.id.value, "cleanup",
                    outcome ? "success" : "failed", outcome.error().message});
  answer({row.id, row.status,
          outcome ? cleanup_status::success : cleanup_status::failed,
          row.failure_reason, false, row.resource, outcome.error().message});
}

void janitor_state::answer(const lease_ended& how) {
  if (auto who = under_way_.extract(how.id))
    for (auto& promise : who.mapped())
      promise.deliver(how);
}

void janitor_state::check_settled() {
  if (!under_way_.empty() || !orphans_ended_ || sweeping_)
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
    [](const caf::error&) {});
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
