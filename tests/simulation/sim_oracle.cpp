#include "tests/simulation/sim_oracle.hpp"

#include <utility>
#include <variant>

namespace leasehold::sim {

namespace {

/// The leases that a write is about.
std::vector<lease_id> leases_of(const store_write& what) {
  return std::visit(
    [](const auto& x) -> std::vector<lease_id> {
      if constexpr (requires { x.claims; })
        return x.claims.empty() ? std::vector{x.row.id}
                                : std::vector{x.claims, x.row.id};
      else if constexpr (requires { x.claimed_from; })
        return {x.lease.id, x.claimed_from};
      else if constexpr (requires { x.lease.id; })
        return {x.lease.id};
      else if constexpr (requires { x.lease.value; })
        return {x.lease};
      else
        return {};
    },
    what);
}

/// Whether nobody else may use the resource of this row.
bool holds(const lease_row& row) {
  return row.exclusive && !row.resource.empty()
         && (!has_ended(row.status) || row.parked);
}

bool is_kept(const lease_row& row) {
  return row.status == lease_status::retained
         && row.cleanup == cleanup_status::none;
}

std::string words(const lease_row& row) {
  return "lease " + row.id.value + " (" + to_string(row.status) + ", "
         + (row.parked ? "parked, " : "") + "cleanup " + to_string(row.cleanup)
         + ", resource \"" + row.resource.value + "\", fence "
         + std::to_string(row.fence) + ", owner " + row.owner.value + ")";
}

} // namespace

std::string name_of_promise(int number) {
  switch (number) {
    case 1:
      return "single holder";
    case 2:
      return "fencing";
    case 3:
      return "no forgotten resource";
    case 4:
      return "no false death";
    case 5:
      return "effects at most once, outcomes never invented";
    case 6:
      return "release is not lost";
    case 7:
      return "secrets";
    case 8:
      return "every transitional state ends";
    case 9:
      return "bounded recovery";
    case 10:
      return "bounded everything";
    case 11:
      return "isolation of failure";
    default:
      return "no starvation";
  }
}

oracle::oracle(surroundings& around, database& rows, provider& cloud)
  : around_{around}, database_{rows}, cloud_{cloud},
    line_{around, [this](int promise, std::string words) {
            break_promise(promise, std::move(words));
          }} {
  watch_provider();
}

void oracle::break_promise(int promise, std::string words) {
  if (broken_)
    return;
  around_.note("BROKEN", static_cast<uint64_t>(promise), [&] {
    return "promise " + std::to_string(promise) + " ("
           + name_of_promise(promise) + "): " + words;
  });
  broken_ = violation{promise, std::move(words)};
}

const lease_row* oracle::find(const lease_id& which) const {
  auto pos = rows_.find(which);
  return pos == rows_.end() ? nullptr : &pos->second;
}

const lease_row* oracle::holder_of(const std::string& resource) const {
  auto pos = by_resource_.find(resource);
  if (pos != by_resource_.end())
    for (const auto& id : pos->second)
      if (const auto& row = rows_.at(id);
          row.resource.value == resource && holds(row))
        return &row;
  return nullptr;
}

// -- the database -------------------------------------------------------------

void oracle::on_written(const std::vector<store_write>& batch,
                        const std::vector<result<written>>& how) {
  std::set<lease_id> changed;
  for (size_t i = 0; i < batch.size(); ++i)
    if (how[i])
      for (auto& id : leases_of(batch[i]))
        changed.insert(std::move(id));
  std::set<std::string> touched;
  for (const auto& id : changed) {
    if (const auto* before = find(id))
      touched.insert(before->resource.value);
    if (auto row = database_.row(id)) {
      touched.insert(row->resource.value);
      take(std::move(*row));
    }
    for (const auto& name : made_for_[id])
      touched.insert(name);
  }
  // Only once all of a transaction is known.
  for (const auto& id : changed)
    if (const auto* row = find(id)) {
      check_holders(*row);
      line_.check_limits(*row);
    }
  for (const auto& name : touched)
    check_led_to(name);
}

void oracle::take(lease_row row) {
  auto& known = rows_[row.id];
  around_.note("row", row.fence, [&] { return words(row); });
  if (!row.resource.empty())
    by_resource_[row.resource.value].insert(row.id);
  auto before = std::exchange(known, std::move(row));
  line_.on_row(known);
  if (before.id.empty())
    return;
  check_owner(before, known);
  if (known.fence < before.fence)
    break_promise(2, words(known) + " has lost its fence "
                       + std::to_string(before.fence));
  if (has_ended(before.status) && known.status != before.status)
    break_promise(6,
                  words(known) + " had ended as " + to_string(before.status));
  if (before.status == lease_status::active
      && known.status == lease_status::acquiring)
    break_promise(8, words(known) + " was active before");
}

void oracle::check_owner(const lease_row& before, const lease_row& now) {
  auto was_dead = database_.is_buried(before.owner);
  if (now.owner != before.owner) {
    if (!was_dead)
      break_promise(4, words(now) + " was taken from " + before.owner.value
                         + ", which lives");
    if (now.fence <= before.fence)
      break_promise(2, words(now) + " has a new owner and its old fence");
    return;
  }
  auto lost = before.status == lease_status::active && has_ended(now.status);
  auto may_come_back = was_dead && before.reattach_grace.count() > 0
                       && !before.run.empty() && !before.expires_at
                       && !end_asked_.contains(now.id);
  auto in_time = !before.deadline_at || *before.deadline_at > database_.now();
  if (lost && may_come_back && in_time)
    break_promise(4, words(now)
                       + " has ended, and its run could still have "
                         "come back");
}

void oracle::check_holders(const lease_row& row) {
  if (!holds(row))
    return;
  for (const auto& id : by_resource_[row.resource.value]) {
    const auto& other = rows_.at(id);
    if (id != row.id && holds(other) && other.resource == row.resource)
      break_promise(1,
                    words(row) + " and " + words(other) + " hold one resource");
  }
}

bool oracle::is_led_to(const resource& what) const {
  if (auto pos = by_resource_.find(what.name); pos != by_resource_.end())
    for (const auto& id : pos->second) {
      const auto& row = rows_.at(id);
      if (row.resource.value != what.name)
        continue;
      if (!has_ended(row.status) || row.parked || is_kept(row)
          || row.cleanup == cleanup_status::failed)
        return true;
    }
  // In doubt: whoever deals with the row asks the provider for its lease.
  const auto* maker = find(what.lease);
  return maker
         && (maker->status == lease_status::acquiring
             || (maker->cleanup == cleanup_status::failed
                 && maker->resource.empty()));
}

void oracle::check_led_to(const std::string& name) {
  const auto* what = cloud_.find(name);
  if (what && what->exists && !is_led_to(*what))
    break_promise(3, what->name + ", made for " + what->lease.value
                       + ", exists and no row leads to it");
}

// -- the provider -------------------------------------------------------------

void oracle::watch_provider() {
  cloud_.tell.made = [this](const resource& x) { on_made(x); };
  cloud_.tell.resumed = [this](const resource& x, const provider_call& who) {
    around_.note("provider", 2,
                 [&] { return x.name + " resumed for " + who.lease.value; });
    check_fence(who, "resume");
    check_led_to(x.name);
  };
  cloud_.tell.parked = [this](const resource& x, const provider_call& who) {
    on_parked(x, who);
  };
  cloud_.tell.removed = [this](const resource& x, const provider_call& who) {
    on_removed(x, who);
  };
  cloud_.tell.begun
    = [this](const resource& x, const provider_call& who,
             const std::string& which) { on_begun(x, who, which); };
}

void oracle::check_fence(const provider_call& who, const std::string& verb) {
  const auto* row = find(who.lease);
  if (!row)
    return break_promise(3, verb + " for lease " + who.lease.value
                              + " came before its row");
  if (who.fence == 0 || who.fence > row->fence)
    break_promise(2, verb + " for " + words(*row) + " came with fence "
                       + std::to_string(who.fence));
}

void oracle::on_made(const resource& what) {
  around_.note("provider", 1,
               [&] { return what.name + " made for " + what.lease.value; });
  made_for_[what.lease].push_back(what.name);
  provider_call who;
  who.lease = what.lease;
  who.fence = what.fence;
  check_fence(who, "acquire");
  check_led_to(what.name);
}

void oracle::on_parked(const resource& what, const provider_call& who) {
  around_.note("provider", 3,
               [&] { return what.name + " parked by " + who.lease.value; });
  const auto* holder = holder_of(what.name);
  if (holder && holder->id != who.lease && !holder->parked)
    break_promise(4, what.name + " was parked by lease " + who.lease.value
                       + " under " + words(*holder));
}

void oracle::on_removed(const resource& what, const provider_call& who) {
  around_.note("provider", 4,
               [&] { return what.name + " removed for " + who.lease.value; });
  const auto* holder = holder_of(what.name);
  if (!holder)
    return;
  if (holder->id != who.lease)
    return break_promise(4, what.name + " was removed for lease "
                              + who.lease.value + " under " + words(*holder));
  if (holder->parked)
    return break_promise(
      4, what.name + " was removed although it is parked: " + words(*holder));
  auto expired = holder->expires_at && holder->status == lease_status::active;
  if (holder->status == lease_status::active && !expired
      && !end_asked_.contains(holder->id))
    break_promise(4, what.name + " was removed, and nobody had asked for it: "
                       + words(*holder));
}

void oracle::on_begun(const resource& where, const provider_call& who,
                      const std::string& which) {
  around_.note("provider", 5, [&] {
    return which + " begins in " + where.name + " for " + who.lease.value;
  });
  check_fence(who, "execute");
  if (cloud_.executions().at(which).begun > 1)
    break_promise(5, "command " + which + " began twice");
  auto asked = commands_.find({which});
  if (asked == commands_.end())
    return break_promise(5, "nobody asked for command " + which);
  if (asked->second.over)
    break_promise(2, "command " + which + " began with fence "
                       + std::to_string(asked->second.handle.fence)
                       + " of lease " + who.lease.value
                       + ", which was over when it was sent");
}

// -- what runs ask and are told -----------------------------------------------

bool oracle::is_over(const lease_handle& handle) const {
  const auto* row = find(handle.id);
  if (!row)
    return false;
  // Its engine goes on until there is no resource any more, or it writes.
  auto ended
    = has_ended(row->status) && !end_asked_elsewhere_.contains(handle.id);
  return ended || row->fence > handle.fence;
}

bool oracle::is_stale(const lease_handle& handle) const {
  const auto* row = find(handle.id);
  return row && row->fence > handle.fence;
}

void oracle::on_granted(const lease_granted& what, const std::string& company) {
  const auto* row = find(what.handle.id);
  if (!row)
    return break_promise(3, "lease " + what.handle.id.value
                              + " was granted without a row");
  if (row->status == lease_status::acquiring)
    return break_promise(3, words(*row) + " was granted before it was written");
  if (row->fence < what.handle.fence)
    break_promise(2, words(*row) + " was granted under fence "
                       + std::to_string(what.handle.fence));
  const auto* thing = cloud_.find(what.resource.value);
  if (thing && thing->company != company)
    break_promise(1, thing->name + " of " + thing->company + " was granted to "
                       + company);
}

void oracle::on_reattached(const lease_granted& what,
                           const instance_id& engine) {
  const auto* row = find(what.handle.id);
  if (!row || (row->fence == what.handle.fence && row->owner != engine))
    break_promise(1, "lease " + what.handle.id.value + " was given to "
                       + engine.value + " and is "
                       + (row ? words(*row) : "unknown"));
}

void oracle::on_end_asked(const lease_id& which) {
  end_asked_.insert(which);
}

void oracle::on_end_asked_elsewhere(const lease_id& which) {
  end_asked_elsewhere_.insert(which);
}

void oracle::on_ended(const lease_ended& how) {
  const auto* row = find(how.id);
  if (!row || row->status != how.status)
    break_promise(6, "lease " + how.id.value + " was said to be "
                       + to_string(how.status) + ", and is "
                       + (row ? words(*row) : "unknown"));
}

void oracle::on_obeyed(const std::string& verb, const lease_handle& handle,
                       bool over) {
  if (!over)
    return;
  const auto* row = find(handle.id);
  break_promise(2, verb + " with fence " + std::to_string(handle.fence)
                     + " was obeyed although it was over when sent: "
                     + (row ? words(*row) : handle.id.value));
}

void oracle::on_execute_asked(const execution_id& which,
                              const lease_handle& handle) {
  commands_[which] = {handle, is_over(handle)};
}

void oracle::on_executed(const execution_id& which,
                         const result<command_result>& how) {
  const auto& asked = commands_.at(which);
  auto pos = cloud_.executions().find(which.value);
  auto begun = pos != cloud_.executions().end();
  if (!how) {
    auto unsure = disposition_of(how.error().code) == disposition::in_doubt
                  || disposition_of(how.error().code) == disposition::bug
                  || how.error().provider_acted != acted::no;
    if (begun && !unsure)
      break_promise(5, "command " + which.value
                         + " began, and was said to have "
                           "failed without: "
                         + to_string(how.error().code) + ", "
                         + how.error().message);
    return;
  }
  on_obeyed("execute", asked.handle, asked.over);
  const auto* row = find(asked.handle.id);
  // What is built in runs nothing.
  if (!row || !row->exclusive)
    return;
  if (!begun || !pos->second.ended)
    return break_promise(5, "command " + which.value
                              + " was said to have ended and has not");
  if (how->exit_code && how->exit_code != pos->second.exit_code)
    break_promise(5, "command " + which.value + " was said to have ended with "
                       + std::to_string(*how->exit_code));
}

// -- in the end ---------------------------------------------------------------

std::optional<violation> oracle::unresolved(milliseconds healed_at,
                                            bool live_rows_too) const {
  auto for_long = std::to_string((around_.time.now() - healed_at).count())
                  + " ms after the last fault";
  for (const auto& [id, row] : rows_) {
    auto dead = database_.is_buried(row.owner);
    if (!has_ended(row.status) && dead)
      return violation{9,
                       words(row) + " of a dead engine is there " + for_long};
    if (row.status == lease_status::acquiring)
      return violation{8, words(row) + " is there " + for_long};
    if (row.status == lease_status::active && (live_rows_too || is_late(row)))
      return violation{8, words(row) + " is there " + for_long};
    if (live_rows_too && row.parked && row.deadline_at)
      return violation{8, words(row) + " waits for its run " + for_long};
    if (live_rows_too && row.cleanup == cleanup_status::failed)
      return violation{3, words(row) + " is not cleaned up " + for_long};
  }
  if (live_rows_too)
    for (const auto& what : cloud_.all())
      if (what.exists && !is_led_to(what))
        return violation{3, what.name + " is still there " + for_long};
  return std::nullopt;
}

std::optional<violation> oracle::outstayed(milliseconds healed_at) const {
  // It is looked for each minute.
  constexpr auto allowance = milliseconds{100'000};
  auto now = around_.time.now();
  for (const auto& [id, row] : rows_)
    if (row.parked && row.deadline_at && now > healed_at + allowance
        && *row.deadline_at + allowance < database_.now())
      return violation{8, words(row) + " is still there, and its time was up "
                            + std::to_string(allowance.count()) + " ms ago"};
  return std::nullopt;
}

bool oracle::has_passing_rows() const {
  for (const auto& [id, row] : rows_)
    if (!has_ended(row.status)
        && (row.status == lease_status::acquiring || row.expires_at
            || database_.is_buried(row.owner)))
      return true;
  return false;
}

bool oracle::is_late(const lease_row& row) const {
  constexpr auto allowance = milliseconds{100'000};
  return row.expires_at && *row.expires_at + allowance < database_.now();
}

} // namespace leasehold::sim
