#include "actors/diagnosis.hpp"

#include <algorithm>
#include <set>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>

namespace leasehold {

namespace {

/// How long past its deadline something is stuck.
constexpr milliseconds overdue{60'000};

std::string quoted(const std::string& x) {
  return "\"" + x + "\"";
}

/// The words of a diagnosis, and what they are about.
class doctor {
public:
  explicit doctor(const symptoms& seen) : seen_{seen} {
    for (const auto& row : seen.environments)
      names_[row.id] = row.name;
    for (const auto& row : seen.orphans)
      orphans_.insert(row.id);
  }

  std::vector<diagnosed> all() {
    for (const auto& row : seen_.claims)
      look_at(row);
    for (const auto& row : seen_.orphans)
      look_at_orphan(row);
    for (const auto& x : seen_.listings)
      look_at(x);
    for (const auto& row : seen_.engines)
      look_at(row);
    for (const auto& row : seen_.plugins)
      look_at(row);
    look_at_workers();
    for (const auto& x : seen_.broken)
      look_at(x);
    std::stable_sort(out_.begin(), out_.end(),
                     [](const auto& a, const auto& b) {
                       return a.what.needs_you > b.what.needs_you;
                     });
    return std::move(out_);
  }

private:
  diagnosed& add(std::string kind, bool needs_you, std::string subject,
                 timestamp since = {}) {
    auto& x = out_.emplace_back();
    x.what.kind = std::move(kind);
    x.what.needs_you = needs_you;
    x.what.subject = std::move(subject);
    x.what.since_ms = since.ms;
    return x;
  }

  diagnosed& add_lease(std::string kind, bool needs_you, const lease_row& row,
                       timestamp since) {
    auto& x = add(std::move(kind), needs_you, row.id.value, since);
    x.what.resource = row.resource.value;
    x.lease = row.id;
    x.resource = row.resource;
    return x;
  }

  /// ` in environment "box"`, if that is still there.
  [[nodiscard]] std::string place(const environment_id& id) const {
    auto pos = names_.find(id);
    return pos == names_.end() ? std::string{}
                               : " in environment " + quoted(pos->second);
  }

  [[nodiscard]] std::string left_until(timestamp when) const {
    return when <= seen_.at ? "now" : "in " + in_words(when - seen_.at);
  }

  // -- leases -----------------------------------------------------------------

  void look_at(const lease_row& row) {
    if (has_ended(row.status) && row.cleanup == cleanup_status::failed
        && !row.parked)
      return row.resource.empty() ? look_at_unknown(row) : look_at_owed(row);
    if (orphans_.contains(row.id))
      return;
    auto until
      = row.status == lease_status::active ? row.expires_at : row.deadline_at;
    if (!has_ended(row.status) || row.parked)
      if (until && *until + overdue < seen_.at)
        look_at_stuck(row, *until);
  }

  void look_at_owed(const lease_row& row) {
    auto last = row.next_cleanup_at.has_value();
    auto& x = add_lease(last ? "owed" : "needs_operator", !last, row,
                        row.released_at.value_or(row.updated_at));
    auto tries = std::to_string(row.cleanup_attempts)
                 + (row.cleanup_attempts == 1 ? " attempt" : " attempts");
    x.what.what
      = quoted(row.resource.value) + place(row.environment)
        + " has to be removed"
        + (row.cleanup_attempts > 0 ? "; " + tries + " failed." : ".");
    if (last) {
      x.what.engine_does
        = "Tries to remove it " + left_until(*row.next_cleanup_at) + ".";
      return;
    }
    x.cure = remedy::retry;
    x.what.engine_does = "Nothing any more: it has given up.";
    x.what.you_can
      = "See what the provider said: leasehold lease show " + row.id.value
        + ". Mend that, then: leasehold lease retry-cleanup " + row.id.value
        + ". If you have removed it by hand: leasehold lease confirm-gone "
        + row.id.value + ".";
  }

  void look_at_unknown(const lease_row& row) {
    auto more = row.next_cleanup_at.has_value();
    auto& x = add_lease("unknown", !more, row,
                        row.released_at.value_or(row.updated_at));
    x.what.what = "Nobody knows whether something was made for this lease"
                  + place(row.environment) + ": it ended (" + row.failure_reason
                  + ") before its provider had answered.";
    if (more) {
      x.what.engine_does = "Asks the provider what it holds "
                           + left_until(*row.next_cleanup_at)
                           + ", and removes what was made.";
      return;
    }
    x.what.engine_does = "Nothing: the provider could not say what it holds.";
    x.what.you_can
      = "Look for something of lease " + row.id.value
        + " at the provider, and remove it. Then: leasehold lease confirm-gone "
        + row.id.value + ".";
  }

  void look_at_stuck(const lease_row& row, timestamp until) {
    auto& x = add_lease("stuck", false, row, until);
    auto state = row.parked ? std::string{"parked"} : to_string(row.status);
    x.what.what = "This lease is " + state + " and should not be since "
                  + in_words(seen_.at - until) + " ago.";
    if (row.parked || row.owner == seen_.self) {
      x.what.engine_does = "Ends that at its next look, within a minute.";
      return;
    }
    x.what.needs_you = true;
    x.what.engine_does
      = "Nothing: engine " + row.owner.value + ", which lives, has to end it.";
    x.what.you_can
      = "Look at that engine; or leasehold lease destroy " + row.id.value + ".";
  }

  void look_at_orphan(const lease_row& row) {
    auto& x = add_lease("orphaned", false, row, row.updated_at);
    auto run = row.run.empty() ? std::string{} : " of run " + row.run.value;
    x.what.what = "This lease" + run + place(row.environment) + " is "
                  + to_string(row.status) + ", and its engine "
                  + row.owner.value + " is dead.";
    x.what.engine_does
      = row.deadline_at && row.status == lease_status::active
          ? "Lets its run come back until then, and ends the lease "
              + left_until(*row.deadline_at) + "."
          : "Ends the lease at its next look, and removes what it held.";
  }

  // -- providers --------------------------------------------------------------

  void look_at(const provider_listing& x) {
    if (!x.answer) {
      if (x.answer.error().code == ec::not_supported)
        return;
      auto& why = add("unlisted", true, name_of(x.environment));
      why.what.what
        = "The provider of this environment could not be asked what it holds: "
          + x.answer.error().message;
      why.what.you_can = "leasehold probe " + name_of(x.environment) + ".";
      return;
    }
    std::unordered_set<resource_id> there;
    for (const auto& listed : *x.answer)
      there.insert(listed.resource);
    for (const auto& row : seen_.claims)
      if (row.environment == x.environment && row.company == x.company
          && !row.resource.empty() && !there.contains(row.resource))
        look_at_missing(row);
    for (const auto& listed : *x.answer)
      look_at_listed(listed, x.environment);
  }

  void look_at_missing(const lease_row& row) {
    // What came or went while we looked is no news.
    auto waits = row.parked || row.status == lease_status::retained;
    if (row.last_used_at > seen_.at || row.updated_at > seen_.at
        || row.cleanup != cleanup_status::none
        || !(waits || row.status == lease_status::active))
      return;
    auto& x = add_lease("missing", !row.parked, row, {});
    x.what.what = quoted(row.resource.value) + place(row.environment)
                  + " is not at its provider any more.";
    if (row.parked) {
      x.cure = remedy::discard;
      x.what.engine_does = "Makes another one for the next run.";
      x.what.you_can = "leasehold doctor --fix takes it off the record.";
    } else {
      x.what.engine_does = "Nothing: its run finds out at its next command.";
      x.what.you_can
        = "leasehold lease destroy " + row.id.value + " ends the lease.";
    }
  }

  void look_at_listed(const listed_resource& listed,
                      const environment_id& where) {
    for (const auto& row : seen_.claims)
      if (row.resource == listed.resource
          || (row.id == listed.lease && row.resource.empty()))
        return;
    if (!strays_.insert(listed.resource).second)
      return;
    auto* known = find(listed.lease);
    // It may have ended, or got another one, only just now.
    if (known && known->updated_at > seen_.at)
      return;
    auto& x = add("unowned", true, listed.lease.value);
    x.what.resource = listed.resource.value;
    x.what.what = quoted(listed.resource.value) + place(where)
                  + " is at its provider, and no lease has it; ";
    if (listed.lease.empty()) {
      x.what.what += "it does not say what it was made for.";
      x.what.you_can = "If it is nobody's, remove it by hand.";
    } else if (!known) {
      x.what.what += "it was made for lease " + listed.lease.value
                     + ", which this store does not know.";
      x.what.you_can = "If no other store uses this provider, remove it by "
                       "hand.";
    } else {
      x.what.since_ms = known->released_at.value_or(known->updated_at).ms;
      x.what.what += "it was made for lease " + listed.lease.value
                     + (has_ended(known->status) ? ", which has ended."
                                                 : ", which has another one.");
      x.what.you_can = "leasehold doctor --fix removes it.";
      x.cure = remedy::remove;
      x.lease = listed.lease;
      x.resource = listed.resource;
    }
    x.what.engine_does = "Nothing: it does not touch what no lease names.";
  }

  [[nodiscard]] const lease_row* find(const lease_id& id) const {
    for (const auto* rows : {&seen_.named, &seen_.claims})
      for (const auto& row : *rows)
        if (row.id == id)
          return &row;
    return nullptr;
  }

  // -- engines, plugins, environments -----------------------------------------

  void look_at(const instance_row& row) {
    if (row.alive || row.leases == 0)
      return;
    auto& x = add("engine", false, row.id.value, row.started_at);
    x.what.what = "This engine (process " + std::to_string(row.pid) + " on "
                  + row.host + ") is dead and still owns "
                  + std::to_string(row.leases)
                  + (row.leases == 1 ? " lease." : " leases.");
    x.what.engine_does = "Takes them over, or ends them, at its next look.";
  }

  void look_at(const plugin_row& row) {
    if (row.status == plugin_status::upgrade_pending) {
      auto& x = add("plugin", true, row.key, row.updated_at);
      x.what.what = "An upgrade of this plugin waits for your consent; it "
                    "takes no leases meanwhile.";
      x.what.you_can = "leasehold plugin enable " + row.key + ".";
    } else if (row.status == plugin_status::error) {
      auto& x = add("plugin", true, row.key, row.updated_at);
      x.what.what = "This plugin does not work: " + row.last_error;
      x.what.you_can = "leasehold plugin show " + row.key + ".";
    }
  }

  void look_at_workers() {
    std::set<std::string> told;
    for (const auto& x : seen_.workers) {
      if (x.worker != "broken" || !told.insert(x.plugin_key).second)
        continue;
      auto& y = add("plugin", true, x.plugin_key);
      y.what.what = "The worker of this plugin keeps crashing.";
      y.what.engine_does = "Tries it again after a pause.";
      y.what.you_can = "leasehold plugin show " + x.plugin_key + ".";
    }
  }

  void look_at(const broken_config& x) {
    auto name = name_of(x.environment);
    auto& y = add("environment", true, name);
    y.what.what = "The config of this environment does not validate any more: "
                  + x.why.message;
    y.what.engine_does = "Refuses new leases in it.";
    y.what.you_can = "leasehold env show " + name
                     + "; then give it a config with leasehold env add " + name
                     + ".";
  }

  [[nodiscard]] std::string name_of(const environment_id& id) const {
    auto pos = names_.find(id);
    return pos == names_.end() ? id.value : pos->second;
  }

  const symptoms& seen_;
  std::unordered_map<environment_id, std::string> names_;
  std::unordered_set<lease_id> orphans_;
  /// Resources that were told already: several companies may see one.
  std::unordered_set<resource_id> strays_;
  std::vector<diagnosed> out_;
};

} // namespace

std::vector<diagnosed> diagnose(const symptoms& seen) {
  return doctor{seen}.all();
}

std::vector<lease_id> leases_to_look_up(const symptoms& seen) {
  std::unordered_set<lease_id> claimed;
  for (const auto& row : seen.claims)
    claimed.insert(row.id);
  std::set<lease_id> out;
  for (const auto& x : seen.listings)
    if (x.answer)
      for (const auto& listed : *x.answer)
        if (!listed.lease.empty() && !claimed.contains(listed.lease))
          out.insert(listed.lease);
  return {out.begin(), out.end()};
}

std::string in_words(milliseconds time) {
  auto seconds = (time.count() + 999) / 1'000;
  if (seconds < 120)
    return std::to_string(seconds) + " s";
  if (seconds < 7'200)
    return std::to_string(seconds / 60) + " min";
  if (seconds < 172'800)
    return std::to_string(seconds / 3'600) + " h";
  return std::to_string(seconds / 86'400) + " days";
}

} // namespace leasehold
