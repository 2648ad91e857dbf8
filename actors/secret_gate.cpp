#include "actors/secret_gate.hpp"

#include "actors/keeper.hpp"
#include "actors/mail.hpp"
#include "actors/secret_rules.hpp"

#include <utility>

namespace leasehold {

namespace {

failure closed() {
  return {ec::shutting_down, "The engine is stopping.", {}};
}

/// One value, and which version it was.
struct opened {
  std::string value;
  uint32_t version = 0;
};

result<opened> open_one(secret_box& box, const secret_request& what,
                        const secret_facts& facts) {
  auto row = resolve_secret(what, facts);
  if (!row)
    return row.error();
  auto value = box.unseal({facts.secret->company, row->secret, row->version},
                          row->sealed);
  if (!value)
    return value.error();
  return opened{std::move(*value), row->version};
}

} // namespace

void secret_gate::open(front_ptr asks, store_actor store, services_ptr with,
                       std::shared_ptr<secret_box> box) {
  std::lock_guard guard{mutex_};
  way_ = std::make_shared<const way>(
    way{std::move(asks), std::move(store), std::move(with), std::move(box)});
}

void secret_gate::close() {
  way_ptr last;
  std::lock_guard guard{mutex_};
  last.swap(way_);
}

void secret_gate::resolve(std::vector<secret_request> what,
                          completion<std::vector<std::string>> then) {
  ask(std::move(what), std::move(then), true);
}

void secret_gate::check(std::vector<secret_request> what, completion<> then) {
  auto drop = [then = std::move(then)](result<value_list> x) {
    if (!x)
      return then(x.error());
    for (auto& value : *x)
      wipe(value);
    then(done{});
  };
  ask(std::move(what), std::move(drop), false);
}

void secret_gate::ask(std::vector<secret_request> what,
                      completion<value_list> then, bool for_use) {
  way_ptr here;
  {
    std::lock_guard guard{mutex_};
    here = way_;
  }
  if (!here)
    return then(closed());
  if (what.empty())
    return then(std::vector<std::string>{});
  auto once = answering(std::move(then), closed());
  // Only workers ask without a place, and one by one.
  if (what.size() == 1 && !what[0].plugin.empty() && what[0].path.empty())
    return find_place(here, what[0], once);
  open_with_facts(here, std::move(what), once, for_use);
}

void secret_gate::find_place(const way_ptr& here, const secret_request& what,
                             completion<value_list> then) {
  auto go_on = [here, what, then](const result<store_answer>& x) {
    if (!x)
      return then(x.error());
    auto found = std::get<secret_binding_rows>(*x).rows;
    auto placed = place_of_secret(what, found);
    if (placed)
      return open_with_facts(here, {*placed}, then, true);
    record(*here, {access_of(what, placed.error())});
    then(placed.error());
  };
  list_secret_bindings question{what.company, what.secret, what.plugin.value};
  here->asks->ask<store_answer>(here->store, store_query{std::move(question)},
                                completion<store_answer>{std::move(go_on)});
}

void secret_gate::open_with_facts(const way_ptr& here,
                                  std::vector<secret_request> what,
                                  completion<value_list> once, bool for_use) {
  find_secrets question{what};
  auto decide = [here, what, once, for_use](const result<store_answer>& x) {
    if (!x)
      return once(x.error());
    auto& facts = std::get<secret_fact_rows>(*x).rows;
    once(open_all(*here, what, facts, for_use));
  };
  here->asks->ask<store_answer>(here->store, store_query{std::move(question)},
                                completion<store_answer>{std::move(decide)});
}

result<std::vector<std::string>>
secret_gate::open_all(const way& here, const std::vector<secret_request>& what,
                      const std::vector<secret_facts>& facts, bool for_use) {
  std::vector<std::string> values;
  std::vector<secret_access_row> rows;
  for (size_t i = 0; i < what.size(); ++i) {
    auto one = open_one(*here.box, what[i], facts[i]);
    if (!one) {
      // Nobody gets the others either: this is the access that counts.
      for (auto& value : values)
        wipe(value);
      record(here, {access_of(what[i], one.error())});
      return one.error();
    }
    rows.push_back(access_of(what[i], one->version));
    values.push_back(std::move(one->value));
  }
  if (for_use)
    record(here, std::move(rows));
  return values;
}

void secret_gate::record(const way& here, std::vector<secret_access_row> rows) {
  for (auto& row : rows)
    row.by = here.with->self;
  auto complain = [with = here.with](const result<written>& how) {
    if (!how && with->log)
      with->log(log_rank::warning, "An access to a secret is not on record: "
                                     + how.error().message);
  };
  // On its way before the values are; nobody waits for it.
  here.asks->ask<written>(here.store,
                          store_write{record_secret_access{std::move(rows)}},
                          completion<written>{std::move(complain)});
}

} // namespace leasehold
