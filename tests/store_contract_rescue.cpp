// The contract of stores: what saves leases that nobody minds, resources that
// came up late and those that wait; and what is forgotten in the end.

#include "tests/store_contract.hpp"
#include "tests/support/catch.hpp"

#include <algorithm>
#include <functional>
#include <utility>

namespace leasehold::test {

namespace {

using texts = std::vector<std::string>;

/// A lease of an engine that nobody has ever seen.
lease_row of_the_dead(const std::string& id) {
  auto row = a_holder(id, "box-" + id);
  row.owner = {"engine-9"};
  row.reattach_grace = milliseconds{50};
  return row;
}

list_orphans as_seen_by_us() {
  return {.asker = {"engine-1"}};
}

} // namespace

// -- leases of dead engines ---------------------------------------------------

void check_reattachment(const store_opener& open) {
  SECTION("a dead engine's lease waits for its run until its deadline") {
    tried_store db{open};
    auto handle = db.grant(of_the_dead("lease-1"));
    CHECK(db.ids(as_seen_by_us()) == texts{"lease-1"});
    await_run what{handle, {"engine-9"}, milliseconds{50}, "may come back"};
    db.must(what);
    CHECK(db.lease("lease-1").deadline_at == db.now + milliseconds{50});
    CHECK(db.ids(as_seen_by_us()).empty());
    auto all = as_seen_by_us();
    all.waiting_too = true;
    CHECK(db.ids(all) == texts{"lease-1"});
    // Its deadline is set once, and outlives who set it.
    CHECK(db.must_not(what).code == ec::conflict);
    db.reopen();
    db.now.ms += 49;
    CHECK(db.ids(as_seen_by_us()).empty());
    db.now.ms += 1;
    CHECK(db.ids(as_seen_by_us()) == texts{"lease-1"});
    CHECK(db.history("lease-1").back() == "active -> active: may come back");
  }
  SECTION("a run that comes back has its lease under a new fence and owner") {
    tried_store db{open};
    auto handle = db.grant(of_the_dead("lease-1"));
    db.must(await_run{handle, {"engine-9"}, milliseconds{50}, ""});
    reacquire_lease again{.lease = handle,
                          .run = {"run-lease-1"},
                          .owner = {"engine-1"},
                          .reattach_grace = milliseconds{70},
                          .note = "came back"};
    auto fence = db.must(again).fence;
    auto now = db.lease("lease-1");
    CHECK(fence > handle.fence);
    CHECK(now.owner == instance_id{"engine-1"});
    CHECK(now.deadline_at == std::nullopt);
    CHECK(now.reattach_grace == milliseconds{70});
    CHECK(db.ids(list_owned{{"engine-1"}}) == texts{"lease-1"});
    CHECK(db.ids(list_owned{{"engine-9"}}).empty());
    // Nobody ends it for its first engine any more.
    CHECK(db.must_not(end_lease{.lease = handle,
                                .from = {lease_status::active},
                                .dead_owner = {"engine-9"}})
            .code
          == ec::conflict);
    CHECK(db.must_not(again).code == ec::conflict);
  }
  SECTION("of two who end a dead engine's lease one does") {
    tried_store db{open};
    auto handle = db.grant(of_the_dead("lease-1"));
    end_lease what{.lease = handle,
                   .from = {lease_status::acquiring, lease_status::active},
                   .to = lease_status::failed,
                   .dead_owner = {"engine-9"}};
    auto outcomes = db.apply({what, what});
    CHECK(outcomes[0].has_value());
    CHECK(outcomes[1].error().code == ec::conflict);
    CHECK(db.history("lease-1").size() == 2);
  }
  SECTION("orphans come a page at a time, oldest first") {
    tried_store db{open};
    for (auto i = 1; i <= 5; ++i)
      db.grant(of_the_dead("lease-" + std::to_string(i)));
    auto page = as_seen_by_us();
    page.limit = 2;
    CHECK(db.ids(page) == texts{"lease-1", "lease-2"});
    CHECK(list_orphans{}.limit == 100);
  }
}

// -- resources that wait ------------------------------------------------------

void check_parking_time(const store_opener& open) {
  SECTION("a parked resource has its end on record, soonest first") {
    tried_store db{open};
    for (auto [id, time] :
         {std::pair{"lease-1", 90}, std::pair{"lease-2", 30}}) {
      auto handle = db.grant(a_holder(id, std::string{"box-"} + id));
      db.must(end_lease{.lease = handle,
                        .from = {lease_status::active},
                        .parked = true,
                        .parked_for = milliseconds{time}});
    }
    db.park(a_holder("lease-3", "box-3"));
    CHECK(db.ids(list_parked_until{}) == texts{"lease-2", "lease-1"});
    CHECK(db.lease("lease-2").deadline_at == db.now + milliseconds{30});
    CHECK(db.lease("lease-3").deadline_at == std::nullopt);
    db.reopen();
    CHECK(db.ids(list_parked_until{1}) == texts{"lease-2"});
  }
  SECTION("one that has waited for too long is owed, and is not claimed") {
    tried_store db{open};
    auto handle = db.grant(a_holder("lease-1", "box-1"));
    db.must(end_lease{.lease = handle,
                      .from = {lease_status::active},
                      .parked = true,
                      .parked_for = milliseconds{30}});
    db.must(owe_cleanup{{"lease-1"}, milliseconds{0}, "", "too long"});
    CHECK(db.ids(list_parked_until{}).empty());
    CHECK(db.ids(list_scheduled_cleanups{}) == texts{"lease-1"});
    auto claim = insert_lease{.row = a_holder("lease-2", "box-1"),
                              .claims = {"lease-1"}};
    CHECK(db.must_not(claim).code == ec::conflict);
  }
  SECTION("one that was claimed is not given up") {
    tried_store db{open};
    auto handle = db.grant(a_holder("lease-1", "box-1"));
    db.must(end_lease{.lease = handle,
                      .from = {lease_status::active},
                      .parked = true,
                      .parked_for = milliseconds{30}});
    db.must(
      insert_lease{.row = a_holder("lease-2", "box-1"), .claims = {"lease-1"}});
    CHECK(db.ids(list_parked_until{}).empty());
    CHECK(db.must_not(owe_cleanup{{"lease-1"}, milliseconds{0}, "", ""}).code
          == ec::conflict);
  }
}

// -- resources that came up late ----------------------------------------------

void check_late_resources(const store_opener& open) {
  adopt_late late{{"lease-1"}, {"box-9"}, {"late-1"}, "came up late"};
  SECTION("a late resource gets a row of its own that owes its removal") {
    tried_store db{open};
    auto row = a_holder("lease-1", "box-1");
    row.metadata = json_text{R"({"a":1})"};
    auto handle = db.grant(row);
    CHECK(db.must(late).fence > handle.fence);
    auto now = db.lease("late-1");
    CHECK(now.status == lease_status::failed);
    CHECK(now.cleanup == cleanup_status::failed);
    CHECK(now.resource == resource_id{"box-9"});
    CHECK(now.provider == row.provider);
    CHECK(now.company == row.company);
    CHECK(now.environment == row.environment);
    CHECK(now.metadata == row.metadata);
    CHECK(now.exclusive);
    CHECK(now.failure_reason == "came_up_late");
    CHECK(db.ids(list_scheduled_cleanups{}) == texts{"late-1"});
    CHECK(db.history("late-1") == texts{" -> failed: came up late"});
    CHECK(db.lease("lease-1").resource == resource_id{"box-1"});
  }
  SECTION("not if a row leads to it: live, parked, kept, or owing it") {
    tried_store db{open};
    db.grant(a_lease("lease-1"));
    auto how = GENERATE(0, 1, 2, 3);
    auto row = a_holder("lease-2", "box-9");
    if (how == 0) {
      db.grant(row);
    } else if (how == 1) {
      db.park(row);
    } else if (how == 2) {
      db.owe(row, std::nullopt);
    } else {
      auto handle = db.grant(row);
      db.must(end_lease{.lease = handle,
                        .from = {lease_status::active},
                        .to = lease_status::retained});
    }
    CHECK(db.must_not(late).code == ec::conflict);
    CHECK(db.ids(list_leases{}) == texts{"lease-2", "lease-1"});
  }
  SECTION("one that was removed before is removed again") {
    tried_store db{open};
    db.owe(a_holder("lease-1", "box-9"), milliseconds{0});
    db.must(record_cleanup{.lease = {"lease-1"}, .note = "cleaned up"});
    db.must(late);
    CHECK(db.ids(list_scheduled_cleanups{}) == texts{"late-1"});
  }
  SECTION("nobody's resource is nobody's to remove") {
    tried_store db{open};
    CHECK(db.must_not(late).code == ec::conflict);
  }
}

// -- what operators say -------------------------------------------------------

void check_confirmations(const store_opener& open) {
  confirm_gone what{{"lease-1"}, "confirmed gone by somebody"};
  SECTION("what somebody has seen to be gone is not owed any more") {
    tried_store db{open};
    db.owe(a_holder("lease-1", "box-1"), std::nullopt);
    db.must(what);
    CHECK(db.lease("lease-1").cleanup == cleanup_status::success);
    CHECK(db.ids(list_owed_cleanups{}).empty());
    CHECK(db.history("lease-1").back()
          == "released -> released: confirmed gone by somebody");
    CHECK(db.must_not(what).code == ec::conflict);
  }
  SECTION("what was parked waits no more") {
    tried_store db{open};
    db.park(a_holder("lease-1", "box-1"));
    db.must(what);
    CHECK_FALSE(db.lease("lease-1").parked);
    db.grant(a_holder("lease-2", "box-1"));
  }
  SECTION("a lease that lives is not gone") {
    tried_store db{open};
    db.grant(a_holder("lease-1", "box-1"));
    CHECK(db.must_not(what).code == ec::conflict);
    CHECK(db.must_not(confirm_gone{{"nobody"}, ""}).code == ec::conflict);
  }
}

// -- lists --------------------------------------------------------------------

void check_survey_lists(const store_opener& open) {
  SECTION("claims are the leases that have a resource, or may have one") {
    tried_store db{open};
    db.grant(a_holder("lease-1", "box-1"));
    db.park(a_holder("lease-2", "box-2"));
    db.owe(a_holder("lease-3", "box-3"), std::nullopt);
    auto kept = db.grant(a_holder("lease-4", "box-4"));
    db.must(end_lease{.lease = kept,
                      .from = {lease_status::active},
                      .to = lease_status::retained});
    auto gone = db.grant(a_holder("lease-5", "box-5"));
    db.must(end_lease{.lease = gone,
                      .from = {lease_status::active},
                      .cleanup = cleanup_status::success});
    auto claims = texts{"lease-1", "lease-2", "lease-3", "lease-4"};
    CHECK(db.ids(list_claims{}) == claims);
    CHECK(db.ids(list_claims{{"env-1"}}) == claims);
    CHECK(db.ids(list_claims{{"env-2"}}).empty());
    CHECK(db.ids(list_claims{{}, 2}) == texts{"lease-1", "lease-2"});
  }
  SECTION("engines are listed, latest first, with what they hold") {
    tried_store db{open};
    db.must(register_instance{{{"engine-9"}, "far", 9, {}}});
    db.now.ms += 5;
    db.must(register_instance{{{"engine-1"}, "here", 1, {}}});
    db.grant(of_the_dead("lease-1"));
    auto found = db.ask<instance_rows>(list_instances{{"engine-1"}});
    REQUIRE(found.rows.size() == 2);
    CHECK(found.at == db.now);
    CHECK(found.rows[0].id == instance_id{"engine-1"});
    CHECK(found.rows[0].alive);
    CHECK(found.rows[0].leases == 0);
    CHECK(found.rows[1].host == "far");
    CHECK_FALSE(found.rows[1].alive);
    CHECK(found.rows[1].leases == 1);
  }
}

// -- what is forgotten --------------------------------------------------------

namespace {

void check_bounded_pruning(const store_opener& open) {
  SECTION("a stretch at a time, and what is left is found by the next one") {
    tried_store db{open};
    for (auto i = 1; i <= 5; ++i) {
      auto handle = db.grant(a_holder("lease-" + std::to_string(i), "box"));
      db.must(end_lease{.lease = handle,
                        .from = {lease_status::active},
                        .cleanup = cleanup_status::success});
    }
    db.now.ms += 100;
    prune_history what{milliseconds{50}, milliseconds{0}, 0, 2};
    auto stretches = 0;
    for (uint64_t next = 1; next > 0; ++stretches) {
      next = db.must(what).next;
      what.after = next;
      CHECK(db.ids(list_leases{}).size()
            >= static_cast<size_t>(std::max(0, 3 - 2 * stretches)));
    }
    CHECK(stretches == 3);
    CHECK(db.ids(list_leases{}).empty());
  }
}

} // namespace

void check_pruning(const store_opener& open) {
  check_bounded_pruning(open);
  SECTION("what has ended, owes nothing and is old is forgotten") {
    tried_store db{open};
    db.must(register_instance{{{"engine-9"}, "far", 9, {}}});
    db.grant(a_holder("lease-1", "box-1"));
    db.park(a_holder("lease-2", "box-2"));
    db.owe(a_holder("lease-3", "box-3"), std::nullopt);
    auto gone = db.grant(a_holder("lease-4", "box-4"));
    db.must(end_lease{.lease = gone,
                      .from = {lease_status::active},
                      .cleanup = cleanup_status::success});
    auto left = texts{"lease-3", "lease-2", "lease-1"};
    db.now.ms += 100;
    db.must(prune_history{milliseconds{0}, milliseconds{0}});
    db.must(prune_history{milliseconds{101}, milliseconds{101}});
    CHECK(db.ids(list_leases{}).size() == 4);
    CHECK(db.must(prune_history{milliseconds{50}, milliseconds{50}}).next == 0);
    CHECK(db.ids(list_leases{}) == left);
    CHECK(db.history("lease-4").empty());
    CHECK(db.history("lease-3").size() == 2);
    CHECK(db.ask<instance_rows>(list_instances{}).rows.empty());
  }
  SECTION("what was noted about secrets is forgotten, too") {
    tried_store db{open};
    record_secret_access access;
    access.rows.resize(3);
    for (auto& row : access.rows)
      row.secret = {"secret-1"};
    db.must(access);
    db.now.ms += 100;
    db.must(access);
    auto count = [&] {
      return db.ask<secret_access_rows>(list_secret_accesses{{"secret-1"}})
        .rows.size();
    };
    REQUIRE(count() == 6);
    CHECK(db.must(prune_history{milliseconds{0}, milliseconds{50}, 0, 2}).next
          > 0);
    CHECK(count() == 4);
    CHECK(db.must(prune_history{milliseconds{0}, milliseconds{50}, 0, 2}).next
          == 0);
    CHECK(count() == 3);
  }
}

// -- history ------------------------------------------------------------------

namespace {

/// Performs a write on what it needs; returns the leases that it changes.
using change = std::function<texts(tried_store&)>;

/// Every write that changes leases, by its name.
std::vector<std::pair<const char*, change>> every_change() {
  auto owe = [](tried_store& db) {
    db.owe(a_holder("lease-1", "box-1"), milliseconds{0});
  };
  return {
    {"insert_lease",
     [](tried_store& db) {
       db.grant(a_lease("lease-1"));
       return texts{"lease-1"};
     }},
    {"insert_lease that claims",
     [](tried_store& db) {
       db.park(a_holder("lease-1", "box-1"));
       db.must(insert_lease{.row = a_holder("lease-2", "box-1"),
                            .claims = {"lease-1"}});
       return texts{"lease-1", "lease-2"};
     }},
    {"reacquire_lease",
     [](tried_store& db) {
       auto handle = db.grant(a_lease("lease-1"));
       db.must(reacquire_lease{.lease = handle, .run = {"run-lease-1"}});
       return texts{"lease-1"};
     }},
    {"activate_lease",
     [](tried_store& db) {
       auto handle = db.grant(a_lease("lease-1", lease_status::acquiring));
       db.must(activate_lease{.lease = handle});
       return texts{"lease-1"};
     }},
    {"give_up_resource",
     [](tried_store& db) {
       db.park(a_holder("lease-1", "box-1"));
       auto row = a_holder("lease-2", "box-1", lease_status::acquiring);
       auto fence
         = db.must(insert_lease{.row = row, .claims = {"lease-1"}}).fence;
       db.must(give_up_resource{{row.id, fence}, {"lease-1"}});
       return texts{"lease-1", "lease-2"};
     }},
    {"end_lease",
     [](tried_store& db) {
       db.park(a_holder("lease-1", "box-1"));
       return texts{"lease-1"};
     }},
    {"extend_lease",
     [](tried_store& db) {
       db.must(extend_lease{db.grant(a_lease("lease-1")), milliseconds{5}});
       return texts{"lease-1"};
     }},
    {"describe_lease",
     [](tried_store& db) {
       db.must(describe_lease{.lease = db.grant(a_lease("lease-1"))});
       return texts{"lease-1"};
     }},
    {"record_cleanup",
     [owe](tried_store& db) {
       owe(db);
       db.must(record_cleanup{.lease = {"lease-1"}});
       return texts{"lease-1"};
     }},
    {"owe_cleanup",
     [owe](tried_store& db) {
       owe(db);
       db.must(owe_cleanup{.lease = {"lease-1"}});
       return texts{"lease-1"};
     }},
    {"await_run",
     [](tried_store& db) {
       auto handle = db.grant(of_the_dead("lease-1"));
       db.must(await_run{handle, {"engine-9"}, milliseconds{5}, ""});
       return texts{"lease-1"};
     }},
    {"adopt_late",
     [](tried_store& db) {
       db.grant(a_lease("lease-1"));
       db.must(adopt_late{{"lease-1"}, {"box-9"}, {"lease-2"}, ""});
       return texts{"lease-2"};
     }},
    {"confirm_gone",
     [owe](tried_store& db) {
       owe(db);
       db.must(confirm_gone{{"lease-1"}, ""});
       return texts{"lease-1"};
     }},
  };
}

} // namespace

void check_history(const store_opener& open) {
  // A write that is about leases and not listed above has no test here. The
  // others: environments, plugins, secrets, engines, breakers, `take_fence`
  // (the row stays as it is), and `prune_history`.
  STATIC_REQUIRE(std::variant_size_v<store_write> == 12 + 18);
  auto writes = every_change();
  for (const auto& [name, perform] : writes) {
    SECTION(std::string{"history has a line for "} + name) {
      tried_store db{open};
      auto changed = perform(db);
      for (const auto& id : changed) {
        auto line = db.ask<lease_events>(list_events{{id}}).rows.back();
        auto now = db.lease(id);
        CHECK(line.to == to_string(now.status));
        CHECK(line.fence == now.fence);
        CHECK(line.at == now.updated_at);
        CHECK(line.by == instance_id{"engine-1"});
      }
    }
  }
}

} // namespace leasehold::test
