// The real `leasehold` program in the hands of an operator: what is owed, lost
// or nobody's is found, explained and mended.

#include "tests/support/program_user.hpp"

using namespace leasehold;
using namespace leasehold::test;

namespace {

/// Somebody who has used a sandbox that is kept for the next run.
struct keeper : user {
  keeper() {
    told({"env", "add", "box", "--provider", "bubblewrap", "--config",
          R"({"reuseLease":true})"});
    REQUIRE(leasehold(words{"run", "--env", "box"} + shell("true")).code == 0);
  }

  [[nodiscard]] std::string box() const {
    return data + "/bubblewrap/boxes/" + boxes().at(0);
  }

  /// What the doctor finds; it exits with `code`.
  json findings(int code, const words& flags = {}) {
    auto how = leasehold(words{"--json", "doctor"} + flags);
    CAPTURE(how.err, how.out);
    REQUIRE(how.code == code);
    return json::parse(how.out)["findings"];
  }
};

/// Somebody whose provider never removes anything.
struct stuck : user {
  stuck() {
    add_rogue("no-destroy");
    leasehold({"run", "--provider", "rogue", "--", "echo", "hi"});
    lease = leases().at(0)["id"];
  }

  std::string lease;
};

} // namespace

TEST_CASE_METHOD(keeper,
                 "program: a doctor has nothing to say where all is well",
                 "[program]") {
  auto how = leasehold({"doctor"});
  CAPTURE(how.err);
  CHECK(how.code == 0);
  CHECK(how.out == "Everything is as it should be.\n");
  CHECK(findings(0, {"--fix"}).empty());
}

TEST_CASE_METHOD(keeper,
                 "program: a doctor misses a parked box that somebody removed",
                 "[program]") {
  std::filesystem::remove_all(box());
  auto found = findings(0);
  REQUIRE(found.size() == 1);
  CHECK(found[0]["kind"] == "missing");
  CHECK(found[0]["done"] == "");
  auto how = leasehold({"doctor", "--fix"});
  CHECK(how.code == 0);
  CHECK(how.out.starts_with("mended  missing  "));
  CHECK(how.out.ends_with("\n1 was mended.\n"));
  CHECK(findings(0).empty());
  CHECK(leases()[0]["parked"] == false);
}

TEST_CASE_METHOD(keeper,
                 "program: a doctor removes what an ended lease left behind",
                 "[program]") {
  // The provider's disk comes back from a backup.
  auto saved = dir / "saved";
  auto old = box();
  std::filesystem::copy(old, saved, std::filesystem::copy_options::recursive);
  told({"lease", "destroy", leases()[0]["id"]});
  REQUIRE(boxes().empty());
  std::filesystem::copy(saved, old, std::filesystem::copy_options::recursive);
  auto found = findings(1);
  REQUIRE(found.size() == 1);
  CHECK(found[0]["kind"] == "unowned");
  CHECK(found[0]["resource"] == boxes().at(0));
  found = findings(0, {"--fix"});
  CHECK(found.at(0)["done"] == "Removed.");
  CHECK(boxes().empty());
  CHECK(findings(0).empty());
}

TEST_CASE_METHOD(stuck,
                 "program: a cleanup that fails is owed until somebody says "
                 "that nothing is left",
                 "[program]") {
  auto found = told({"doctor"})["findings"];
  REQUIRE(found.size() == 1);
  CHECK(found[0]["kind"] == "owed");
  CHECK(found[0]["needs_you"] == false);
  CHECK(found[0]["subject"] == lease);
  auto how = leasehold({"lease", "retry-cleanup", lease});
  CHECK(how.code == 1);
  CHECK(how.out.starts_with("lease " + lease.substr(0, 8) + ": cleanup owed"));
  CHECK(how.out.find("the box is stuck") != std::string::npos);
  how = leasehold({"lease", "confirm-gone", lease});
  CHECK(how.code == 0);
  CHECK(how.out
        == "lease " + lease.substr(0, 8) + ": nothing is owed any more\n");
  how = leasehold({"lease", "confirm-gone", lease});
  CHECK(how.code == 1);
  // The provider knows better.
  how = leasehold({"doctor"});
  CHECK(how.code == 1);
  CHECK(how.out.starts_with("needs you  unowned  " + lease));
  std::filesystem::remove_all(dir / "rogue/boxes");
  std::filesystem::create_directories(dir / "rogue/boxes");
  CHECK(told({"doctor"})["findings"].empty());
}
