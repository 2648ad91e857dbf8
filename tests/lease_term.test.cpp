// What a lease's row becomes when the lease ends: the whole table of PB 3.11.

#include "actors/lease_term.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/machine_words.hpp"

using namespace leasehold;

namespace {

using how = lease_ending::how;
using test::word;

const lease_policy all_policies[]{
  lease_policy::ephemeral,
  lease_policy::reuse_by_environment,
  lease_policy::reuse_by_execution_workspace,
  lease_policy::retain_on_failure,
};

const release_status all_statuses[]{
  release_status::released,
  release_status::expired,
  release_status::failed,
};

failure refusal() {
  return {ec::provider_refused, "The provider said no.", {}};
}

lease_ending release(release_status status, std::string reason = {}) {
  return {how::release, status, std::move(reason)};
}

lease_ending destroy(release_status status = release_status::released) {
  return {how::destroy, status, {}};
}

/// The end of a lease with a resource, carried out as a lease does it.
lease_outcome end(lease_ending x, lease_policy policy,
                  const result<>& provider = done{}) {
  lease_terms terms{policy, true};
  return outcome_of(effective(std::move(x), terms), terms, provider);
}

} // namespace

// -- the table ----------------------------------------------------------------

TEST_CASE("lease_term: released and expired stay what they are",
          "[lease_term]") {
  for (auto policy : all_policies) {
    CAPTURE(to_string(policy));
    auto released = end(release(release_status::released), policy);
    CHECK(released.status == lease_status::released);
    CHECK(released.failure_reason.empty());
    auto expired = end(release(release_status::expired), policy);
    CHECK(expired.status == lease_status::expired);
    CHECK(expired.failure_reason.empty());
  }
}

TEST_CASE("lease_term: a failed run fails its lease, or retains it",
          "[lease_term]") {
  for (auto policy : all_policies) {
    CAPTURE(to_string(policy));
    auto out = end(release(release_status::failed), policy);
    CHECK(out.status
          == (policy == lease_policy::retain_on_failure
                ? lease_status::retained
                : lease_status::failed));
    CHECK(out.failure_reason == "adapter_or_run_failure");
  }
}

TEST_CASE("lease_term: the outcome of the provider call is the cleanup's, and "
          "never the tenancy's",
          "[lease_term]") {
  for (auto policy : all_policies) {
    for (auto status : all_statuses) {
      CAPTURE(to_string(policy), to_string(status));
      auto worked = end(release(status), policy);
      auto failed = end(release(status), policy, refusal());
      CHECK(failed.status == worked.status);
      CHECK(failed.failure_reason == worked.failure_reason);
      CHECK(failed.cleanup == cleanup_status::failed);
      CHECK(failed.next_cleanup_in == milliseconds{0});
      CHECK_FALSE(failed.parked);
      CHECK(failed.note == "cleanup owed: The provider said no.");
    }
  }
}

TEST_CASE("lease_term: what is released and not reused is clean",
          "[lease_term]") {
  auto policy
    = GENERATE(lease_policy::ephemeral, lease_policy::retain_on_failure);
  for (auto status : all_statuses) {
    CAPTURE(to_string(status));
    auto out = end(release(status), policy);
    CHECK(out.cleanup == cleanup_status::success);
    CHECK_FALSE(out.next_cleanup_in);
    CHECK_FALSE(out.parked);
  }
}

TEST_CASE("lease_term: a caller's own reason is kept", "[lease_term]") {
  for (auto status : all_statuses) {
    CAPTURE(to_string(status));
    auto out = end(release(status, "out of budget"), lease_policy::ephemeral);
    CHECK(out.failure_reason == "out of budget");
  }
}

// -- reuse --------------------------------------------------------------------

TEST_CASE("lease_term: a reusable resource is parked when its run is over",
          "[lease_term]") {
  auto policy = GENERATE(lease_policy::reuse_by_environment,
                         lease_policy::reuse_by_execution_workspace);
  auto status = GENERATE(release_status::released, release_status::failed);
  auto out = end(release(status), policy);
  CHECK(out.parked);
  CHECK(out.cleanup == cleanup_status::none);
  CHECK_FALSE(out.next_cleanup_in);
}

TEST_CASE("lease_term: a reusable resource that expired is removed, not parked",
          "[lease_term]") {
  auto policy = GENERATE(lease_policy::reuse_by_environment,
                         lease_policy::reuse_by_execution_workspace);
  auto carried_out
    = effective(release(release_status::expired), {policy, true});
  CHECK(carried_out.what == how::destroy);
  auto out = end(release(release_status::expired), policy);
  CHECK(word(out) == "expired, cleanup success");
}

TEST_CASE("lease_term: only the expiry of a reusable resource is carried out "
          "otherwise than asked",
          "[lease_term]") {
  for (auto policy : all_policies) {
    lease_terms terms{policy, true};
    for (auto status : all_statuses) {
      CAPTURE(to_string(policy), to_string(status));
      if (is_reusable(policy) && status == release_status::expired)
        continue;
      CHECK(effective(release(status), terms) == release(status));
    }
    CHECK(effective(destroy(), terms) == destroy());
    lease_ending keep{how::keep, release_status::expired, {}};
    CHECK(effective(keep, terms) == keep);
  }
}

// -- destroy ------------------------------------------------------------------

TEST_CASE("lease_term: a destroyed lease has failed, whatever its policy",
          "[lease_term]") {
  for (auto policy : all_policies) {
    CAPTURE(to_string(policy));
    auto out = end(destroy(), policy);
    CHECK(word(out) == "failed, cleanup success, lease_destroyed");
    auto of_failed_run = end(destroy(release_status::failed), policy);
    CHECK(of_failed_run.status == lease_status::failed);
    CHECK(of_failed_run.cleanup == cleanup_status::success);
  }
}

TEST_CASE("lease_term: a destroy that the provider cannot carry out is owed",
          "[lease_term]") {
  for (auto policy : all_policies) {
    CAPTURE(to_string(policy));
    auto out = end(destroy(), policy, refusal());
    CHECK(word(out) == "failed, cleanup failed, lease_destroyed");
    CHECK(out.next_cleanup_in == milliseconds{0});
  }
}

// -- keep ---------------------------------------------------------------------

TEST_CASE("lease_term: what is kept is retained, and nobody cleans it up",
          "[lease_term]") {
  for (auto policy : all_policies) {
    CAPTURE(to_string(policy));
    auto out = end({how::keep, release_status::released, {}}, policy);
    CHECK(word(out) == "retained, cleanup none");
    CHECK_FALSE(out.next_cleanup_in);
    CHECK(out.note == "kept for inspection");
  }
}

TEST_CASE("lease_term: what is kept after a failed run says why",
          "[lease_term]") {
  auto out = end({how::keep, release_status::failed, {}},
                 lease_policy::retain_on_failure);
  CHECK(word(out) == "retained, cleanup none, adapter_or_run_failure");
}

TEST_CASE("lease_term: the provider is called unless there is nothing to do",
          "[lease_term]") {
  for (auto policy : all_policies) {
    CHECK(needs_provider(release(release_status::failed), {policy, true}));
    CHECK(needs_provider(destroy(), {policy, true}));
    CHECK_FALSE(needs_provider({how::keep, {}, {}}, {policy, true}));
    CHECK_FALSE(
      needs_provider(release(release_status::failed), {policy, false}));
    CHECK_FALSE(needs_provider(destroy(), {policy, false}));
  }
}

// -- leases without a resource ------------------------------------------------

TEST_CASE("lease_term: a lease that made nothing leaves nothing",
          "[lease_term]") {
  for (auto policy : all_policies) {
    lease_terms terms{policy, false};
    for (auto what : {how::release, how::destroy, how::keep}) {
      for (auto status : all_statuses) {
        CAPTURE(to_string(policy), to_string(status), static_cast<int>(what));
        auto ending = effective({what, status, {}}, terms);
        auto out = outcome_of(ending, terms, done{});
        CHECK(out.cleanup == cleanup_status::success);
        CHECK_FALSE(out.parked);
        CHECK_FALSE(out.next_cleanup_in);
      }
    }
  }
}

// -- loss ---------------------------------------------------------------------

TEST_CASE("lease_term: a lease that is lost has failed, and what it held is "
          "owed at once",
          "[lease_term]") {
  auto out = outcome_of_loss(true, reason::engine_restart);
  CHECK(word(out) == "failed, cleanup failed, engine_restart");
  CHECK(out.next_cleanup_in == milliseconds{0});
}

TEST_CASE("lease_term: a lost lease that made nothing owes nothing",
          "[lease_term]") {
  auto out = outcome_of_loss(false, reason::actor_lost);
  CHECK(word(out) == "failed, cleanup success, lease_actor_lost");
  CHECK_FALSE(out.next_cleanup_in);
}

TEST_CASE("lease_term: exactly what is owed has a next attempt, and what is "
          "parked is not owed",
          "[lease_term]") {
  for (auto policy : all_policies)
    for (auto what : {how::release, how::destroy, how::keep})
      for (auto status : all_statuses)
        for (const auto& provider : {result<>{done{}}, result<>{refusal()}}) {
          CAPTURE(to_string(policy), to_string(status));
          auto out = end({what, status, {}}, policy, provider);
          auto owed = out.cleanup == cleanup_status::failed;
          CHECK(owed == out.next_cleanup_in.has_value());
          CHECK_FALSE((out.parked && out.cleanup != cleanup_status::none));
          CHECK(has_ended(out.status));
        }
}
