// The life of one granted lease, from its grant to the row that ends it.

#include "actors/tenancy.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/machine_words.hpp"

using namespace leasehold;
using namespace leasehold::tenancy_event;
using test::lines;

namespace {

using how = lease_ending::how;

const execution_id make{"make"};
const execution_id other{"other"};

/// A lease with a resource.
struct holding {
  tenancy now;

  holding() {
    now.terms.makes_resource = true;
  }

  template <class Event>
  lines feed(const Event& what) {
    return test::feed(now, what);
  }

  lines release(release_status status = release_status::released) {
    return feed(asked_to_end{{how::release, status, {}}, false});
  }

  lines release_when_idle() {
    return feed(
      asked_to_end{{how::release, release_status::released, {}}, true});
  }

  lines destroy() {
    return feed(
      asked_to_end{{how::destroy, release_status::released, {}}, false});
  }

  lines expire() {
    return release(release_status::expired);
  }
};

} // namespace

// -- release ------------------------------------------------------------------

TEST_CASE_METHOD(holding,
                 "tenancy: a release asks the provider, then the store",
                 "[tenancy]") {
  CHECK(release() == lines{"release 1, released", "count patience"});
  CHECK(feed(provider_answered{1, done{}})
        == lines{"record released, cleanup success"});
  CHECK(feed(recorded{}) == lines{"announce released, cleanup success"});
  CHECK(now.phase == tenancy_phase::ended);
}

TEST_CASE_METHOD(holding, "tenancy: the run's outcome reaches the provider",
                 "[tenancy]") {
  auto status = GENERATE(release_status::released, release_status::expired,
                         release_status::failed);
  CHECK(release(status).front() == "release 1, " + to_string(status));
}

TEST_CASE_METHOD(holding,
                 "tenancy: a release that the provider refuses is recorded as "
                 "asked, with a cleanup owed",
                 "[tenancy]") {
  release(release_status::failed);
  CHECK(feed(provider_answered{1, failure{ec::provider_refused, "No.", {}}})
        == lines{"record failed, cleanup failed, adapter_or_run_failure"});
}

TEST_CASE_METHOD(
  holding,
  "tenancy: a provider that does not answer does not hold up the "
  "release",
  "[tenancy]") {
  release();
  CHECK(feed(patience_over{}) == lines{"record released, cleanup failed"});
  CHECK(now.outcome.next_cleanup_in == milliseconds{0});
  CHECK(feed(provider_answered{1, done{}}).empty());
}

TEST_CASE_METHOD(holding, "tenancy: a lease that made nothing asks no provider",
                 "[tenancy]") {
  now.terms.makes_resource = false;
  CHECK(release() == lines{"record released, cleanup success"});
}

TEST_CASE_METHOD(holding, "tenancy: what is kept is not given to the provider",
                 "[tenancy]") {
  CHECK(feed(asked_to_end{{how::keep, release_status::failed, {}}, false})
        == lines{"record retained, cleanup none, adapter_or_run_failure"});
}

TEST_CASE_METHOD(holding,
                 "tenancy: a reusable resource that expires is removed",
                 "[tenancy]") {
  now.terms.policy = lease_policy::reuse_by_environment;
  CHECK(expire() == lines{"destroy 1", "count patience"});
  CHECK(feed(provider_answered{1, done{}})
        == lines{"record expired, cleanup success"});
}

TEST_CASE_METHOD(holding, "tenancy: asking again changes nothing",
                 "[tenancy]") {
  release(release_status::failed);
  CHECK(release(release_status::released).empty());
  CHECK(expire().empty());
  feed(provider_answered{1, done{}});
  CHECK(release().empty());
  feed(recorded{});
  CHECK(release().empty());
  CHECK(now.outcome.status == lease_status::failed);
}

// -- commands -----------------------------------------------------------------

TEST_CASE_METHOD(holding,
                 "tenancy: a release cancels what runs and waits for it",
                 "[tenancy]") {
  feed(command_began{make});
  feed(command_began{other});
  CHECK(release() == lines{"cancel commands", "count patience"});
  CHECK(feed(command_ended{make}).empty());
  CHECK(feed(command_ended{other})
        == lines{"release 1, released", "count patience"});
}

TEST_CASE_METHOD(holding, "tenancy: a release may wait for what runs",
                 "[tenancy]") {
  feed(command_began{make});
  CHECK(release_when_idle().empty());
  CHECK(now.phase == tenancy_phase::draining);
  CHECK(feed(command_ended{make})
        == lines{"release 1, released", "count patience"});
}

TEST_CASE_METHOD(holding, "tenancy: who does not want to wait decides",
                 "[tenancy]") {
  feed(command_began{make});
  release_when_idle();
  auto impatient = GENERATE(0, 1, 2);
  auto wishes = impatient == 0   ? release()
                : impatient == 1 ? destroy()
                                 : expire();
  CHECK(wishes == lines{"cancel commands", "count patience"});
  CHECK(release_when_idle().empty());
}

TEST_CASE_METHOD(holding,
                 "tenancy: a command that does not end does not hold up the "
                 "release for ever",
                 "[tenancy]") {
  feed(command_began{make});
  release();
  CHECK(feed(patience_over{})
        == lines{"release 1, released", "count patience"});
  CHECK(feed(command_ended{make}).empty());
  CHECK(now.phase == tenancy_phase::ending);
}

TEST_CASE_METHOD(holding,
                 "tenancy: asking again and again does not put the end off",
                 "[tenancy]") {
  feed(command_began{make});
  CHECK(release() == lines{"cancel commands", "count patience"});
  CHECK(release().empty());
  CHECK(destroy().empty());
  CHECK(expire().empty());
}

TEST_CASE_METHOD(holding, "tenancy: commands that have ended hold up nothing",
                 "[tenancy]") {
  feed(command_began{make});
  feed(command_ended{make});
  CHECK(release() == lines{"release 1, released", "count patience"});
}

TEST_CASE_METHOD(holding,
                 "tenancy: an active lease minds its own commands only",
                 "[tenancy]") {
  CHECK(feed(command_began{make}).empty());
  CHECK(feed(command_ended{make}).empty());
  CHECK(feed(command_ended{other}).empty());
  CHECK(feed(patience_over{}).empty());
  CHECK(feed(retry_due{}).empty());
  CHECK(feed(recorded{}).empty());
  CHECK(now.phase == tenancy_phase::active);
}

// -- destroy, in every phase --------------------------------------------------

TEST_CASE_METHOD(holding, "tenancy: an active lease can be destroyed",
                 "[tenancy]") {
  CHECK(destroy() == lines{"destroy 1", "count patience"});
  CHECK(feed(provider_answered{1, done{}})
        == lines{"record failed, cleanup success, lease_destroyed"});
}

TEST_CASE_METHOD(holding,
                 "tenancy: a destroy turns a release that waits into a removal",
                 "[tenancy]") {
  feed(command_began{make});
  release_when_idle();
  destroy();
  CHECK(feed(command_ended{make}) == lines{"destroy 1", "count patience"});
}

TEST_CASE_METHOD(holding,
                 "tenancy: a destroy follows a release that is under way, one "
                 "call after the other",
                 "[tenancy][trap-15]") {
  release();
  CHECK(destroy().empty());
  CHECK(feed(provider_answered{1, done{}})
        == lines{"destroy 2", "count patience"});
  CHECK(feed(provider_answered{1, done{}}).empty());
  CHECK(feed(provider_answered{2, done{}})
        == lines{"record failed, cleanup success, lease_destroyed"});
}

TEST_CASE_METHOD(holding,
                 "tenancy: a destroy that waits for a release in vain is owed",
                 "[tenancy]") {
  release();
  destroy();
  CHECK(feed(patience_over{})
        == lines{"record failed, cleanup failed, lease_destroyed"});
}

TEST_CASE_METHOD(holding, "tenancy: a release does not undo a destroy",
                 "[tenancy]") {
  destroy();
  CHECK(release().empty());
  CHECK(feed(provider_answered{1, done{}})
        == lines{"record failed, cleanup success, lease_destroyed"});
}

TEST_CASE_METHOD(holding, "tenancy: a destroy outweighs keeping", "[tenancy]") {
  feed(command_began{make});
  feed(asked_to_end{{how::keep, release_status::failed, {}}, true});
  destroy();
  CHECK(feed(command_ended{make}) == lines{"destroy 1", "count patience"});
}

TEST_CASE_METHOD(holding,
                 "tenancy: an end that is being written stays what it is",
                 "[tenancy]") {
  release();
  feed(provider_answered{1, done{}});
  CHECK(destroy().empty());
  CHECK(feed(recorded{}) == lines{"announce released, cleanup success"});
  CHECK(destroy().empty());
}

// -- the store ----------------------------------------------------------------

TEST_CASE_METHOD(holding,
                 "tenancy: an end that could not be written is written later",
                 "[tenancy]") {
  auto code = GENERATE(ec::store_unavailable, ec::commit_unknown);
  release();
  feed(provider_answered{1, done{}});
  CHECK(feed(unrecorded{{code, "Not now.", {}}})
        == lines{"excuse: " + to_string(code), "try again later"});
  CHECK(feed(retry_due{}) == lines{"record released, cleanup success"});
  CHECK(feed(recorded{}) == lines{"announce released, cleanup success"});
}

TEST_CASE_METHOD(holding, "tenancy: a lease that somebody else ended is let go",
                 "[tenancy]") {
  release();
  feed(provider_answered{1, done{}});
  CHECK(feed(unrecorded{{ec::conflict, "It has ended.", {}}})
        == lines{"withdraw: lease_ended"});
  CHECK(now.phase == tenancy_phase::ended);
  CHECK(feed(retry_due{}).empty());
  CHECK(feed(recorded{}).empty());
}

TEST_CASE_METHOD(holding, "tenancy: a write that was done after all is our own",
                 "[tenancy]") {
  release();
  feed(provider_answered{1, done{}});
  feed(unrecorded{{ec::commit_unknown, "The connection broke.", {}}});
  CHECK(feed(retry_due{}) == lines{"record released, cleanup success"});
  CHECK(feed(unrecorded{{ec::conflict, "It has ended.", {}}})
        == lines{"announce released, cleanup success"});
}

// -- taken again --------------------------------------------------------------

TEST_CASE_METHOD(holding, "tenancy: an end waits for the fence it is under",
                 "[tenancy]") {
  feed(retake_began{});
  feed(retake_began{});
  release();
  CHECK(feed(provider_answered{1, done{}}).empty());
  CHECK(feed(retake_over{}).empty());
  CHECK(feed(retake_over{}) == lines{"record released, cleanup success"});
  CHECK(feed(recorded{}) == lines{"announce released, cleanup success"});
}

TEST_CASE_METHOD(holding, "tenancy: a lease that was taken again goes on",
                 "[tenancy]") {
  feed(retake_began{});
  CHECK(feed(retake_over{}).empty());
  CHECK(now.phase == tenancy_phase::active);
  CHECK(release() == lines{"release 1, released", "count patience"});
}
