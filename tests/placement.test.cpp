// Where a run gets its resource: resume a parked one, else make one.

#include "actors/placement.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/machine_words.hpp"

using namespace leasehold;
using namespace leasehold::placement_event;
using test::lines;

namespace {

parked_resource box_1() {
  parked_resource out;
  out.lease = {"lease-0"};
  out.resource = {"box-1"};
  return out;
}

failure why(ec code) {
  return {code, "It did not work.", {}};
}

resource_ready ready(const std::string& name) {
  resource_ready out;
  out.resource = {name};
  return out;
}

/// The same, held by the run itself.
parked_resource own_box_1() {
  auto out = box_1();
  out.held_under = 5;
  return out;
}

/// A placement of lease-1, and how to bring it somewhere.
struct placing {
  placement now;
  lease_plan plan;

  placing() {
    now.lease = {"lease-1"};
    plan.makes_resource = true;
  }

  template <class Event>
  lines feed(const Event& what) {
    return test::feed(now, what);
  }

  void plan_it() {
    feed(opened{});
    feed(planned{plan});
  }

  /// Asked for a new resource: attempt 1.
  void acquire() {
    plan_it();
    feed(recorded{});
    REQUIRE(now.phase == placement_phase::acquiring);
  }

  /// Chose box-1, and its claim is being written.
  void claim() {
    plan.policy = lease_policy::reuse_by_environment;
    plan_it();
    feed(chosen{box_1()});
    REQUIRE(now.phase == placement_phase::recording);
  }

  /// Chose box-1 that the run holds already, and its new fence is written.
  void take_again() {
    plan.policy = lease_policy::reuse_by_environment;
    plan_it();
    CHECK(feed(chosen{own_box_1()}) == lines{"record"});
  }

  /// Asked for box-1 back: attempt 1.
  void resume() {
    claim();
    feed(recorded{});
    REQUIRE(now.phase == placement_phase::resuming);
  }
};

} // namespace

// -- the straight ways --------------------------------------------------------

TEST_CASE_METHOD(placing, "placement: begins with a plan", "[placement]") {
  CHECK(feed(opened{}) == lines{"make a plan"});
  CHECK(feed(opened{}).empty());
}

TEST_CASE_METHOD(placing,
                 "placement: without reuse nobody looks for a parked resource",
                 "[placement]") {
  plan.policy
    = GENERATE(lease_policy::ephemeral, lease_policy::retain_on_failure);
  feed(opened{});
  CHECK(feed(planned{plan}) == lines{"record"});
}

TEST_CASE_METHOD(placing,
                 "placement: with reuse a parked resource is looked for",
                 "[placement]") {
  plan.policy = GENERATE(lease_policy::reuse_by_environment,
                         lease_policy::reuse_by_execution_workspace);
  feed(opened{});
  CHECK(feed(planned{plan}) == lines{"choose"});
  CHECK(feed(chosen{}) == lines{"record"});
  CHECK(feed(recorded{}) == lines{"acquire, attempt 1"});
}

TEST_CASE_METHOD(placing,
                 "placement: the driver is called once the intent is on disk",
                 "[placement]") {
  feed(opened{});
  CHECK(feed(planned{plan}) == lines{"record"});
  CHECK(feed(recorded{}) == lines{"acquire, attempt 1"});
}

TEST_CASE_METHOD(placing,
                 "placement: the run is told once the grant is on disk",
                 "[placement]") {
  acquire();
  CHECK(feed(came_up{1, ready("box-2")}) == lines{"confirm box-2"});
  CHECK(feed(recorded{}) == lines{"grant"});
  CHECK(now.origin == lease_origin::fresh);
  CHECK(is_finished(now));
}

TEST_CASE_METHOD(placing,
                 "placement: a driver that makes nothing needs one write",
                 "[placement]") {
  plan.makes_resource = false;
  feed(opened{});
  CHECK(feed(planned{plan}) == lines{"record"});
  CHECK(feed(recorded{}) == lines{"grant"});
}

TEST_CASE_METHOD(placing, "placement: a parked resource is resumed",
                 "[placement]") {
  claim();
  CHECK(feed(recorded{}) == lines{"resume, attempt 1"});
  CHECK(feed(came_up{1, ready("box-1")}) == lines{"confirm box-1"});
  CHECK(feed(recorded{}) == lines{"grant"});
  CHECK(now.origin == lease_origin::resumed);
}

// -- resume, then acquire -----------------------------------------------------

TEST_CASE_METHOD(placing,
                 "placement: a parked resource that is gone is replaced, and "
                 "nothing is owed for it",
                 "[placement]") {
  resume();
  CHECK(feed(refused{1, why(ec::resource_gone)})
        == lines{"give up box-1: gone"});
  CHECK(feed(recorded{}) == lines{"acquire, attempt 2"});
  CHECK(now.origin == lease_origin::replacement);
  CHECK(now.origin_note == "box-1 is gone");
}

TEST_CASE_METHOD(placing,
                 "placement: a resume that fails otherwise falls back to "
                 "acquiring, and the old resource is owed a cleanup",
                 "[placement]") {
  auto code = GENERATE(ec::provider_refused, ec::not_supported, ec::worker_lost,
                       ec::call_timed_out, ec::protocol_violation);
  resume();
  CHECK(feed(refused{1, why(code)}) == lines{"give up box-1: owed"});
  CHECK(feed(recorded{}) == lines{"report lease-0 owed", "acquire, attempt 2"});
  CHECK(now.origin == lease_origin::replacement);
}

TEST_CASE_METHOD(placing,
                 "placement: a resume that takes too long is a failed one",
                 "[placement]") {
  resume();
  CHECK(feed(timed_out{1}) == lines{"give up box-1: owed"});
  CHECK(feed(recorded{}) == lines{"report lease-0 owed", "acquire, attempt 2"});
}

TEST_CASE_METHOD(
  placing,
  "placement: the replacement is asked for once the old resource "
  "is written off",
  "[placement]") {
  resume();
  feed(refused{1, why(ec::resource_gone)});
  CHECK(now.phase == placement_phase::replacing);
  CHECK(now.attempt == 1);
}

TEST_CASE_METHOD(placing,
                 "placement: what resumes after its time is left to the lease "
                 "that owes it",
                 "[placement]") {
  resume();
  feed(timed_out{1});
  CHECK(feed(came_up{1, ready("box-1")}).empty());
  feed(recorded{});
  CHECK(now.phase == placement_phase::acquiring);
}

TEST_CASE_METHOD(
  placing,
  "placement: a late resume that made something else is disposed "
  "of",
  "[placement]") {
  resume();
  feed(timed_out{1});
  CHECK(feed(came_up{1, ready("box-9")}) == lines{"dispose of box-9"});
}

TEST_CASE_METHOD(placing,
                 "placement: a resume never grants another resource than the "
                 "one it was asked for",
                 "[placement]") {
  resume();
  CHECK(feed(came_up{1, ready("box-9")})
        == lines{"dispose of box-9", "give up box-1: owed"});
  CHECK(feed(recorded{}) == lines{"report lease-0 owed", "acquire, attempt 2"});
  feed(came_up{2, ready("box-2")});
  CHECK(feed(recorded{}) == lines{"grant"});
}

TEST_CASE_METHOD(placing, "placement: a claim that is lost looks for the next",
                 "[placement][pb-12.1.1]") {
  claim();
  CHECK(feed(unrecorded{why(ec::conflict)}) == lines{"choose"});
  CHECK_FALSE(now.claim);
  CHECK(feed(chosen{}) == lines{"record"});
  CHECK(feed(recorded{}) == lines{"acquire, attempt 1"});
}

TEST_CASE_METHOD(placing,
                 "placement: a plugin that changed is asked again once",
                 "[placement]") {
  claim();
  CHECK(feed(unrecorded{why(ec::plugin_not_ready)}).back() == "make a plan");
  CHECK_FALSE(now.claim);
  feed(planned{plan});
  feed(chosen{});
  CHECK(feed(unrecorded{why(ec::plugin_not_ready)}).back().starts_with("deny"));
}

// -- on_resume_failure: preserve ----------------------------------------------

TEST_CASE_METHOD(placing,
                 "placement: with `preserve` a resource that does not resume "
                 "waits on and the run is refused (PB 3.13.6)",
                 "[placement]") {
  plan.preserve_on_resume_failure = true;
  resume();
  CHECK(feed(refused{1, why(ec::provider_refused)})
        == lines{"give up box-1: parked"});
  CHECK(feed(recorded{}) == lines{"give back box-1", "end"});
  CHECK(feed(recorded{}) == lines{"deny: provider_refused"});
  CHECK(now.verdict.message
        == "Reusable sandbox lease \"box-1\" could not be resumed; the lease "
           "was preserved and no replacement was created.");
  CHECK(now.verdict.detail == "It did not work.");
}

TEST_CASE_METHOD(placing,
                 "placement: with `preserve` a resource that is gone is "
                 "replaced all the same",
                 "[placement]") {
  plan.preserve_on_resume_failure = true;
  resume();
  CHECK(feed(refused{1, why(ec::resource_gone)})
        == lines{"give up box-1: gone"});
  CHECK(feed(recorded{}) == lines{"acquire, attempt 2"});
}

TEST_CASE_METHOD(placing,
                 "placement: what was preserved is not destroyed when it "
                 "resumes late",
                 "[placement]") {
  plan.preserve_on_resume_failure = true;
  resume();
  feed(timed_out{1});
  feed(recorded{});
  feed(recorded{});
  CHECK(feed(came_up{1, ready("box-1")}).empty());
  CHECK(is_finished(now));
}

TEST_CASE_METHOD(placing,
                 "placement: what was preserved is given back though the run "
                 "is released meanwhile",
                 "[placement]") {
  plan.preserve_on_resume_failure = true;
  resume();
  feed(refused{1, why(ec::provider_refused)});
  feed(cancelled{});
  CHECK(feed(recorded{}) == lines{"give back box-1", "end"});
}

// -- a run that asks again ----------------------------------------------------

TEST_CASE_METHOD(placing, "placement: a run resumes what it holds already",
                 "[placement]") {
  take_again();
  CHECK(feed(recorded{}) == lines{"resume, attempt 1"});
  CHECK(feed(came_up{1, ready("box-1")}) == lines{"grant"});
  CHECK(now.origin == lease_origin::resumed);
}

TEST_CASE_METHOD(placing,
                 "placement: a run whose own resource does not resume gives up "
                 "its lease for a new one",
                 "[placement]") {
  auto code = GENERATE(ec::resource_gone, ec::worker_lost);
  take_again();
  feed(recorded{});
  CHECK(feed(refused{1, why(code)}) == lines{"abandon lease-0"});
  CHECK(feed(recorded{}) == lines{"record"});
  CHECK(feed(recorded{}) == lines{"acquire, attempt 2"});
  CHECK(now.origin == lease_origin::replacement);
}

TEST_CASE_METHOD(placing,
                 "placement: a run whose own lease is ending gets a new one",
                 "[placement]") {
  take_again();
  CHECK(feed(unrecorded{why(ec::conflict)}) == lines{"record"});
  CHECK(feed(recorded{}) == lines{"acquire, attempt 1"});
}

TEST_CASE_METHOD(placing,
                 "placement: with `preserve` a run keeps its own lease though "
                 "it does not resume",
                 "[placement]") {
  plan.preserve_on_resume_failure = true;
  take_again();
  feed(recorded{});
  CHECK(feed(refused{1, why(ec::provider_refused)})
        == lines{"deny: provider_refused"});
}

TEST_CASE_METHOD(placing,
                 "placement: a run that is released while it asks again gets "
                 "nothing, and its own lease is left to its release",
                 "[placement]") {
  take_again();
  SECTION("while its fence is written") {
    feed(cancelled{});
    CHECK(feed(recorded{}) == lines{"deny: cancelled"});
  }
  SECTION("while its lease is ending") {
    feed(cancelled{});
    CHECK(feed(unrecorded{why(ec::conflict)}) == lines{"deny: cancelled"});
  }
  SECTION("while it is resumed") {
    feed(recorded{});
    feed(cancelled{});
    SECTION("well") {
      CHECK(feed(came_up{1, ready("box-1")}) == lines{"deny: cancelled"});
    }
    SECTION("badly") {
      auto code = GENERATE(ec::resource_gone, ec::worker_lost);
      CHECK(feed(refused{1, why(code)}) == lines{"deny: cancelled"});
    }
  }
  SECTION("while it is replaced") {
    feed(recorded{});
    feed(refused{1, why(ec::resource_gone)});
    feed(cancelled{});
    CHECK(feed(recorded{}) == lines{"deny: cancelled"});
  }
  CHECK(is_finished(now));
}

// -- acquires that fail -------------------------------------------------------

TEST_CASE_METHOD(placing, "placement: a refused acquire owes nothing",
                 "[placement]") {
  auto code = GENERATE(ec::provider_refused, ec::worker_not_ready,
                       ec::worker_broken, ec::overloaded, ec::invalid_config);
  acquire();
  CHECK(feed(refused{1, why(code)}) == lines{"end"});
  CHECK(feed(recorded{}) == lines{"deny: " + to_string(code)});
  CHECK(is_finished(now));
}

TEST_CASE_METHOD(
  placing, "placement: an acquire whose outcome is unknown owes a cleanup",
  "[placement]") {
  auto code = GENERATE(ec::worker_lost, ec::call_timed_out);
  acquire();
  CHECK(feed(refused{1, why(code)}) == lines{"end, owed"});
  CHECK(feed(recorded{})
        == lines{"report lease-1 owed", "deny: " + to_string(code)});
}

TEST_CASE_METHOD(placing,
                 "placement: a refusal after the provider acted owes a cleanup",
                 "[placement]") {
  auto how = GENERATE(acted::unknown, acted::yes);
  acquire();
  CHECK(feed(refused{1, {ec::protocol_violation, "Not an object.", {}, how}})
        == lines{"end, owed"});
}

TEST_CASE_METHOD(
  placing,
  "placement: an acquire that takes too long owes a cleanup, and "
  "what comes up late is disposed of",
  "[placement]") {
  acquire();
  CHECK(feed(timed_out{1}) == lines{"end, owed"});
  CHECK(feed(recorded{})
        == lines{"report lease-1 owed", "deny: call_timed_out"});
  CHECK_FALSE(is_finished(now));
  CHECK(feed(came_up{1, ready("box-2")}) == lines{"dispose of box-2"});
  CHECK(is_finished(now));
}

TEST_CASE_METHOD(placing,
                 "placement: a late answer that names nothing is nothing to "
                 "dispose of",
                 "[placement]") {
  acquire();
  feed(timed_out{1});
  CHECK(feed(came_up{1, ready("")}).empty());
}

TEST_CASE_METHOD(placing, "placement: a deadline ends its own attempt only",
                 "[placement]") {
  resume();
  feed(refused{1, why(ec::resource_gone)});
  feed(recorded{});
  CHECK(feed(timed_out{1}).empty());
  CHECK(now.phase == placement_phase::acquiring);
  CHECK(feed(timed_out{2}) == lines{"end, owed"});
}

TEST_CASE_METHOD(placing, "placement: what cannot be planned is denied",
                 "[placement]") {
  feed(opened{});
  CHECK(feed(unplannable{why(ec::unknown_provider)})
        == lines{"deny: unknown_provider"});
  CHECK(is_finished(now));
}

// -- a store that does not write ----------------------------------------------

TEST_CASE_METHOD(placing,
                 "placement: without the intent on disk no driver is called",
                 "[placement]") {
  plan_it();
  CHECK(feed(unrecorded{why(ec::store_unavailable)})
        == lines{"deny: store_unavailable"});
  CHECK(is_finished(now));
}

TEST_CASE_METHOD(placing,
                 "placement: a claim that could not be written is given back",
                 "[placement]") {
  claim();
  CHECK(feed(unrecorded{why(ec::store_unavailable)})
        == lines{"give back box-1", "deny: store_unavailable"});
}

TEST_CASE_METHOD(placing,
                 "placement: a grant that could not be written owes the "
                 "resource's cleanup",
                 "[placement]") {
  acquire();
  feed(came_up{1, ready("box-2")});
  CHECK(feed(unrecorded{why(ec::store_unavailable)})
        == lines{"end, owed: box-2"});
  CHECK(feed(recorded{})
        == lines{"report lease-1 owed", "deny: store_unavailable"});
}

TEST_CASE_METHOD(placing,
                 "placement: a resource whose lease was ended meanwhile is "
                 "disposed of",
                 "[placement]") {
  acquire();
  feed(came_up{1, ready("box-2")});
  CHECK(feed(unrecorded{why(ec::conflict)})
        == lines{"dispose of box-2", "deny: lease_ended"});
}

TEST_CASE_METHOD(
  placing,
  "placement: a resource is disposed of by hand if no row can be "
  "made to lead to it",
  "[placement]") {
  acquire();
  feed(came_up{1, ready("box-2")});
  feed(unrecorded{why(ec::store_unavailable)});
  CHECK(feed(unrecorded{why(ec::store_unavailable)})
        == lines{"dispose of box-2", "deny: store_unavailable"});
}

TEST_CASE_METHOD(placing,
                 "placement: a claimed resource that could not be written off "
                 "is owed by the new row",
                 "[placement]") {
  resume();
  feed(refused{1, why(ec::provider_refused)});
  CHECK(feed(unrecorded{why(ec::store_unavailable)}) == lines{"end, owed"});
  CHECK(feed(recorded{})
        == lines{"report lease-1 owed", "deny: store_unavailable"});
}

// -- a run that no longer wants it --------------------------------------------

TEST_CASE_METHOD(placing,
                 "placement: a cancelled run is denied before anything "
                 "is written",
                 "[placement]") {
  feed(opened{});
  feed(cancelled{});
  CHECK(feed(planned{plan}) == lines{"deny: cancelled"});
}

TEST_CASE_METHOD(
  placing, "placement: a resource chosen for a cancelled run is given back",
  "[placement]") {
  plan.policy = lease_policy::reuse_by_environment;
  plan_it();
  feed(cancelled{});
  CHECK(feed(chosen{box_1()}) == lines{"give back box-1", "deny: cancelled"});
}

TEST_CASE_METHOD(placing,
                 "placement: a run that is cancelled while its intent is "
                 "written calls no driver",
                 "[placement]") {
  plan_it();
  feed(cancelled{});
  CHECK(feed(recorded{}) == lines{"end"});
  CHECK(feed(recorded{}) == lines{"deny: cancelled"});
}

TEST_CASE_METHOD(placing,
                 "placement: a claim for a cancelled run leaves its row again",
                 "[placement]") {
  claim();
  feed(cancelled{});
  CHECK(feed(recorded{}) == lines{"give up box-1: owed"});
  CHECK(feed(recorded{}) == lines{"report lease-0 owed", "end"});
  CHECK(feed(recorded{}) == lines{"deny: cancelled"});
}

TEST_CASE_METHOD(placing,
                 "placement: what comes up for a cancelled run is owed a "
                 "cleanup",
                 "[placement]") {
  auto resumed = GENERATE(false, true);
  resumed ? resume() : acquire();
  feed(cancelled{});
  CHECK(feed(came_up{1, ready("box-1")}) == lines{"end, owed: box-1"});
  CHECK(feed(recorded{}) == lines{"report lease-1 owed", "deny: cancelled"});
}

TEST_CASE_METHOD(placing,
                 "placement: a resume that fails for a cancelled run is not "
                 "followed by an acquire",
                 "[placement]") {
  auto code = GENERATE(ec::provider_refused, ec::resource_gone);
  resume();
  feed(cancelled{});
  feed(refused{1, why(code)});
  feed(recorded{});
  CHECK(now.phase == placement_phase::closing);
  CHECK(feed(recorded{}) == lines{"deny: cancelled"});
}

TEST_CASE_METHOD(placing,
                 "placement: a grant that is being written when the run is "
                 "cancelled is taken back",
                 "[placement]") {
  acquire();
  feed(came_up{1, ready("box-2")});
  feed(cancelled{});
  CHECK(feed(recorded{}) == lines{"end, owed: box-2"});
  CHECK(feed(recorded{}) == lines{"report lease-1 owed", "deny: cancelled"});
}

TEST_CASE_METHOD(placing,
                 "placement: a lease without a resource is taken back from a "
                 "cancelled run",
                 "[placement]") {
  plan.makes_resource = false;
  plan_it();
  feed(cancelled{});
  CHECK(feed(recorded{}) == lines{"end"});
  CHECK(feed(recorded{}) == lines{"deny: cancelled"});
}
