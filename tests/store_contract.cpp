// The contract of stores: grants, ends, claims and cleanups of leases.

#include "tests/store_contract.hpp"

#include "tests/support/catch.hpp"

namespace leasehold::test {

using texts = std::vector<std::string>;

// -- words for tests ----------------------------------------------------------

tried_store::tried_store(store_opener open) : open_{std::move(open)} {
  reopen();
  must(put_environment{
    {.id = {"env-1"}, .name = "box", .description = {}, .driver = "local"}});
}

void tried_store::reopen() {
  it.reset();
  it = open_({"engine-1"}, [this] { return now; });
  REQUIRE(it != nullptr);
}

result<written> tried_store::try_to(store_write what) {
  auto outcomes = apply({std::move(what)});
  REQUIRE(outcomes.size() == 1);
  return outcomes.front();
}

written tried_store::must(store_write what) {
  auto outcome = try_to(std::move(what));
  INFO(outcome.error().message << " " << outcome.error().detail);
  REQUIRE(outcome.has_value());
  CHECK(outcome->at == now);
  return *outcome;
}

failure tried_store::must_not(store_write what) {
  auto outcome = try_to(std::move(what));
  REQUIRE_FALSE(outcome.has_value());
  return outcome.error();
}

template <class Answer>
Answer tried_store::ask(const store_query& question) {
  auto answer = it->read(question);
  INFO(answer.error().message << " " << answer.error().detail);
  REQUIRE(answer.has_value());
  REQUIRE(std::holds_alternative<Answer>(*answer));
  return std::get<Answer>(*answer);
}

template lease_rows tried_store::ask(const store_query&);
template lease_events tried_store::ask(const store_query&);
template environment_rows tried_store::ask(const store_query&);
template plugin_rows tried_store::ask(const store_query&);
template secret_rows tried_store::ask(const store_query&);
template secret_binding_rows tried_store::ask(const store_query&);
template secret_fact_rows tried_store::ask(const store_query&);
template sealed_sample tried_store::ask(const store_query&);
template breaker_rows tried_store::ask(const store_query&);
template secret_access_rows tried_store::ask(const store_query&);
template instance_rows tried_store::ask(const store_query&);

failure tried_store::ask_in_vain(const store_query& question) {
  auto answer = it->read(question);
  REQUIRE_FALSE(answer.has_value());
  return answer.error();
}

lease_row tried_store::lease(const std::string& id) {
  auto found = ask<lease_rows>(get_lease{id});
  REQUIRE(found.rows.size() == 1);
  return found.rows.front();
}

texts tried_store::ids(const store_query& question) {
  texts all;
  for (const auto& row : ask<lease_rows>(question).rows)
    all.push_back(row.id.value);
  return all;
}

texts tried_store::history(const std::string& id) {
  texts all;
  for (const auto& line : ask<lease_events>(list_events{{id}}).rows) {
    CHECK(line.lease == lease_id{id});
    CHECK(line.by == instance_id{"engine-1"});
    all.push_back(line.from + " -> " + line.to + ": " + line.note);
  }
  return all;
}

lease_handle tried_store::grant(const lease_row& row) {
  return {row.id, must(insert_lease{.row = row, .note = "granted"}).fence};
}

lease_handle tried_store::park(const lease_row& row) {
  auto handle = grant(row);
  must(end_lease{.lease = handle,
                 .from = {lease_status::active},
                 .parked = true,
                 .note = "parked"});
  return handle;
}

lease_handle tried_store::owe(const lease_row& row,
                              std::optional<milliseconds> in) {
  auto handle = grant(row);
  must(end_lease{.lease = handle,
                 .from = {lease_status::active},
                 .cleanup = cleanup_status::failed,
                 .next_cleanup_in = in,
                 .note = "owed"});
  return handle;
}

lease_row a_lease(const std::string& id, lease_status status) {
  lease_row row;
  row.id = {id};
  row.company = {"company-1"};
  row.environment = {"env-1"};
  row.run = {"run-" + id};
  row.status = status;
  row.provider = "fake";
  row.owner = {"engine-1"};
  return row;
}

lease_row a_holder(const std::string& id, const std::string& resource,
                   lease_status status) {
  auto row = a_lease(id, status);
  row.resource = {resource};
  row.exclusive = true;
  return row;
}

// -- grants -------------------------------------------------------------------

namespace {

void check_exclusive_grants(const store_opener& open) {
  SECTION("an exclusive resource has one holder") {
    tried_store db{open};
    db.grant(a_holder("lease-1", "box-1"));
    auto why = db.must_not(insert_lease{.row = a_holder("lease-2", "box-1")});
    CHECK(why.code == ec::conflict);
    CHECK(why.message
          == "Lease \"lease-2\" cannot be inserted: its resource is held by "
             "lease \"lease-1\".");
    auto elsewhere = a_holder("lease-3", "box-1");
    elsewhere.provider = "other";
    db.grant(elsewhere);
    auto shared = a_holder("lease-4", "box-1");
    shared.exclusive = false;
    db.grant(shared);
  }
  SECTION("every grant has a larger fence, also after a restart") {
    tried_store db{open};
    auto first = db.grant(a_lease("lease-1")).fence;
    auto second = db.grant(a_lease("lease-2")).fence;
    CHECK(second > first);
    db.reopen();
    CHECK(db.grant(a_lease("lease-3")).fence > second);
  }
}

void check_inserts(const store_opener& open) {
  check_exclusive_grants(open);
  SECTION("a new lease is kept as it was given, with fence and times") {
    tried_store db{open};
    auto row = a_holder("lease-1", "box-1", lease_status::acquiring);
    row.workspace = {"workspace-1"};
    row.issue = {"issue-1"};
    row.policy = lease_policy::reuse_by_environment;
    row.fingerprint = "print";
    row.metadata = json_text{R"({"a":1})"};
    auto answer = db.must(insert_lease{.row = row,
                                       .deadline_in = milliseconds{50},
                                       .expires_in = milliseconds{70},
                                       .note = "asked"});
    CHECK(answer.fence > 0);
    row.fence = answer.fence;
    row.acquired_at = row.last_used_at = row.updated_at = db.now;
    row.deadline_at = db.now + milliseconds{50};
    row.expires_at = db.now + milliseconds{70};
    CHECK(db.lease("lease-1") == row);
    CHECK(db.history("lease-1") == texts{" -> acquiring: asked"});
    db.reopen();
    CHECK(db.lease("lease-1") == row);
  }
  SECTION("a new lease without durations keeps the end that it was given") {
    tried_store db{open};
    auto row = a_lease("lease-1");
    row.expires_at = timestamp{9'000};
    db.grant(row);
    CHECK(db.lease("lease-1").expires_at == timestamp{9'000});
    CHECK(db.lease("lease-1").deadline_at == std::nullopt);
  }
  SECTION("an id is given to one lease only") {
    tried_store db{open};
    db.grant(a_lease("lease-1"));
    auto why = db.must_not(insert_lease{.row = a_lease("lease-1")});
    CHECK(why.code == ec::conflict);
    CHECK(why.message
          == "Lease \"lease-1\" cannot be inserted: a lease with this id "
             "exists.");
    CHECK(db.history("lease-1").size() == 1);
  }
  SECTION("a lease does not begin with its end") {
    tried_store db{open};
    auto row = a_lease("lease-1", lease_status::failed);
    CHECK(db.must_not(insert_lease{.row = row}).code == ec::invalid_request);
  }
  SECTION("a lease of an environment that was removed is refused") {
    tried_store db{open};
    db.must(remove_environment{{"env-1"}});
    auto why = db.must_not(insert_lease{.row = a_lease("lease-1")});
    CHECK(why.code == ec::conflict);
    CHECK(db.ids(list_leases{}).empty());
  }
}

void check_activation(const store_opener& open) {
  SECTION("an acquiring lease becomes active with its resource") {
    tried_store db{open};
    auto row = a_holder("lease-1", "", lease_status::acquiring);
    auto fence = db.must(insert_lease{.row = row,
                                      .deadline_in = milliseconds{5},
                                      .expires_in = milliseconds{90},
                                      .note = "asked"})
                   .fence;
    db.now.ms += 10;
    auto answer = db.must(activate_lease{.lease = {{"lease-1"}, fence},
                                         .resource = {"box-1"},
                                         .metadata = json_text{R"({"a":2})"},
                                         .expires_at = timestamp{5'000},
                                         .note = "came up"});
    CHECK(answer.fence == fence);
    auto now = db.lease("lease-1");
    CHECK(now.status == lease_status::active);
    CHECK(now.resource == resource_id{"box-1"});
    CHECK(now.metadata == json_text{R"({"a":2})"});
    CHECK(now.expires_at == timestamp{5'000});
    CHECK(now.deadline_at == std::nullopt);
    CHECK(now.last_used_at == db.now);
    CHECK(now.acquired_at < db.now);
    CHECK(db.history("lease-1")
          == texts{" -> acquiring: asked", "acquiring -> active: came up"});
  }
  SECTION("a grant that names no end leaves the one that was set") {
    tried_store db{open};
    auto row = a_lease("lease-1", lease_status::acquiring);
    row.expires_at = timestamp{9'000};
    auto handle = db.grant(row);
    db.must(activate_lease{.lease = handle, .resource = {"box-1"}});
    CHECK(db.lease("lease-1").expires_at == timestamp{9'000});
  }
  SECTION("only an acquiring lease of this fence can be activated") {
    tried_store db{open};
    auto handle = db.grant(a_lease("lease-1", lease_status::acquiring));
    auto stale = lease_handle{handle.id, handle.fence + 1};
    CHECK(db.must_not(activate_lease{.lease = stale}).code == ec::conflict);
    db.must(activate_lease{.lease = handle});
    auto why = db.must_not(activate_lease{.lease = handle});
    CHECK(why.code == ec::conflict);
    CHECK(why.message
          == "Lease \"lease-1\" cannot be activated: it is active, fence "
               + std::to_string(handle.fence) + ".");
    CHECK(db.must_not(activate_lease{.lease = {{"nobody"}, 1}}).message
          == "Lease \"nobody\" cannot be activated: it does not exist.");
  }
  SECTION("a lease does not come up with another one's resource") {
    tried_store db{open};
    db.grant(a_holder("lease-1", "box-1"));
    auto late = db.grant(a_holder("lease-2", "", lease_status::acquiring));
    auto why
      = db.must_not(activate_lease{.lease = late, .resource = {"box-1"}});
    CHECK(why.code == ec::conflict);
    CHECK(db.lease("lease-2").status == lease_status::acquiring);
    CHECK(db.history("lease-2").size() == 1);
  }
}

void check_live_leases(const store_opener& open) {
  SECTION("a run takes its lease again under a new fence and owner") {
    tried_store db{open};
    auto handle = db.grant(a_lease("lease-1"));
    auto again = reacquire_lease{.lease = handle,
                                 .run = {"run-lease-1"},
                                 .owner = {"engine-1"},
                                 .expires_in = milliseconds{20},
                                 .note = "again"};
    auto other_run = again;
    other_run.run = {"run-2"};
    CHECK(db.must_not(other_run).code == ec::conflict);
    db.now.ms += 5;
    auto fence = db.must(again).fence;
    CHECK(fence > handle.fence);
    auto now = db.lease("lease-1");
    CHECK(now.fence == fence);
    CHECK(now.expires_at == db.now + milliseconds{20});
    CHECK(now.last_used_at == db.now);
    CHECK(db.must_not(again).code == ec::conflict);
    CHECK(db.history("lease-1")
          == texts{" -> active: granted", "active -> active: again"});
  }
  SECTION("a lease without a run is nobody's to take again") {
    tried_store db{open};
    auto row = a_lease("lease-1");
    row.run = {};
    auto handle = db.grant(row);
    CHECK(db.must_not(reacquire_lease{.lease = handle}).code == ec::conflict);
  }
  SECTION("an active lease of this fence can be extended and described") {
    tried_store db{open};
    auto row = a_lease("lease-1");
    row.expires_at = db.now;
    auto handle = db.grant(row);
    auto stale = lease_handle{handle.id, handle.fence + 1};
    db.must(extend_lease{handle, milliseconds{30}, "longer"});
    db.must(describe_lease{handle, json_text{R"({"b":1})"}, "described"});
    CHECK(db.lease("lease-1").expires_at == db.now + milliseconds{30});
    CHECK(db.lease("lease-1").metadata == json_text{R"({"b":1})"});
    CHECK(db.must_not(extend_lease{.lease = stale}).code == ec::conflict);
    CHECK(db.must_not(describe_lease{.lease = stale}).code == ec::conflict);
    db.must(end_lease{.lease = handle, .from = {lease_status::active}});
    CHECK(db.must_not(extend_lease{.lease = handle}).code == ec::conflict);
    CHECK(db.must_not(describe_lease{.lease = handle}).code == ec::conflict);
    CHECK(db.history("lease-1")
          == texts{" -> active: granted", "active -> active: longer",
                   "active -> active: described", "active -> released: "});
  }
  SECTION("an end is never moved in, nor made where there is none") {
    tried_store db{open};
    auto row = a_lease("lease-1");
    row.expires_at = db.now + milliseconds{30};
    auto ends = db.grant(row);
    auto endless = db.grant(a_lease("lease-2"));
    db.must(extend_lease{.lease = ends, .expires_in = milliseconds{20}});
    db.must(extend_lease{.lease = endless, .expires_in = milliseconds{20}});
    CHECK(db.lease("lease-1").expires_at == row.expires_at);
    CHECK(db.lease("lease-2").expires_at == std::nullopt);
  }
}

} // namespace

void check_grants(const store_opener& open) {
  check_inserts(open);
  check_activation(open);
  check_live_leases(open);
}

// -- ends ---------------------------------------------------------------------

namespace {

void check_guards_of_ends(const store_opener& open) {
  SECTION("a parked resource owes nothing") {
    tried_store db{open};
    auto handle = db.grant(a_holder("lease-1", "box-1"));
    db.must(end_lease{.lease = handle,
                      .from = {lease_status::active},
                      .cleanup = cleanup_status::failed,
                      .next_cleanup_in = milliseconds{0},
                      .parked = true});
    auto now = db.lease("lease-1");
    CHECK(now.parked);
    CHECK(now.cleanup == cleanup_status::none);
    CHECK(now.next_cleanup_at == std::nullopt);
    CHECK(now.released_at == db.now);
    CHECK(db.must_not(insert_lease{.row = a_holder("lease-2", "box-1")}).code
          == ec::conflict);
  }
  SECTION("an end that comes too late, or from the past, changes nothing") {
    tried_store db{open};
    auto handle = db.grant(a_lease("lease-1"));
    auto end = end_lease{.lease = handle,
                         .from = {lease_status::active},
                         .to = lease_status::released};
    auto stale = end;
    stale.lease.fence += 1;
    auto why = db.must_not(stale);
    CHECK(why.code == ec::conflict);
    CHECK(why.message
          == "Lease \"lease-1\" cannot be ended: it is active, fence "
               + std::to_string(handle.fence) + ", and the write was for fence "
               + std::to_string(handle.fence + 1) + ".");
    db.must(end);
    end.to = lease_status::failed;
    CHECK(db.must_not(end).code == ec::conflict);
    CHECK(db.lease("lease-1").status == lease_status::released);
    CHECK(db.history("lease-1").size() == 2);
  }
  SECTION("fence zero stands for any, and is answered with the real one") {
    tried_store db{open};
    auto handle = db.grant(a_lease("lease-1"));
    auto answer = db.must(
      end_lease{.lease = {handle.id}, .from = {lease_status::active}});
    CHECK(answer.fence == handle.fence);
  }
}

} // namespace

void check_ends(const store_opener& open) {
  check_guards_of_ends(open);
  SECTION("a lease ends with its reason, and what is owed") {
    tried_store db{open};
    auto handle = db.grant(a_lease("lease-1"));
    db.now.ms += 10;
    db.must(end_lease{.lease = handle,
                      .from = {lease_status::acquiring, lease_status::active},
                      .to = lease_status::failed,
                      .failure_reason = "it broke",
                      .cleanup = cleanup_status::failed,
                      .next_cleanup_in = milliseconds{5},
                      .resource = {"box-1"},
                      .note = "worker lost"});
    auto now = db.lease("lease-1");
    CHECK(now.status == lease_status::failed);
    CHECK(now.failure_reason == "it broke");
    CHECK(now.cleanup == cleanup_status::failed);
    CHECK(now.next_cleanup_at == db.now + milliseconds{5});
    CHECK(now.resource == resource_id{"box-1"});
    CHECK(now.released_at == db.now);
    CHECK(now.last_used_at == db.now);
    CHECK(db.history("lease-1")
          == texts{" -> active: granted", "active -> failed: worker lost"});
  }
  SECTION("an end clears the deadline") {
    tried_store db{open};
    auto row = a_lease("lease-1", lease_status::acquiring);
    auto fence
      = db.must(insert_lease{.row = row, .deadline_in = milliseconds{5}}).fence;
    db.must(end_lease{.lease = {row.id, fence},
                      .from = {lease_status::acquiring},
                      .to = lease_status::failed,
                      .cleanup = cleanup_status::success});
    CHECK(db.lease("lease-1").deadline_at == std::nullopt);
    CHECK(db.lease("lease-1").cleanup == cleanup_status::success);
  }
  SECTION("an acquire whose end nobody saw keeps its deadline") {
    tried_store db{open};
    auto row = a_lease("lease-1", lease_status::acquiring);
    auto fence
      = db.must(insert_lease{.row = row, .deadline_in = milliseconds{5}}).fence;
    auto until = db.lease("lease-1").deadline_at;
    CHECK(until == db.now + milliseconds{5});
    db.must(end_lease{.lease = {row.id, fence},
                      .from = {lease_status::acquiring},
                      .to = lease_status::failed,
                      .cleanup = cleanup_status::failed});
    CHECK(db.lease("lease-1").deadline_at == until);
  }
  SECTION("a retained lease has not been released") {
    tried_store db{open};
    auto handle = db.grant(a_lease("lease-1"));
    db.must(end_lease{.lease = handle,
                      .from = {lease_status::active},
                      .to = lease_status::retained});
    CHECK(db.lease("lease-1").released_at == std::nullopt);
  }
}

// -- claims -------------------------------------------------------------------

namespace {

/// A lease that takes the parked resource `box-1` over from lease-1.
insert_lease a_claim(const std::string& id) {
  return {.row = a_holder(id, "box-1", lease_status::acquiring),
          .claims = {"lease-1"},
          .note = "claims"};
}

void check_resources_given_back(const store_opener& open) {
  using fate = give_up_resource::fate;
  SECTION("a resource that is gone owes nothing to anybody") {
    tried_store db{open};
    db.park(a_holder("lease-1", "box-1"));
    auto fence = db.must(a_claim("lease-2")).fence;
    db.must(give_up_resource{
      {{"lease-2"}, fence}, {"lease-1"}, fate::gone, "it is gone"});
    CHECK(db.lease("lease-2").resource.empty());
    CHECK(db.lease("lease-1").cleanup == cleanup_status::success);
    CHECK(db.history("lease-2").back() == "acquiring -> acquiring: it is gone");
    CHECK(db.history("lease-1").back()
          == "released -> released: given back by lease-2");
  }
  SECTION("a resource that did not come back is owed at once") {
    tried_store db{open};
    db.park(a_holder("lease-1", "box-1"));
    auto fence = db.must(a_claim("lease-2")).fence;
    db.must(
      give_up_resource{{{"lease-2"}, fence}, {"lease-1"}, fate::owed, ""});
    CHECK(db.ids(list_scheduled_cleanups{}) == texts{"lease-1"});
  }
  SECTION("a resource that is to be kept is parked again") {
    tried_store db{open};
    db.park(a_holder("lease-1", "box-1"));
    auto fence = db.must(a_claim("lease-2")).fence;
    db.must(
      give_up_resource{{{"lease-2"}, fence}, {"lease-1"}, fate::parked, ""});
    CHECK(db.lease("lease-1").parked);
    CHECK(db.lease("lease-1").cleanup == cleanup_status::none);
    db.must(a_claim("lease-3"));
  }
  SECTION("a resource that was kept is claimed, and is kept again") {
    tried_store db{open};
    auto kept = db.grant(a_holder("lease-1", "box-1"));
    db.must(end_lease{.lease = kept,
                      .from = {lease_status::active},
                      .to = lease_status::retained});
    auto fence = db.must(a_claim("lease-2")).fence;
    CHECK(db.lease("lease-1").cleanup == cleanup_status::success);
    CHECK(db.must_not(a_claim("lease-3")).code == ec::conflict);
    db.must(
      give_up_resource{{{"lease-2"}, fence}, {"lease-1"}, fate::kept, ""});
    CHECK(db.lease("lease-1").status == lease_status::retained);
    CHECK(db.lease("lease-1").cleanup == cleanup_status::none);
    CHECK_FALSE(db.lease("lease-1").parked);
    db.must(a_claim("lease-3"));
  }
  SECTION("only an acquiring lease gives up, and to a lease that has ended") {
    tried_store db{open};
    db.park(a_holder("lease-1", "box-1"));
    auto live = db.grant(a_lease("lease-4"));
    auto fence = db.must(a_claim("lease-2")).fence;
    auto give_up = give_up_resource{
      {{"lease-2"}, fence + 1}, {"lease-1"}, fate::gone, "no"};
    CHECK(db.must_not(give_up).code == ec::conflict);
    give_up.lease.fence = fence;
    give_up.claimed_from = live.id;
    CHECK(db.must_not(give_up).code == ec::conflict);
    CHECK(db.lease("lease-2").resource == resource_id{"box-1"});
    CHECK(db.history("lease-2").size() == 1);
    db.must(activate_lease{.lease = {{"lease-2"}, fence}});
    give_up.claimed_from = {"lease-1"};
    CHECK(db.must_not(give_up).code == ec::conflict);
  }
}

} // namespace

void check_claims(const store_opener& open) {
  check_resources_given_back(open);
  SECTION("a parked resource moves to the lease that claims it") {
    tried_store db{open};
    db.park(a_holder("lease-1", "box-1"));
    db.must(a_claim("lease-2"));
    CHECK_FALSE(db.lease("lease-1").parked);
    CHECK(db.lease("lease-1").cleanup == cleanup_status::success);
    CHECK(db.lease("lease-2").resource == resource_id{"box-1"});
    CHECK(db.history("lease-1").back()
          == "released -> released: claimed by lease-2");
  }
  SECTION("of two claims in one batch one wins") {
    tried_store db{open};
    db.park(a_holder("lease-1", "box-1"));
    auto outcomes = db.apply({a_claim("lease-2"), a_claim("lease-3")});
    CHECK(outcomes[0].has_value());
    CHECK(outcomes[1].error().code == ec::conflict);
    CHECK(db.ids(list_leases{}) == texts{"lease-2", "lease-1"});
    CHECK(db.history("lease-1").size() == 3);
  }
  SECTION("of a resource that many may hold, one lease takes over the wait") {
    tried_store db{open};
    auto row = a_holder("lease-1", "box-1");
    row.exclusive = false;
    auto claim = a_claim("lease-2");
    claim.row.exclusive = false;
    auto handle = db.grant(row);
    CHECK(db.must_not(claim).message
          == "Lease \"lease-1\" cannot be claimed: it is active, fence "
               + std::to_string(handle.fence) + ".");
    db.must(end_lease{
      .lease = handle, .from = {lease_status::active}, .parked = true});
    db.must(claim);
    claim.row.id = {"lease-3"};
    CHECK(db.must_not(claim).code == ec::conflict);
    CHECK(db.ids(list_leases{}) == texts{"lease-2", "lease-1"});
  }
  SECTION("a claim whose lease is refused leaves the resource parked") {
    tried_store db{open};
    db.park(a_holder("lease-1", "box-1"));
    db.grant(a_lease("lease-2"));
    CHECK(db.must_not(a_claim("lease-2")).code == ec::conflict);
    CHECK(db.lease("lease-1").parked);
    CHECK(db.history("lease-1").size() == 2);
  }
}

} // namespace leasehold::test
