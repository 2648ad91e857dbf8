// The engine's verbs on environments and records.

#include "actors/engine_answers.hpp"
#include "drivers/admission_config.hpp"
#include "messages/json.hpp"

#include <variant>

namespace leasehold {

namespace {

failure unknown_driver(const driver_table& drivers, const std::string& key) {
  return {ec::unknown_driver, "Unsupported environment driver \"" + key + "\".",
          "There are: " + drivers.keys() + "."};
}

void probe_row(const driver_table& drivers, const environment_row& row,
               completion<probe_result> then) {
  auto* driver = drivers.find(row.driver);
  if (!driver)
    return then(unknown_driver(drivers, row.driver));
  auto convert = [](probe_report x) {
    return probe_result{x.ok, std::move(x.driver), std::move(x.summary),
                        std::move(x.details.text)};
  };
  driver->probe(context_of(row),
                converting<probe_report>(std::move(then), convert));
}

/// Whether something is still held, or owed, under this lease.
bool matters(const lease_row& row) {
  return !has_ended(row.status) || row.parked
         || row.cleanup == cleanup_status::failed
         || (row.status == lease_status::retained
             && row.cleanup == cleanup_status::none);
}

std::vector<lease_info> lease_list(store_answer found, bool holding_only) {
  std::vector<lease_info> out;
  for (auto& row : std::get<lease_rows>(found).rows)
    if (!holding_only || matters(row))
      out.push_back(to_public(std::move(row)));
  return out;
}

} // namespace

environment_context context_of(const environment_row& row) {
  return {{"default"}, row.id, row.driver, without_admission(row.config)};
}

void engine::impl::query(store_query what, completion<store_answer> then) {
  ask<store_answer>(store, std::move(what), std::move(then));
}

void engine::impl::find_row(const std::string& name,
                            completion<environment_row> then) {
  query(get_environment{name},
        converting<store_answer>(std::move(then), [](store_answer x) {
          return std::move(std::get<environment_rows>(x).rows.front());
        }));
}

// -- environments -------------------------------------------------------------

void engine::impl::save(leasehold::put_environment what,
                        completion<environment_info> then) {
  auto saved = [this, row = what.row, then](const result<written>& how) {
    if (!how)
      return then(how.error());
    tell_from_outside(supervisor, environment_changed{row.id, row.name});
    auto out = row;
    out.updated_at = how->at;
    then(to_public(std::move(out)));
  };
  ask<written>(store, store_write{std::move(what)}, std::move(saved));
}

std::future<result<environment_info>>
engine::put_environment(environment_info what) {
  auto [then, future] = promised<environment_info>();
  auto* x = impl_.get();
  if (what.name.empty()) {
    then(failure{ec::invalid_request, "An environment needs a name.", {}});
    return std::move(future);
  }
  auto* driver = x->with->drivers.find(what.driver);
  if (!driver) {
    then(unknown_driver(x->with->drivers, what.driver));
    return std::move(future);
  }
  auto config = canonical_object(what.config, "The environment's config");
  if (!config) {
    auto why = config.error();
    why.code = ec::invalid_config;
    then(std::move(why));
    return std::move(future);
  }
  environment_row row;
  row.name = std::move(what.name);
  row.description = std::move(what.description);
  row.driver = std::move(what.driver);
  row.config = *config;
  if (!from_string(what.status, row.status)) {
    then(failure{ec::invalid_request,
                 "An environment is `active` or `archived`, not `" + what.status
                   + "`.",
                 {}});
    return std::move(future);
  }
  x->validate_and_save(std::move(row), *driver, std::move(then));
  return std::move(future);
}

void engine::impl::validate_and_save(environment_row row, driver& with_driver,
                                     completion<environment_info> then) {
  // It keeps its id if it is there already.
  auto name = row.name;
  find_row(name, [this, row, &with_driver,
                  then](const result<environment_row>& known) {
    if (!known && known.error().code != ec::unknown_environment)
      return then(known.error());
    auto next = row;
    next.id = known ? known->id : environment_id{with->make_id()};
    secure_and_save(std::move(next), with_driver, then);
  });
}

std::future<result<std::vector<environment_info>>> engine::environments() {
  auto [then, future] = promised<std::vector<environment_info>>();
  impl_->query(list_environments{}, as_list<environment_rows>(std::move(then)));
  return std::move(future);
}

std::future<result<environment_info>>
engine::find_environment(std::string name) {
  auto [then, future] = promised<environment_info>();
  impl_->query(get_environment{std::move(name)},
               as_one<environment_rows>(std::move(then)));
  return std::move(future);
}

std::future<result<done>> engine::remove_environment(std::string name) {
  auto [then, future] = promised<done>();
  auto* x = impl_.get();
  x->find_row(name, [x, then
                        = std::move(then)](const result<environment_row>& row) {
    if (!row)
      return then(row.error());
    x->ask<written>(
      x->store, store_write{leasehold::remove_environment{row->id}},
      announcing(x->supervisor, environment_changed{row->id, row->name}, then));
  });
  return std::move(future);
}

std::future<result<probe_result>> engine::probe(std::string name) {
  auto [then, future] = promised<probe_result>();
  auto* x = impl_.get();
  x->find_row(name,
              [x, then = std::move(then)](const result<environment_row>& row) {
                if (row)
                  probe_row(x->with->drivers, *row, then);
                else
                  then(row.error());
              });
  return std::move(future);
}

// -- records ------------------------------------------------------------------

std::future<result<std::vector<lease_info>>>
engine::leases(lease_filter which) {
  auto [then, future] = promised<std::vector<lease_info>>();
  auto* x = impl_.get();
  auto filter = [holding = which.holding_only](store_answer found) {
    return lease_list(std::move(found), holding);
  };
  auto keep = converting<store_answer>(std::move(then), filter);
  list_leases question;
  question.run = {std::move(which.run)};
  question.limit = which.limit;
  if (which.environment.empty()) {
    x->query(std::move(question), std::move(keep));
    return std::move(future);
  }
  x->find_row(which.environment,
              [x, question, keep](const result<environment_row>& row) {
                if (!row)
                  return keep(row.error());
                auto narrowed = question;
                narrowed.environment = row->id;
                x->query(std::move(narrowed), keep);
              });
  return std::move(future);
}

std::future<result<lease_info>> engine::find_lease(std::string id) {
  auto [then, future] = promised<lease_info>();
  impl_->query(get_lease{std::move(id)}, as_one<lease_rows>(std::move(then)));
  return std::move(future);
}

std::future<result<std::vector<history_line>>> engine::history(std::string id) {
  auto [then, future] = promised<std::vector<history_line>>();
  impl_->query(list_events{{std::move(id)}},
               as_list<lease_events>(std::move(then)));
  return std::move(future);
}

std::future<result<done>> engine::recovered() {
  auto [then, future] = promised<done>();
  impl_->ask<done>(impl_->janitor, await_recovery{}, std::move(then));
  return std::move(future);
}

std::future<result<size_t>>
engine::settled(std::chrono::milliseconds patience) {
  auto [then, future] = promised<size_t>();
  auto count = [](const cleanups_left& x) { return size_t{x.count}; };
  impl_->ask<cleanups_left>(impl_->janitor, await_settled{patience},
                            converting<cleanups_left>(std::move(then), count));
  return std::move(future);
}

} // namespace leasehold
