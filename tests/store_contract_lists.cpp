// The contract of stores: cleanups, batches, lists and environments.

#include "tests/store_contract.hpp"
#include "tests/support/catch.hpp"

namespace leasehold::test {

using texts = std::vector<std::string>;
using namespace std::chrono_literals;

// -- cleanups -----------------------------------------------------------------

namespace {

void check_debts(const store_opener& open) {
  SECTION("nobody cleans up what is live or parked") {
    tried_store db{open};
    auto live = db.grant(a_lease("lease-1"));
    auto parked = db.park(a_holder("lease-2", "box-2"));
    CHECK(db.must_not(record_cleanup{.lease = live.id}).code == ec::conflict);
    CHECK(db.must_not(record_cleanup{.lease = parked.id}).code == ec::conflict);
    CHECK(db.must_not(owe_cleanup{.lease = live.id}).code == ec::conflict);
  }
  SECTION("what was parked or waits for an operator can be owed after all") {
    tried_store db{open};
    db.park(a_holder("lease-1", "box-1"));
    db.must(owe_cleanup{.lease = {"lease-1"},
                        .next_cleanup_in = 10ms,
                        .reason = "waited too long",
                        .note = "unparked"});
    auto now = db.lease("lease-1");
    CHECK_FALSE(now.parked);
    CHECK(now.cleanup == cleanup_status::failed);
    CHECK(now.next_cleanup_at == db.now + 10ms);
    CHECK(now.failure_reason == "waited too long");
    CHECK(db.history("lease-1").back() == "released -> released: unparked");
    db.must(
      record_cleanup{.lease = {"lease-1"}, .outcome = cleanup_status::failed});
    db.must(owe_cleanup{.lease = {"lease-1"}});
    CHECK(db.ids(list_scheduled_cleanups{}) == texts{"lease-1"});
    CHECK(db.lease("lease-1").failure_reason == "waited too long");
    CHECK(db.lease("lease-1").cleanup_attempts == 0);
  }
}

void check_fences_of_cleanups(const store_opener& open) {
  SECTION("a cleanup takes a fence that is later than every grant") {
    tried_store db{open};
    auto owed = db.owe(a_lease("lease-1"), 0ms);
    auto later = db.grant(a_lease("lease-2"));
    auto fence = db.must(take_fence{owed.id}).fence;
    CHECK(fence > later.fence);
    CHECK(db.must(take_fence{owed.id}).fence > fence);
    CHECK(db.grant(a_lease("lease-3")).fence > fence + 1);
    // The row keeps its own: whoever holds it may still ask how it ended.
    CHECK(db.lease("lease-1").fence == owed.fence);
  }
  SECTION("nobody takes a fence to clean up what is live, parked or clean") {
    tried_store db{open};
    auto live = db.grant(a_lease("lease-1"));
    auto parked = db.park(a_holder("lease-2", "box-2"));
    auto clean = db.owe(a_lease("lease-3"), 0ms);
    db.must(record_cleanup{.lease = clean.id});
    for (const auto& id : {live.id, parked.id, clean.id, lease_id{"nobody"}})
      CHECK(db.must_not(take_fence{id}).code == ec::conflict);
  }
  SECTION("nobody takes a fence to remove what another lease holds or keeps") {
    tried_store db{open};
    auto owed = db.owe(a_lease("lease-1"), 0ms);
    db.park(a_holder("lease-2", "box-2"));
    auto live = db.grant(a_holder("lease-3", "box-3"));
    for (const auto* box : {"box-2", "box-3"})
      CHECK(db.must_not(take_fence{owed.id, {box}}).code == ec::conflict);
    CHECK(db.must(take_fence{owed.id, {"box-4"}}).fence > live.fence);
    db.must(end_lease{.lease = live,
                      .from = {lease_status::active},
                      .to = lease_status::retained});
    CHECK(db.must_not(take_fence{owed.id, {"box-3"}}).code == ec::conflict);
    // Its own, and what others owe, may go.
    db.must(owe_cleanup{.lease = {"lease-3"}});
    CHECK(db.must(take_fence{owed.id, {"box-3"}}).fence > live.fence);
    CHECK(db.must(take_fence{live.id, {"box-3"}}).fence > live.fence);
  }
  SECTION("fences of one batch are all different") {
    tried_store db{open};
    auto one = db.owe(a_lease("lease-1"), 0ms);
    auto two = db.owe(a_lease("lease-2"), 0ms);
    auto outcomes
      = db.apply({take_fence{one.id}, insert_lease{.row = a_lease("lease-3")},
                  take_fence{two.id}});
    CHECK(outcomes[0]->fence < outcomes[1]->fence);
    CHECK(outcomes[1]->fence < outcomes[2]->fence);
  }
}

} // namespace

void check_cleanups(const store_opener& open) {
  check_debts(open);
  check_fences_of_cleanups(open);
  SECTION(
    "what owes a cleanup is listed by when that is due, last who waits for "
    "an operator") {
    tried_store db{open};
    db.owe(a_lease("lease-1"), 20ms);
    db.owe(a_lease("lease-2"), 10ms);
    db.owe(a_lease("lease-3"), std::nullopt);
    db.grant(a_lease("lease-4"));
    CHECK(db.ids(list_scheduled_cleanups{}) == texts{"lease-2", "lease-1"});
    CHECK(db.ids(list_scheduled_cleanups{.limit = 1}) == texts{"lease-2"});
    CHECK(db.ids(list_owed_cleanups{})
          == texts{"lease-2", "lease-1", "lease-3"});
    CHECK(db.ids(list_owed_cleanups{.limit = 2})
          == texts{"lease-2", "lease-1"});
  }
  SECTION("a cleanup that failed again is tried later, and counted") {
    tried_store db{open};
    auto handle = db.owe(a_lease("lease-1"), 0ms);
    auto answer = db.must(record_cleanup{.lease = handle.id,
                                         .outcome = cleanup_status::failed,
                                         .next_cleanup_in = 50ms,
                                         .resource = {"box-1"},
                                         .note = "no answer"});
    CHECK(answer.fence == handle.fence);
    auto now = db.lease("lease-1");
    CHECK(now.cleanup_attempts == 1);
    CHECK(now.next_cleanup_at == db.now + 50ms);
    CHECK(now.resource == resource_id{"box-1"});
    db.must(record_cleanup{.lease = handle.id,
                           .outcome = cleanup_status::failed,
                           .attempted = false});
    CHECK(db.lease("lease-1").cleanup_attempts == 1);
    CHECK(db.lease("lease-1").next_cleanup_at == std::nullopt);
    CHECK(db.history("lease-1")[2] == "released -> released: no answer");
  }
  SECTION("a cleanup that succeeded is over") {
    tried_store db{open};
    auto handle = db.owe(a_lease("lease-1"), 0ms);
    db.must(record_cleanup{.lease = handle.id, .note = "destroyed"});
    CHECK(db.lease("lease-1").cleanup == cleanup_status::success);
    CHECK(db.lease("lease-1").next_cleanup_at == std::nullopt);
    CHECK(db.ids(list_owed_cleanups{}).empty());
    auto why = db.must_not(record_cleanup{.lease = handle.id});
    CHECK(why.code == ec::conflict);
    CHECK(why.message
          == "Lease \"lease-1\" cannot be cleaned up: it is released, cleanup "
             "success, fence "
               + std::to_string(handle.fence) + ".");
    CHECK(db.must_not(owe_cleanup{.lease = handle.id}).code == ec::conflict);
  }
}

// -- breakers -----------------------------------------------------------------

namespace {

void check_breakers(const store_opener& open) {
  auto all
    = [](tried_store& db) { return db.ask<breaker_rows>(list_breakers{}); };
  SECTION("an open breaker is kept until it is closed") {
    tried_store db{open};
    breaker_row row{{"environment:env-1"}, 5, 1, {}, ec::call_timed_out, "No."};
    db.must(open_breaker{row, 10ms});
    row.retry_at = db.now + 10ms;
    CHECK(all(db).rows == std::vector{row});
    CHECK(all(db).at == db.now);
    row.pauses = 2;
    row.retry_at = db.now + 20ms;
    db.must(open_breaker{row, 20ms});
    CHECK(all(db).rows == std::vector{row});
    db.must(close_breaker{row.subject});
    db.must(close_breaker{row.subject});
    CHECK(all(db).rows.empty());
  }
  SECTION("a breaker closes when its environment is changed or removed") {
    tried_store db{open};
    environment_row row;
    row.id = {"env-9"};
    row.name = "nine";
    row.driver = "local";
    row.config = json_text{"{}"};
    db.must(put_environment{row});
    breaker_row breaker{subject_of(row.id), 5, 1, {}, ec::worker_lost, ""};
    db.must(open_breaker{breaker, 10ms});
    db.must(put_environment{row});
    CHECK(all(db).rows.empty());
    db.must(open_breaker{breaker, 10ms});
    db.must(remove_environment{row.id});
    CHECK(all(db).rows.empty());
  }
}

} // namespace

// -- batches ------------------------------------------------------------------

void check_batches(const store_opener& open) {
  SECTION("a conflict in the middle leaves the others alone") {
    tried_store db{open};
    auto outcomes = db.apply({insert_lease{.row = a_lease("lease-1")},
                              activate_lease{.lease = {{"nobody"}, 1}},
                              insert_lease{.row = a_lease("lease-1")},
                              insert_lease{.row = a_lease("lease-2")}});
    REQUIRE(outcomes.size() == 4);
    CHECK(outcomes[0].has_value());
    CHECK(outcomes[1].error().code == ec::conflict);
    CHECK(outcomes[2].error().code == ec::conflict);
    CHECK(outcomes[3].has_value());
    CHECK(outcomes[3]->fence > outcomes[0]->fence);
    db.reopen();
    CHECK(db.ids(list_leases{}) == texts{"lease-2", "lease-1"});
  }
  SECTION("later writes of a batch see earlier ones") {
    tried_store db{open};
    auto outcomes = db.apply(
      {insert_lease{.row = a_lease("lease-1")},
       end_lease{.lease = {{"lease-1"}}, .from = {lease_status::active}},
       end_lease{.lease = {{"lease-1"}}, .from = {lease_status::active}}});
    CHECK(outcomes[1].has_value());
    CHECK(outcomes[2].error().code == ec::conflict);
  }
  SECTION("two of a kind, each with its own") {
    tried_store db{open};
    std::vector<lease_handle> both{{{"lease-1"}}, {{"lease-2"}}};
    auto each = [&](auto make) {
      auto outcomes = db.apply({make(both[0], "1"), make(both[1], "2")});
      for (size_t i = 0; i < both.size(); ++i) {
        INFO(outcomes[i].error().message);
        REQUIRE(outcomes[i].has_value());
        both[i].fence = std::max(both[i].fence, outcomes[i]->fence);
      }
    };
    using handle = const lease_handle&;
    using text = const std::string&;
    each([](handle x, text) -> store_write {
      return insert_lease{.row = a_lease(x.id.value, lease_status::acquiring)};
    });
    CHECK(both[0].fence < both[1].fence);
    each([](handle x, text n) -> store_write {
      return activate_lease{.lease = x, .resource = {"box-" + n}};
    });
    each([](handle x, text) -> store_write {
      return extend_lease{.lease = x, .expires_in = milliseconds{5}};
    });
    each([](handle x, text n) -> store_write {
      return describe_lease{.lease = x, .metadata = json_text{"[" + n + "]"}};
    });
    each([](handle x, text) -> store_write {
      return reacquire_lease{
        .lease = x, .run = {"run-" + x.id.value}, .owner = {"engine-1"}};
    });
    each([](handle x, text) -> store_write {
      return end_lease{
        .lease = x, .from = {lease_status::active}, .parked = true};
    });
    each([](handle x, text n) -> store_write {
      return owe_cleanup{.lease = x.id, .note = "owed " + n};
    });
    each([](handle x, text n) -> store_write {
      return record_cleanup{.lease = x.id, .note = "clean " + n};
    });
    for (const auto* n : {"1", "2"}) {
      auto id = std::string{"lease-"} + n;
      auto row = db.lease(id);
      CHECK(row.resource.value == std::string{"box-"} + n);
      CHECK(row.metadata.text == std::string{"["} + n + "]");
      CHECK(row.fence == both[*n == '1' ? 0 : 1].fence);
      auto lines = db.history(id);
      CHECK(lines.size() == 8);
      CHECK(lines.back().ends_with(std::string{"clean "} + n));
    }
  }
  SECTION("an empty batch has no outcomes") {
    tried_store db{open};
    CHECK(db.apply({}).empty());
  }
}

// -- lists --------------------------------------------------------------------

namespace {

void check_names_of_leases(const store_opener& open) {
  SECTION("a lease is found by its id, or by the only one that begins so") {
    tried_store db{open};
    db.grant(a_lease("abcd"));
    db.grant(a_lease("abcdef"));
    db.grant(a_lease("wxyz-1"));
    CHECK(db.ids(get_lease{"abcd"}) == texts{"abcd"});
    CHECK(db.ids(get_lease{"abcde"}) == texts{"abcdef"});
    CHECK(db.ids(get_lease{"wxyz"}) == texts{"wxyz-1"});
  }
  SECTION("a beginning of several ids names none") {
    tried_store db{open};
    for (auto id : {"lease-1", "lease-2", "lease-3"})
      db.grant(a_lease(id));
    auto why = db.ask_in_vain(get_lease{"lease"});
    CHECK(why.code == ec::invalid_request);
    CHECK(why.message
          == "\"lease\" is the beginning of several lease ids: lease-1, "
             "lease-2, lease-3. Give more of it.");
    db.grant(a_lease("lease-4"));
    CHECK(db.ask_in_vain(get_lease{"lease"}).message
          == "\"lease\" is the beginning of several lease ids: lease-1, "
             "lease-2, lease-3, and others. Give more of it.");
  }
  SECTION("a lease that is not there is unknown") {
    tried_store db{open};
    db.grant(a_lease("lease-1"));
    for (auto id : {"lea", "nobody", "lease-12", "", "%ase", "LEASE-1"})
      CHECK(db.ask_in_vain(get_lease{id}).code == ec::unknown_lease);
    CHECK(db.ask_in_vain(get_lease{"nobody"}).message
          == "No lease \"nobody\". List the leases to see their ids.");
    CHECK(db.ask_in_vain(get_lease{"lea"}).message
          == "No lease \"lea\". Give its id, or at least the first 4 "
             "characters of it.");
  }
}

} // namespace

void check_lease_lists(const store_opener& open) {
  check_names_of_leases(open);
  SECTION("leases are listed latest first, by what is asked for") {
    tried_store db{open};
    db.must(put_environment{{.id = {"env-2"}, .name = "other"}});
    db.park(a_holder("lease-1", "box-1"));
    db.grant(a_lease("lease-2", lease_status::acquiring));
    auto elsewhere = a_lease("lease-3");
    elsewhere.environment = {"env-2"};
    elsewhere.run = {"run-1"};
    db.grant(elsewhere);
    auto same_run = a_lease("lease-4");
    same_run.run = {"run-1"};
    db.grant(same_run);
    CHECK(db.ids(list_leases{})
          == texts{"lease-4", "lease-3", "lease-2", "lease-1"});
    CHECK(db.ids(list_leases{.limit = 2}) == texts{"lease-4", "lease-3"});
    CHECK(db.ids(list_leases{.environment = {"env-1"}})
          == texts{"lease-4", "lease-2", "lease-1"});
    CHECK(db.ids(list_leases{.run = {"run-1"}}) == texts{"lease-4", "lease-3"});
    CHECK(db.ids(list_leases{.environment = {"env-2"}, .run = {"run-1"}})
          == texts{"lease-3"});
    CHECK(db.ids(list_leases{.status = {lease_status::active}})
          == texts{"lease-4", "lease-3"});
    CHECK(db.ids(list_leases{.environment = {"env-1"},
                             .status
                             = {lease_status::acquiring, lease_status::active}})
          == texts{"lease-4", "lease-2"});
    CHECK(db.ids(list_leases{.run = {"run-1"},
                             .status
                             = {lease_status::active, lease_status::released}})
          == texts{"lease-4", "lease-3"});
    CHECK(db.ids(list_leases{.status = {lease_status::released}})
          == texts{"lease-1"});
    CHECK(db.ids(list_leases{.status = {lease_status::retained}}).empty());
    auto kept = db.grant(a_lease("lease-5"));
    db.must(end_lease{.lease = kept,
                      .from = {lease_status::active},
                      .to = lease_status::retained});
    CHECK(db.ids(list_leases{.environment = {"env-1"},
                             .status = {lease_status::retained}})
          == texts{"lease-5"});
    CHECK(db.ids(list_leases{.parked = true}) == texts{"lease-1"});
    CHECK(
      db.ids(list_leases{.environment = {"env-2"}, .parked = true}).empty());
  }
  SECTION("rows say when they were read") {
    tried_store db{open};
    CHECK(db.ask<lease_rows>(list_leases{}).at == db.now);
  }
  SECTION("history says when, under which fence, and in order") {
    tried_store db{open};
    auto handle = db.grant(a_lease("lease-1"));
    db.now.ms += 7;
    db.must(extend_lease{.lease = handle, .note = "one"});
    db.must(extend_lease{.lease = handle, .note = "two"});
    auto lines = db.ask<lease_events>(list_events{{"lease-1"}}).rows;
    REQUIRE(lines.size() == 3);
    CHECK(lines[0].at + 7ms == lines[1].at);
    CHECK(lines[0].fence == handle.fence);
    CHECK(lines[1].note == "one");
    CHECK(lines[2].note == "two");
    CHECK(db.history("nobody").empty());
  }
}

// -- environments -------------------------------------------------------------

namespace {

void check_removals_of_environments(const store_opener& open) {
  SECTION("an environment stays while leases hold it") {
    tried_store db{open};
    auto what = GENERATE(0, 1, 2, 3, 4);
    CAPTURE(what);
    if (what == 0)
      db.grant(a_lease("lease-1", lease_status::acquiring));
    else if (what == 1)
      db.grant(a_lease("lease-1"));
    else if (what == 2)
      db.park(a_holder("lease-1", "box-1"));
    else if (what == 3)
      db.owe(a_lease("lease-1"), std::nullopt);
    else
      db.must(end_lease{.lease = db.grant(a_lease("lease-1")),
                        .from = {lease_status::active},
                        .to = lease_status::retained});
    auto why = db.must_not(remove_environment{{"env-1"}});
    CHECK(why.code == ec::in_use);
    CHECK(why.message
          == "Environment \"box\" is still held by 1 lease: acquiring, active, "
             "parked, retained, or owing a cleanup. List its leases to see "
             "them, and release or destroy them first.");
    CHECK(db.ask<environment_rows>(get_environment{"box"}).rows.size() == 1);
  }
  SECTION("an environment goes when its leases are over; they stay") {
    tried_store db{open};
    auto handle = db.owe(a_lease("lease-1"), 0ms);
    db.must(record_cleanup{.lease = handle.id});
    db.must(remove_environment{{"env-1"}});
    CHECK(db.lease("lease-1").environment.empty());
    CHECK(db.history("lease-1").size() == 3);
    auto why = db.must_not(remove_environment{{"env-1"}});
    CHECK(why.code == ec::unknown_environment);
    CHECK(why.message == "Environment \"env-1\" not found.");
  }
}

} // namespace

void check_environments(const store_opener& open) {
  check_breakers(open);
  check_removals_of_environments(open);
  SECTION("an environment is kept as it was given, and found by id or name") {
    tried_store db{open};
    environment_row row{.id = {"env-2"},
                        .name = "cave",
                        .description = "dark",
                        .driver = "ssh",
                        .status = environment_status::archived,
                        .config = json_text{R"({"host":"h"})"}};
    db.must(put_environment{row});
    row.created_at = row.updated_at = db.now;
    db.reopen();
    CHECK(db.ask<environment_rows>(get_environment{"env-2"}).rows
          == std::vector{row});
    CHECK(db.ask<environment_rows>(get_environment{"cave"}).rows
          == std::vector{row});
    CHECK(db.ask<environment_rows>(list_environments{}).rows.size() == 2);
  }
  SECTION("a new version of an environment keeps its birthday") {
    tried_store db{open};
    auto born = db.now;
    db.now.ms += 5;
    db.must(put_environment{{.id = {"env-1"}, .name = "crate"}});
    auto now = db.ask<environment_rows>(get_environment{"crate"}).rows.at(0);
    CHECK(now.created_at == born);
    CHECK(now.updated_at == db.now);
  }
  SECTION("a name is given to one environment only") {
    tried_store db{open};
    auto why = db.must_not(put_environment{{.id = {"env-2"}, .name = "box"}});
    CHECK(why.code == ec::already_exists);
    CHECK(why.message
          == "An environment named \"box\" already exists for this instance.");
    db.must(put_environment{{.id = {"env-2"}, .name = "cave"}});
    CHECK(db.must_not(put_environment{{.id = {"env-2"}, .name = "box"}}).code
          == ec::already_exists);
  }
  SECTION("an id goes before a name, and what is neither is unknown") {
    tried_store db{open};
    db.must(put_environment{{.id = {"env-2"}, .name = "env-1"}});
    CHECK(db.ask<environment_rows>(get_environment{"env-1"}).rows.at(0).id
          == environment_id{"env-1"});
    auto why = db.ask_in_vain(get_environment{"nowhere"});
    CHECK(why.code == ec::unknown_environment);
    CHECK(why.message == "Environment \"nowhere\" not found.");
  }
}

} // namespace leasehold::test
