// What an environment's config says about its door.

#include "drivers/admission_config.hpp"

#include "tests/support/catch.hpp"

using namespace leasehold;
using namespace std::chrono_literals;

namespace {

const json_text full{
  R"({"admission":{"maxAcquiring":4,"maxLeases":20,"maxQueued":7,)"
  R"("queueTimeoutMs":1500,"weights":{"acme":3}},"provider":"boxes"})"};

std::string refusal(const std::string& admission) {
  auto read = admission_of(json_text{R"({"admission":)" + admission + "}"}, {});
  REQUIRE_FALSE(read);
  CHECK(read.error().code == ec::invalid_config);
  return read.error().message;
}

} // namespace

TEST_CASE("admission_config: a config says what the limits are",
          "[admission_config]") {
  auto limits = admission_of(full, {}).value();
  CHECK(limits == admission_limits{20, 4, 7, 1'500ms, {{"acme", 3}}});
}

TEST_CASE("admission_config: what it does not say is as usual",
          "[admission_config]") {
  admission_limits usual{5, 6, 7, 8ms, {{"acme", 2}}};
  CHECK(admission_of(json_text{"{}"}, usual).value() == usual);
  auto own = admission_of(json_text{R"({"admission":{"maxLeases":1}})"}, usual);
  usual.leases_max = 1;
  CHECK(own.value() == usual);
}

TEST_CASE("admission_config: a driver never sees it", "[admission_config]") {
  json_text plain{R"({"provider":"boxes"})"};
  CHECK(without_admission(full) == plain);
  CHECK(without_admission(plain) == plain);
  CHECK(with_admission(plain, full) == full);
  CHECK(with_admission(plain, plain) == plain);
}

TEST_CASE("admission_config: what is wrong is named", "[admission_config]") {
  CHECK(refusal("7") == "admission must be an object.");
  CHECK(refusal(R"({"maxLeases":-1})")
        == "admission.maxLeases must be a whole number of at least 0.");
  CHECK(refusal(R"({"maxLeases":1.5})")
        == "admission.maxLeases must be a whole number of at least 0.");
  CHECK(refusal(R"({"queueTimeoutMs":0})")
        == "admission.queueTimeoutMs must be a whole number from 1 to "
           "86400000.");
  CHECK(refusal(R"({"weights":{"acme":0}})")
        == "admission.weights.acme must be a whole number from 1 to 1000.");
  CHECK(refusal(R"({"max":1})")
        == "admission.max is unknown; there are maxLeases, maxAcquiring, "
           "maxQueued, queueTimeoutMs and weights.");
}
