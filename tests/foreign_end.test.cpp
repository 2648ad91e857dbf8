// What becomes of a lease that no actor minds.

#include "actors/foreign_end.hpp"

#include "tests/support/catch.hpp"

using namespace leasehold;
namespace verdict = foreign_verdict;

namespace {

lease_row a_row(lease_status status) {
  lease_row row;
  row.id = {"lease-1"};
  row.fence = 7;
  row.status = status;
  row.owner = {"engine-2"};
  row.exclusive = true;
  row.resource = {"box-1"};
  return row;
}

foreign_request release(fence_no fence = 7) {
  return {{{"lease-1"}, fence}, "", release_status::expired};
}

foreign_request destroy(fence_no fence = 7) {
  return {{{"lease-1"}, fence}, "", std::nullopt};
}

template <class Verdict>
Verdict judged(const foreign_request& what, const lease_row& row,
               std::optional<bool> dead = std::nullopt) {
  auto how = judge(what, row, dead);
  REQUIRE(std::holds_alternative<Verdict>(how));
  return std::get<Verdict>(how);
}

} // namespace

TEST_CASE("foreign end: an older handle has no effect", "[foreign_end]") {
  auto status = GENERATE(lease_status::active, lease_status::released);
  for (const auto& what : {release(6), destroy(6)}) {
    auto why = judged<verdict::refuse>(what, a_row(status)).why;
    CHECK(why.code == ec::stale_lease);
    CHECK(why.message == "Lease lease-1 was granted anew: fence 7, not 6.");
  }
}

TEST_CASE("foreign end: an operator needs no fence", "[foreign_end]") {
  judged<verdict::end>(destroy(0), a_row(lease_status::active));
}

TEST_CASE("foreign end: a release asks whether the engine is dead",
          "[foreign_end]") {
  auto status = GENERATE(lease_status::acquiring, lease_status::active);
  judged<verdict::ask_owner>(release(), a_row(status));
}

TEST_CASE("foreign end: a living engine's lease is not released",
          "[foreign_end][promise-4]") {
  auto row = a_row(lease_status::active);
  auto why = judged<verdict::refuse>(release(), row, false).why;
  CHECK(why.code == ec::held_elsewhere);
  CHECK(why.message
        == "Lease lease-1 is held by another engine (engine-2) that is "
           "alive.");
}

TEST_CASE("foreign end: a dead engine's lease ends as its run did",
          "[foreign_end]") {
  auto how = judged<verdict::end>(release(), a_row(lease_status::active), true);
  CHECK(how.what.lease == lease_handle{{"lease-1"}, 7});
  CHECK(how.what.from
        == std::vector{lease_status::acquiring, lease_status::active});
  CHECK(how.what.to == lease_status::expired);
  CHECK(how.what.cleanup == cleanup_status::failed);
  CHECK(how.what.next_cleanup_in == milliseconds{0});
  CHECK(how.after.status == lease_status::expired);
  CHECK(how.after.cleanup == cleanup_status::failed);
}

TEST_CASE("foreign end: a removal is accepted from a living engine, too",
          "[foreign_end]") {
  auto how = judged<verdict::end>(destroy(), a_row(lease_status::active));
  CHECK(how.what.to == lease_status::failed);
  CHECK(how.what.failure_reason == "lease_destroyed");
}

TEST_CASE("foreign end: what made nothing owes nothing", "[foreign_end]") {
  auto row = a_row(lease_status::active);
  row.exclusive = false;
  auto how = judged<verdict::end>(destroy(), row);
  CHECK(how.what.cleanup == cleanup_status::success);
  CHECK_FALSE(how.what.next_cleanup_in);
}

TEST_CASE("foreign end: nobody knows what an acquiring lease made",
          "[foreign_end]") {
  auto row = a_row(lease_status::acquiring);
  row.exclusive = false;
  CHECK(holds_resource(row));
  CHECK(judged<verdict::end>(destroy(), row).what.cleanup
        == cleanup_status::failed);
}

TEST_CASE("foreign end: a release that is repeated is told the same again",
          "[foreign_end]") {
  auto row = a_row(lease_status::released);
  row.parked = true;
  auto how = judged<verdict::answer>(release(), row).how;
  CHECK(how.status == lease_status::released);
  CHECK(how.parked);
  CHECK(how.resource == resource_id{"box-1"});
}

TEST_CASE("foreign end: what an ended lease left can be removed",
          "[foreign_end]") {
  auto row = a_row(lease_status::retained);
  auto what = judged<verdict::remove>(destroy(), row).what;
  CHECK(what.lease == lease_id{"lease-1"});
  CHECK(what.reason == "lease_destroyed");
  row.cleanup = cleanup_status::success;
  judged<verdict::answer>(destroy(), row);
}

TEST_CASE("foreign end: an orphan ends as failed", "[foreign_end]") {
  auto what = end_of_orphan(a_row(lease_status::active), {"engine-1"});
  CHECK(what.to == lease_status::failed);
  CHECK(what.failure_reason == "engine_restart");
  CHECK(what.cleanup == cleanup_status::failed);
  CHECK(what.note == "its engine is gone");
  CHECK(what.dead_owner == instance_id{"engine-2"});
}

TEST_CASE("foreign end: an orphan whose run may come back waits once",
          "[foreign_end]") {
  auto row = a_row(lease_status::active);
  row.run = {"run-1"};
  row.reattach_grace = milliseconds{50};
  auto what = std::get<await_run>(settle_orphan(row, {"engine-1"}));
  CHECK(what.lease == lease_handle{{"lease-1"}, 7});
  CHECK(what.dead_owner == instance_id{"engine-2"});
  CHECK(what.grace == milliseconds{50});
  row.deadline_at = timestamp{1};
  auto end = std::get<end_lease>(settle_orphan(row, {"engine-1"}));
  CHECK(end.note
        == "its engine is gone, and its run has not come back in time");
  CHECK(end.dead_owner == instance_id{"engine-2"});
}

TEST_CASE("foreign end: an orphan waits for a run that it has, and was granted "
          "time for",
          "[foreign_end]") {
  auto row = a_row(lease_status::active);
  row.run = {"run-1"};
  CHECK(std::holds_alternative<end_lease>(settle_orphan(row, {"engine-1"})));
  row.reattach_grace = milliseconds{50};
  row.run = {};
  CHECK(std::holds_alternative<end_lease>(settle_orphan(row, {"engine-1"})));
  row.run = {"run-1"};
  row.status = lease_status::acquiring;
  CHECK(std::holds_alternative<end_lease>(settle_orphan(row, {"engine-1"})));
}

TEST_CASE("foreign end: an acquire that we forgot ends as well",
          "[foreign_end]") {
  auto what = end_of_orphan(a_row(lease_status::acquiring), {"engine-2"});
  CHECK(what.failure_reason == "acquire_abandoned");
  CHECK(what.note == "long past its deadline");
  CHECK(what.dead_owner.empty());
}
