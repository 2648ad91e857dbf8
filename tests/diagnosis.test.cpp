// What is not as it should be, by what a doctor has seen.

#include "actors/diagnosis.hpp"

#include "tests/support/catch.hpp"

using namespace leasehold;

namespace {

constexpr timestamp now{1'000'000};
constexpr timestamp long_ago{1'000};

/// Someone who looks at environment `box` of one company.
symptoms all_well() {
  symptoms out;
  out.at = now;
  out.self = {"engine-1"};
  environment_row box;
  box.id = {"env-1"};
  box.name = "box";
  out.environments = {box};
  return out;
}

lease_row a_row(lease_status status,
                cleanup_status cleanup = cleanup_status::none) {
  lease_row row;
  row.id = {"lease-1"};
  row.environment = {"env-1"};
  row.company = {"default"};
  row.run = {"run-1"};
  row.owner = {"engine-2"};
  row.status = status;
  row.cleanup = cleanup;
  row.resource = {"res-1"};
  row.released_at = long_ago;
  return row;
}

provider_listing listing(std::vector<listed_resource> what) {
  return {{"env-1"}, {"default"}, std::move(what)};
}

diagnosed only(const symptoms& seen) {
  auto found = diagnose(seen);
  REQUIRE(found.size() == 1);
  return found.front();
}

} // namespace

TEST_CASE("diagnosis: where nothing is wrong there is nothing to say",
          "[diagnosis]") {
  auto seen = all_well();
  auto live = a_row(lease_status::active);
  seen.claims = {live};
  seen.listings = {listing({{{"res-1"}, {"lease-1"}}})};
  instance_row gone;
  gone.alive = false;
  seen.engines = {gone};
  CHECK(diagnose(seen).empty());
}

TEST_CASE("diagnosis: a cleanup that is owed is in hand, and says until when",
          "[diagnosis]") {
  auto seen = all_well();
  auto row = a_row(lease_status::failed, cleanup_status::failed);
  row.cleanup_attempts = 3;
  row.next_cleanup_at = now + milliseconds{40'000};
  seen.claims = {row};
  auto x = only(seen);
  CHECK(x.what.kind == "owed");
  CHECK_FALSE(x.what.needs_you);
  CHECK(x.what.subject == "lease-1");
  CHECK(x.what.resource == "res-1");
  CHECK(x.what.since_ms == long_ago.ms);
  CHECK(x.what.what
        == "\"res-1\" in environment \"box\" has to be removed; 3 attempts "
           "failed.");
  CHECK(x.what.engine_does == "Tries to remove it in 40 s.");
  CHECK(x.cure == remedy::none);
}

TEST_CASE("diagnosis: a cleanup that was given up needs somebody, and may be "
          "tried again",
          "[diagnosis]") {
  auto seen = all_well();
  seen.claims = {a_row(lease_status::failed, cleanup_status::failed)};
  auto x = only(seen);
  CHECK(x.what.kind == "needs_operator");
  CHECK(x.what.needs_you);
  CHECK(x.what.you_can.find("leasehold lease retry-cleanup lease-1")
        != std::string::npos);
  CHECK(x.cure == remedy::retry);
}

TEST_CASE("diagnosis: an outcome that nobody can find out needs somebody",
          "[diagnosis]") {
  auto seen = all_well();
  auto row = a_row(lease_status::failed, cleanup_status::failed);
  row.resource = {};
  row.failure_reason = "call_timed_out";
  seen.claims = {row};
  auto x = only(seen);
  CHECK(x.what.kind == "unknown");
  CHECK(x.what.needs_you);
  CHECK(x.cure == remedy::none);
  row.next_cleanup_at = now;
  seen.claims = {row};
  CHECK_FALSE(only(seen).what.needs_you);
  CHECK(only(seen).what.engine_does
        == "Asks the provider what it holds now, and removes what was made.");
}

TEST_CASE("diagnosis: a lease of a dead engine is in hand", "[diagnosis]") {
  auto seen = all_well();
  auto row = a_row(lease_status::active);
  row.deadline_at = now + milliseconds{9'000};
  seen.claims = {row};
  seen.orphans = {row};
  auto x = only(seen);
  CHECK(x.what.kind == "orphaned");
  CHECK_FALSE(x.what.needs_you);
  CHECK(x.what.engine_does
        == "Lets its run come back until then, and ends the lease in 9 s.");
}

TEST_CASE("diagnosis: what is long past its deadline is stuck", "[diagnosis]") {
  auto seen = all_well();
  auto row = a_row(lease_status::acquiring);
  row.deadline_at = long_ago;
  seen.claims = {row};
  CHECK(only(seen).what.kind == "stuck");
  CHECK(only(seen).what.needs_you);
  row.owner = seen.self;
  seen.claims = {row};
  CHECK_FALSE(only(seen).what.needs_you);
  // Not what is only a little late.
  row.deadline_at = timestamp{now.ms - 1'000};
  seen.claims = {row};
  CHECK(diagnose(seen).empty());
}

TEST_CASE("diagnosis: what was made for an ended lease of ours is nobody's, "
          "and may be removed",
          "[diagnosis]") {
  auto seen = all_well();
  seen.listings = {listing({{{"res-9"}, {"lease-1"}}})};
  seen.named = {a_row(lease_status::released, cleanup_status::success)};
  auto x = only(seen);
  CHECK(x.what.kind == "unowned");
  CHECK(x.what.resource == "res-9");
  CHECK(x.what.since_ms == long_ago.ms);
  CHECK(x.cure == remedy::remove);
  CHECK(x.lease == lease_id{"lease-1"});
  CHECK(x.resource == resource_id{"res-9"});
  // Two companies may be shown the same one.
  seen.listings.push_back(seen.listings[0]);
  CHECK(diagnose(seen).size() == 1);
}

TEST_CASE("diagnosis: what is not ours by its tag is never touched",
          "[diagnosis]") {
  auto seen = all_well();
  seen.listings = {listing({{{"res-9"}, {"lease-of-another-store"}}})};
  auto x = only(seen);
  CHECK(x.what.kind == "unowned");
  CHECK(x.what.needs_you);
  CHECK(x.cure == remedy::none);
  seen.listings = {listing({{{"res-9"}, {}}})};
  CHECK(only(seen).cure == remedy::none);
}

TEST_CASE("diagnosis: what comes or goes while somebody looks is no news",
          "[diagnosis]") {
  auto seen = all_well();
  auto ended = a_row(lease_status::released, cleanup_status::success);
  ended.updated_at = now + milliseconds{1};
  seen.listings = {listing({{{"res-9"}, {"lease-1"}}})};
  seen.named = {ended};
  CHECK(diagnose(seen).empty());
  seen.named.clear();
  auto acquiring = a_row(lease_status::acquiring);
  acquiring.resource = {};
  seen.claims = {acquiring};
  CHECK(diagnose(seen).empty());
  auto fresh = a_row(lease_status::active);
  fresh.last_used_at = now + milliseconds{1};
  seen.claims = {fresh};
  seen.listings = {listing({})};
  CHECK(diagnose(seen).empty());
}

TEST_CASE("diagnosis: what a provider does not have any more is missing",
          "[diagnosis]") {
  auto seen = all_well();
  seen.listings = {listing({})};
  seen.claims = {a_row(lease_status::active)};
  auto x = only(seen);
  CHECK(x.what.kind == "missing");
  CHECK(x.what.needs_you);
  CHECK(x.cure == remedy::none);
  seen.claims[0] = a_row(lease_status::released);
  seen.claims[0].parked = true;
  x = only(seen);
  CHECK_FALSE(x.what.needs_you);
  CHECK(x.cure == remedy::discard);
  // A provider that lists what one company has says nothing of another's.
  seen.claims[0].company = {"acme"};
  CHECK(diagnose(seen).empty());
}

TEST_CASE("diagnosis: a provider that does not list is not blamed, one that "
          "fails is",
          "[diagnosis]") {
  auto seen = all_well();
  seen.claims = {a_row(lease_status::active)};
  seen.listings
    = {{{"env-1"}, {"default"}, failure{ec::not_supported, "It does not."}}};
  CHECK(diagnose(seen).empty());
  seen.listings
    = {{{"env-1"}, {"default"}, failure{ec::worker_lost, "It died."}}};
  auto x = only(seen);
  CHECK(x.what.kind == "unlisted");
  CHECK(x.what.subject == "box");
  CHECK(x.what.what
        == "The provider of this environment could not be asked what it "
           "holds: It died.");
}

TEST_CASE("diagnosis: dead engines, plugins and configs are told",
          "[diagnosis]") {
  auto seen = all_well();
  instance_row dead;
  dead.id = {"engine-9"};
  dead.host = "far";
  dead.pid = 9;
  dead.alive = false;
  dead.leases = 1;
  seen.engines = {dead};
  plugin_row broken;
  broken.key = "acme";
  broken.status = plugin_status::error;
  broken.last_error = "no such program";
  seen.plugins = {broken};
  surveyed_driver crashing;
  crashing.plugin_key = "boxes";
  crashing.worker = "broken";
  seen.workers = {crashing, crashing};
  seen.broken = {{{"env-1"}, {ec::invalid_config, "image is required."}}};
  auto found = diagnose(seen);
  REQUIRE(found.size() == 4);
  CHECK(found[0].what.subject == "acme");
  CHECK(found[1].what.subject == "boxes");
  CHECK(found[2].what.subject == "box");
  // What needs nobody comes last.
  CHECK(found[3].what.what
        == "This engine (process 9 on far) is dead and still owns 1 lease.");
}

TEST_CASE("diagnosis: times are told as people would", "[diagnosis]") {
  CHECK(in_words(milliseconds{1}) == "1 s");
  CHECK(in_words(milliseconds{119'000}) == "119 s");
  CHECK(in_words(milliseconds{120'000}) == "2 min");
  CHECK(in_words(milliseconds{7'200'000}) == "2 h");
  CHECK(in_words(milliseconds{172'800'000}) == "2 days");
}
