// When a cleanup that failed is tried again, and when nobody tries any more.

#include "actors/cleanup.hpp"

#include "tests/support/catch.hpp"

using namespace leasehold;
using namespace std::literals;

namespace {

const lease_id lease{"lease-1"};

/// A lease before attempt number `attempt`.
lease_row before(uint32_t attempt) {
  lease_row row;
  row.id = lease;
  row.resource = {"box-1"};
  row.cleanup_attempts = attempt - 1;
  return row;
}

record_cleanup failed(uint32_t attempt, double dice = 0.5,
                      const cleanup_options& options = {}) {
  return after_attempt(before(attempt),
                       failure{ec::provider_refused, "The provider said no."},
                       options, dice);
}

} // namespace

TEST_CASE("cleanup: one that worked is over", "[cleanup]") {
  auto out = after_attempt(before(3), done{}, {}, 0.5);
  CHECK(out.lease == lease);
  CHECK(out.outcome == cleanup_status::success);
  CHECK(out.attempted);
  CHECK_FALSE(out.next_cleanup_in);
  CHECK(out.note == "cleaned up");
}

TEST_CASE("cleanup: one that failed is tried again", "[cleanup]") {
  auto out = failed(1);
  CHECK(out.outcome == cleanup_status::failed);
  CHECK(out.attempted);
  CHECK(out.next_cleanup_in == 5s);
  CHECK(out.note == "cleanup failed: The provider said no.");
}

TEST_CASE("cleanup: pauses double from five seconds to ten minutes",
          "[cleanup]") {
  const milliseconds pauses[]{5s,   10s,  20s,  40s,  80s,
                              160s, 320s, 600s, 600s, 600s};
  for (uint32_t i = 0; i < std::size(pauses); ++i) {
    CAPTURE(i);
    CHECK(failed(i + 1).next_cleanup_in == pauses[i]);
  }
  CHECK(failed(19).next_cleanup_in == 600s);
}

TEST_CASE("cleanup: chance moves a pause by a quarter at most", "[cleanup]") {
  CHECK(failed(1, 0).next_cleanup_in == 3'750ms);
  CHECK(failed(1, 0.999999).next_cleanup_in == 6'250ms);
  CHECK(failed(12, 0).next_cleanup_in == 450s);
  CHECK(failed(12, 0.9999999).next_cleanup_in == 750s);
}

TEST_CASE("cleanup: after the last attempt an operator must act",
          "[cleanup][pb-12.1.6]") {
  auto out = failed(20);
  CHECK(out.outcome == cleanup_status::failed);
  CHECK_FALSE(out.next_cleanup_in);
  CHECK(out.note
        == "cleanup failed: The provider said no.; an operator must act");
  CHECK_FALSE(failed(21).next_cleanup_in);
}

TEST_CASE("cleanup: the last attempt may be another one", "[cleanup]") {
  cleanup_options options;
  options.attempts_max = 2;
  CHECK(failed(1, 0.5, options).next_cleanup_in);
  CHECK_FALSE(failed(2, 0.5, options).next_cleanup_in);
}

TEST_CASE("cleanup: a pause is never so long that it overflows", "[cleanup]") {
  cleanup_options options;
  options.attempts_max = 1'000'000;
  CHECK(failed(999'999, 0.5, options).next_cleanup_in == 600s);
}

TEST_CASE("cleanup: where nobody can say what there is, an operator must act "
          "at once",
          "[cleanup]") {
  auto row = before(1);
  row.resource = {};
  auto out = after_attempt(row, failure{ec::not_supported, "No."}, {}, 0.5);
  CHECK(out.outcome == cleanup_status::failed);
  CHECK_FALSE(out.next_cleanup_in);
  CHECK(out.note
        == "nobody can say whether the provider made something: its worker "
           "does not list what it holds; an operator must act");
  // A worker that cannot be asked just now can be asked later.
  out = after_attempt(row, failure{ec::worker_not_ready, "No."}, {}, 0.5);
  CHECK(out.next_cleanup_in);
  // What has a name is removed by its name.
  out = after_attempt(before(1), failure{ec::not_supported, "No."}, {}, 0.5);
  CHECK(out.next_cleanup_in);
}

// -- resources that come up late ----------------------------------------------

namespace {

lease_row an_ended_row() {
  lease_row row;
  row.id = lease;
  row.status = lease_status::failed;
  row.cleanup = cleanup_status::failed;
  return row;
}

} // namespace

TEST_CASE("cleanup: a row that waits for a late resource takes it",
          "[cleanup]") {
  auto row = an_ended_row();
  CHECK(takes_late(row, {"box-1"}));
  row.resource = {"box-1"};
  CHECK(takes_late(row, {"box-1"}));
  auto what = std::get<record_cleanup>(record_late(row, {"box-1"}, {"late-1"}));
  CHECK(what.outcome == cleanup_status::failed);
  CHECK(what.next_cleanup_in == 0ms);
  CHECK_FALSE(what.attempted);
  CHECK(what.resource == resource_id{"box-1"});
}

TEST_CASE("cleanup: a row that names another resource does not", "[cleanup]") {
  auto row = an_ended_row();
  row.resource = {"box-2"};
  CHECK_FALSE(takes_late(row, {"box-1"}));
  auto what = std::get<adopt_late>(record_late(row, {"box-1"}, {"late-1"}));
  CHECK(what.lease == lease);
  CHECK(what.resource == resource_id{"box-1"});
  CHECK(what.as == lease_id{"late-1"});
  CHECK(what.note == "came up late as box-1 for lease lease-1");
}

TEST_CASE("cleanup: a row that has not ended, or owes nothing, does not",
          "[cleanup]") {
  auto row = an_ended_row();
  row.status = lease_status::acquiring;
  CHECK_FALSE(takes_late(row, {"box-1"}));
  row = an_ended_row();
  row.cleanup = cleanup_status::success;
  CHECK_FALSE(takes_late(row, {"box-1"}));
}

TEST_CASE("cleanup: what was listed is all once a call could not be under way "
          "any more",
          "[cleanup][promise-3]") {
  auto row = before(1);
  row.resource = {};
  CHECK(all_removed(row, {1'000}));
  row.deadline_at = timestamp{1'000};
  CHECK(all_removed(row, {999}).error().code == ec::outcome_unknown);
  CHECK(all_removed(row, {1'000}));
}

TEST_CASE("cleanup: that nothing was made is believed once a call could not be "
          "under way any more",
          "[cleanup][promise-3]") {
  cleanup_options options;
  auto row = before(4);
  row.resource = {};
  row.last_used_at = {1'000};
  auto after = [&](milliseconds how_long) {
    return nothing_listed(row, row.last_used_at + how_long, options);
  };
  CHECK(after(59s).error().code == ec::outcome_unknown);
  CHECK(after(60s));
  // Some providers need longer than that, and their acquires may.
  row.deadline_at = row.last_used_at + 15min;
  CHECK_FALSE(after(15min - 1s));
  CHECK(after(15min));
  row.deadline_at.reset();
  row.cleanup_attempts = 2;
  CHECK_FALSE(after(60s));
  // Whoever may not look again has to believe it.
  options.attempts_max = 3;
  CHECK(after(1s));
}
