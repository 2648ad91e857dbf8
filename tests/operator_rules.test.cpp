// What an operator may say about an ended lease's cleanup.

#include "actors/operator_rules.hpp"

#include "tests/support/catch.hpp"

using namespace leasehold;

namespace {

lease_row a_row(lease_status status, cleanup_status cleanup,
                bool parked = false) {
  lease_row row;
  row.id = {"lease-1"};
  row.resource = {"box-1"};
  row.status = status;
  row.cleanup = cleanup;
  row.parked = parked;
  return row;
}

const retry_cleanup again{{"lease-1"}, "ann@host"};
const report_gone gone{{"lease-1"}, "ann@host"};

} // namespace

TEST_CASE("operator rules: an owed cleanup is tried again, and history says "
          "who asked",
          "[operator_rules]") {
  auto what = judge(again, a_row(lease_status::failed, cleanup_status::failed));
  REQUIRE(what);
  CHECK(what->lease == lease_id{"lease-1"});
  CHECK(what->next_cleanup_in == milliseconds{0});
  CHECK(what->note == "cleanup asked for again by ann@host");
}

TEST_CASE("operator rules: a lease that lives owes nothing",
          "[operator_rules]") {
  auto status = GENERATE(lease_status::acquiring, lease_status::active);
  auto row = a_row(status, cleanup_status::none);
  CHECK(judge(again, row).error().code == ec::in_use);
  CHECK(judge(gone, row).error().message
        == "Lease lease-1 is " + to_string(status)
             + ": it still has its resource, and owes nothing. Release or "
               "destroy it.");
}

TEST_CASE("operator rules: what is settled stays settled", "[operator_rules]") {
  auto row = a_row(lease_status::released, cleanup_status::success);
  CHECK(judge(again, row).error().code == ec::invalid_request);
  CHECK(judge(gone, row).error().message
        == "Lease lease-1 owes nothing: its resource is gone, or went to "
           "another lease.");
  row.cleanup = cleanup_status::none;
  CHECK(judge(gone, row).error().message
        == "Lease lease-1 owes nothing: it has left nothing.");
}

TEST_CASE("operator rules: what waits is not cleaned up, but can be gone",
          "[operator_rules]") {
  auto parked = a_row(lease_status::released, cleanup_status::none, true);
  CHECK(judge(again, parked).error().message
        == "Lease lease-1 owes nothing: \"box-1\" waits for the next run. "
           "Destroy the lease to have it removed.");
  auto kept = a_row(lease_status::retained, cleanup_status::none);
  CHECK(judge(again, kept).error().message
        == "Lease lease-1 owes nothing: \"box-1\" was kept to be looked at. "
           "Destroy the lease to have it removed.");
  CHECK(judge(gone, parked)->note == "\"box-1\" confirmed gone by ann@host");
  CHECK(judge(gone, kept)->lease == lease_id{"lease-1"});
}

TEST_CASE("operator rules: what has no name can be gone, too",
          "[operator_rules]") {
  auto row = a_row(lease_status::failed, cleanup_status::failed);
  row.resource = {};
  CHECK(judge(gone, row)->note
        == "whatever it made confirmed gone by ann@host");
}
