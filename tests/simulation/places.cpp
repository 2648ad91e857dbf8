#include "tests/simulation/places.hpp"

namespace leasehold::sim {

namespace {

using ms = milliseconds;

std::vector<place> all_places() {
  std::vector<place> out;
  out.push_back({R"({"provider":"boxes"})"});
  out.push_back({R"({"provider":"boxes","reuseLease":true})", "boxes", true});
  out.push_back({R"({"provider":"crates","reuseLease":true})", "crates", true});
  out.push_back(
    {R"({"provider":"boxes","reuseLease":true,"onResumeFailure":"preserve"})",
     "boxes", true});
  out.push_back({R"({"provider":"boxes","leasePolicy":"retain_on_failure"})"});
  out.push_back({R"({"provider":"boxes","reuseLease":true,
      "leasePolicy":"reuse_by_execution_workspace"})",
                 "boxes", true});
  out.push_back({R"({"provider":"fake"})", ""});
  out.push_back({R"({"provider":"boxes","admission":{"maxLeases":2,
      "maxAcquiring":1,"queueTimeoutMs":15000,"weights":{"company-0":2}}})",
                 "boxes",
                 false,
                 {2, 1, 1'024, ms{15'000}, {{"company-0", 2}}}});
  out.push_back({R"({"provider":"boxes","reuseLease":true,
      "admission":{"maxLeases":1,"maxQueued":4,"queueTimeoutMs":8000}})",
                 "boxes",
                 true,
                 {1, 0, 4, ms{8'000}, {}}});
  out.push_back({R"({"provider":"boxes","reuseLease":true,"parkedTtlMs":6000})",
                 "boxes",
                 true,
                 {},
                 ms{6'000}});
  return out;
}

} // namespace

const std::vector<place>& places() {
  static const auto all = all_places();
  return all;
}

size_t number_of(const environment_id& which) {
  // They are called `env-0` and so on.
  return which.value.empty() ? 0 : std::stoul(which.value.substr(4));
}

} // namespace leasehold::sim
