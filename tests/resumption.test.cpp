// Resuming a lease by its id: what it means by the row, and how the placement
// goes that wants this resource and no other.

#include "actors/resumption.hpp"

#include "actors/placement.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/machine_words.hpp"

using namespace leasehold;
using namespace leasehold::placement_event;
using namespace std::literals;
using test::lines;

namespace {

const instance_id self{"engine-1"};

/// A lease that has ended and left box-1 for the next run.
lease_row parked_row() {
  lease_row out;
  out.id = {"lease-0"};
  out.company = {"company-1"};
  out.run = {"run-0"};
  out.status = lease_status::released;
  out.policy = lease_policy::reuse_by_environment;
  out.provider = "boxes";
  out.resource = {"box-1"};
  out.exclusive = true;
  out.fence = 5;
  out.owner = {"engine-0"};
  out.parked = true;
  out.fingerprint = "boxes:{}";
  out.metadata = json_text{R"({"provider":"boxes"})"};
  return out;
}

/// The same, kept for somebody to look at.
lease_row kept_row() {
  auto out = parked_row();
  out.status = lease_status::retained;
  out.policy = lease_policy::ephemeral;
  out.parked = false;
  return out;
}

/// The same, still held by run-1 in this engine.
lease_row own_row() {
  auto out = kept_row();
  out.status = lease_status::active;
  out.run = {"run-1"};
  out.owner = self;
  return out;
}

resume_lease wish() {
  return {{"lease-1"}, "lease-0", {"run-1"}, 0ms};
}

result<resumption> judged(const lease_row& row) {
  return judge(wish(), row, self, 60s);
}

failure gone() {
  return {ec::resource_gone, "The provider no longer has it.", {}};
}

failure refusal() {
  return {ec::provider_refused, "It will not boot.", {}};
}

resource_ready box_1() {
  resource_ready out;
  out.resource = {"box-1"};
  return out;
}

/// A placement of lease-1 that wants what the lease of this row has left.
struct taking_up {
  placement now;

  lines begin(const lease_row& row) {
    now.lease = {"lease-1"};
    auto start = judged(row);
    REQUIRE(start);
    return test::feed(now, asked_back{start->from, start->plan});
  }

  template <class Event>
  lines feed(const Event& what) {
    return test::feed(now, what);
  }
};

} // namespace

// -- by the row ---------------------------------------------------------------

TEST_CASE("resumption: a new lease is what the old one was", "[resumption]") {
  auto out = judged(parked_row());
  REQUIRE(out);
  CHECK(out->from.lease == lease_id{"lease-0"});
  CHECK(out->from.resource == resource_id{"box-1"});
  CHECK(out->from.held_under == 0);
  CHECK_FALSE(out->from.kept);
  CHECK(out->plan.provider == "boxes");
  CHECK(out->plan.policy == lease_policy::reuse_by_environment);
  CHECK(out->plan.fingerprint == "boxes:{}");
  CHECK(out->plan.exclusive);
  CHECK(out->plan.makes_resource);
  CHECK(out->plan.metadata == parked_row().metadata);
  CHECK(out->plan.acquire_timeout == 60s);
}

TEST_CASE("resumption: what was kept is taken up, too", "[resumption]") {
  auto out = judged(kept_row());
  REQUIRE(out);
  CHECK(out->from.kept);
}

TEST_CASE("resumption: a run may resume what it holds", "[resumption]") {
  auto out = judged(own_row());
  REQUIRE(out);
  CHECK(out->from.held_under == 5);
  CHECK_FALSE(out->from.kept);
}

TEST_CASE("resumption: what cannot be resumed says why", "[resumption]") {
  auto why = [](const lease_row& row) {
    auto out = judged(row);
    REQUIRE_FALSE(out);
    return out.error();
  };
  auto row = own_row();
  row.status = lease_status::acquiring;
  CHECK(why(row).message == "Lease lease-0 is still being acquired.");
  row = own_row();
  row.run = {"run-9"};
  CHECK(why(row).code == ec::in_use);
  CHECK(why(row).message
        == "Lease lease-0 is still held by run run-9; release it first.");
  row.run = {};
  CHECK(why(row).message
        == "Lease lease-0 is still held by no run; release it first.");
  row = own_row();
  row.owner = {"engine-9"};
  CHECK(why(row).code == ec::held_elsewhere);
  row = parked_row();
  row.parked = false;
  row.cleanup = cleanup_status::success;
  CHECK(why(row).code == ec::resource_gone);
  CHECK(why(row).message
        == "Lease lease-0 has ended (released) and left nothing to resume; "
           "acquire a new lease.");
  row = kept_row();
  row.cleanup = cleanup_status::success;
  CHECK(why(row).code == ec::resource_gone);
  auto nobody = wish();
  nobody.run = {};
  CHECK(judge(nobody, parked_row(), self, 60s).error().code
        == ec::invalid_request);
}

// -- the placement ------------------------------------------------------------

TEST_CASE_METHOD(taking_up, "resumption: the claim is on disk before the call",
                 "[resumption]") {
  auto row = GENERATE(parked_row(), kept_row());
  CHECK(begin(row) == lines{"record"});
  CHECK(feed(recorded{}) == lines{"resume, attempt 1"});
  CHECK(feed(came_up{1, box_1()}) == lines{"confirm box-1"});
  CHECK(feed(recorded{}) == lines{"grant"});
  CHECK(now.origin == lease_origin::resumed);
}

TEST_CASE_METHOD(taking_up,
                 "resumption: a resume that fails puts things back, and makes "
                 "nothing",
                 "[resumption]") {
  auto kept = GENERATE(false, true);
  begin(kept ? kept_row() : parked_row());
  feed(recorded{});
  CHECK(feed(refused{1, refusal()})
        == lines{kept ? "give up box-1: kept" : "give up box-1: parked"});
  auto then = feed(recorded{});
  CHECK(then == (kept ? lines{"end"} : lines{"give back box-1", "end"}));
  CHECK(feed(recorded{}) == lines{"deny: provider_refused"});
}

TEST_CASE_METHOD(taking_up, "resumption: what is gone is said to be gone",
                 "[resumption]") {
  begin(GENERATE(parked_row(), kept_row()));
  feed(recorded{});
  CHECK(feed(refused{1, gone()}) == lines{"give up box-1: gone"});
  CHECK(feed(recorded{}) == lines{"end"});
  CHECK(feed(recorded{}) == lines{"deny: resource_gone"});
  CHECK(now.verdict.message
        == "\"box-1\" of lease lease-0 no longer exists; acquire a new lease.");
}

TEST_CASE_METHOD(taking_up,
                 "resumption: who is slower is told, and owns "
                 "nothing",
                 "[resumption]") {
  begin(GENERATE(parked_row(), kept_row()));
  CHECK(feed(unrecorded{{ec::conflict, "No.", {}}}) == lines{"deny: conflict"});
}

TEST_CASE_METHOD(taking_up,
                 "resumption: what the run holds gets its new fence after the "
                 "resume",
                 "[resumption]") {
  CHECK(begin(own_row()) == lines{"resume, attempt 1"});
  SECTION("it works") {
    CHECK(feed(came_up{1, box_1()}) == lines{"record"});
    CHECK(feed(recorded{}) == lines{"grant"});
  }
  SECTION("a refusal changes nothing") {
    CHECK(feed(refused{1, refusal()}) == lines{"deny: provider_refused"});
  }
  SECTION("what is gone ends the lease") {
    CHECK(feed(refused{1, gone()}) == lines{"abandon lease-0"});
    CHECK(feed(recorded{}) == lines{"deny: resource_gone"});
  }
  SECTION("it was ended meanwhile") {
    feed(came_up{1, box_1()});
    CHECK(feed(unrecorded{{ec::conflict, "No.", {}}})
          == lines{"deny: conflict"});
  }
}

TEST_CASE_METHOD(taking_up,
                 "resumption: a run that is released meanwhile leaves things "
                 "as they were",
                 "[resumption]") {
  SECTION("before the call") {
    begin(kept_row());
    feed(cancelled{});
    CHECK(feed(recorded{}) == lines{"give up box-1: kept"});
    feed(recorded{});
    CHECK(feed(recorded{}) == lines{"deny: cancelled"});
  }
  SECTION("its own lease is released with it") {
    begin(own_row());
    feed(cancelled{});
    CHECK(feed(came_up{1, box_1()}) == lines{"deny: cancelled"});
  }
}
