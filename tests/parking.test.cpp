// The parked resources of one environment, found by what they must match.

#include "actors/parking.hpp"

#include "tests/support/catch.hpp"

#include <algorithm>
#include <random>

using namespace leasehold;

namespace {

parked_resource box(const std::string& name, const std::string& company = "a",
                    const std::string& fingerprint = "f",
                    const std::string& workspace = "w") {
  return {{"lease-" + name}, {name}, {company}, {workspace}, fingerprint, {}};
}

choose_resource wish(const std::string& company = "a",
                     const std::string& fingerprint = "f",
                     const std::string& workspace = "w",
                     lease_policy policy = lease_policy::reuse_by_environment) {
  return {{company}, {workspace}, policy, fingerprint};
}

std::string name_of(const std::optional<parked_resource>& x) {
  return x ? x->resource.value : "nothing";
}

} // namespace

TEST_CASE("parking: what was parked last is chosen first", "[parking]") {
  parking uut;
  uut.park(box("1"));
  uut.park(box("2"));
  uut.park(box("3"));
  CHECK(name_of(uut.choose(wish())) == "3");
  CHECK(name_of(uut.choose(wish())) == "2");
  CHECK(name_of(uut.choose(wish())) == "1");
  CHECK(name_of(uut.choose(wish())) == "nothing");
}

TEST_CASE("parking: a resource is chosen once, as it was parked", "[parking]") {
  parking uut;
  auto what = box("1");
  what.metadata = json_text{R"({"sandboxId":"x"})"};
  uut.park(what);
  CHECK(uut.choose(wish()) == what);
  CHECK(uut.size() == 0);
}

TEST_CASE("parking: another company's resource is never chosen (PB 12.1.1)",
          "[parking][pb-12.1.1]") {
  parking uut;
  uut.park(box("1", "a"));
  CHECK_FALSE(uut.choose(wish("b")));
  CHECK(uut.size() == 1);
}

TEST_CASE("parking: another config's resource is never chosen", "[parking]") {
  parking uut;
  uut.park(box("1", "a", "f"));
  CHECK_FALSE(uut.choose(wish("a", "g")));
  CHECK(uut.choose(wish("a", "f")));
}

TEST_CASE("parking: the workspace counts where the policy says so",
          "[parking]") {
  auto narrow = lease_policy::reuse_by_execution_workspace;
  parking uut;
  uut.park(box("1", "a", "f", "w1"));
  uut.park(box("2", "a", "f", "w2"));
  CHECK(name_of(uut.choose(wish("a", "f", "w3", narrow))) == "nothing");
  CHECK(name_of(uut.choose(wish("a", "f", "w1", narrow))) == "1");
  CHECK(name_of(uut.choose(wish("a", "f", "w1"))) == "2");
}

TEST_CASE("parking: a workspace's resource is found behind others'",
          "[parking][pb-12.1.15]") {
  // Each workspace has a queue of its own: nothing is searched for it.
  auto narrow = lease_policy::reuse_by_execution_workspace;
  parking uut;
  uut.park(box("old", "a", "f", "w1"));
  uut.park(box("new", "a", "f", "w1"));
  for (auto i = 0; i < 1'000; ++i)
    uut.park(box(std::to_string(i), "a", "f", "w2"));
  CHECK(name_of(uut.choose(wish("a", "f", "w1", narrow))) == "new");
  CHECK(name_of(uut.choose(wish("a", "f", "w1", narrow))) == "old");
  CHECK(name_of(uut.choose(wish("a", "f", "w1", narrow))) == "nothing");
  CHECK(uut.size() == 1'000);
}

TEST_CASE("parking: what is forgotten is not chosen", "[parking]") {
  parking uut;
  uut.park(box("1"));
  uut.park(box("2"));
  uut.forget({"lease-2"});
  uut.forget({"lease-2"});
  uut.forget({"lease-9"});
  CHECK(name_of(uut.choose(wish())) == "1");
}

TEST_CASE("parking: what is parked again moves to the front, and is not there "
          "twice",
          "[parking]") {
  parking uut;
  uut.park(box("1"));
  uut.park(box("2"));
  uut.park(box("1", "a", "f", "elsewhere"));
  CHECK(uut.size() == 2);
  CHECK(uut.choose(wish())->workspace == workspace_id{"elsewhere"});
  CHECK(name_of(uut.choose(wish())) == "2");
  CHECK(uut.size() == 0);
}

TEST_CASE("parking: behaves like a list that is searched from the front",
          "[sim]") {
  auto seed = GENERATE(range(1, 500));
  CAPTURE(seed);
  std::minstd_rand rng{static_cast<unsigned>(seed)};
  auto any = [&](const char* prefix, unsigned n) {
    return prefix + std::to_string(rng() % n);
  };
  parking uut;
  std::vector<parked_resource> model;
  auto drop = [&](const lease_id& lease) {
    std::erase_if(model, [&](const auto& x) { return x.lease == lease; });
  };
  for (auto i = 0; i < 100; ++i) {
    switch (rng() % 4) {
      case 0:
      case 1: {
        auto what = box(any("", 12), any("c", 2), any("f", 2), any("w", 3));
        drop(what.lease);
        model.insert(model.begin(), what);
        uut.park(what);
        break;
      }
      case 2: {
        lease_id lease{any("lease-", 12)};
        drop(lease);
        uut.forget(lease);
        break;
      }
      default: {
        auto policy = rng() % 2 ? lease_policy::reuse_by_environment
                                : lease_policy::reuse_by_execution_workspace;
        auto what = wish(any("c", 2), any("f", 2), any("w", 3), policy);
        auto found
          = std::find_if(model.begin(), model.end(), [&](const auto& x) {
              return x.company == what.company
                     && x.fingerprint == what.fingerprint
                     && (policy == lease_policy::reuse_by_environment
                         || x.workspace == what.workspace);
            });
        std::optional<parked_resource> expected;
        if (found != model.end()) {
          expected = *found;
          model.erase(found);
        }
        REQUIRE(uut.choose(what) == expected);
      }
    }
    REQUIRE(uut.size() == model.size());
  }
}
