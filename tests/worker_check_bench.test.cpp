// What the checks of workers stand on: one worker at a time, and no other in
// its place while a check goes on.

#include "drivers/worker_check/bench.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temp_dir.hpp"

using namespace leasehold;

namespace {

/// The Python worker that crashes when it reads a line that is no JSON.
check::setup crashing_on_garbage(const test::temp_dir& dir) {
  check::setup out;
  out.options.guard = LEASEHOLD_GUARD;
  out.program = LEASEHOLD_PYTHON;
  out.options.command
    = {LEASEHOLD_PYTHON,
       std::string{LEASEHOLD_SOURCE_DIR} + "/tests/support/wrong_worker.py",
       "crashes-on-garbage", dir / "root",
       std::string{LEASEHOLD_SOURCE_DIR} + "/docs/python_worker.py"};
  return out;
}

/// What a step fails with; nothing if it does not.
template <class Step>
std::string why(Step step) {
  try {
    step();
  } catch (const check::verdict_reached& reason) {
    return reason.what();
  }
  return {};
}

} // namespace

TEST_CASE("worker_check: a worker that dies in a check is not replaced in it",
          "[worker_check]") {
  if (std::string{LEASEHOLD_PYTHON}.empty()) {
    WARN("SKIPPED: there is no python3");
    return;
  }
  test::temp_dir dir;
  check::bench at{crashing_on_garbage(dir)};
  auto over = [](const check::heard& x) { return x.over(); };
  at.worker().write("garbage\n");
  REQUIRE(at.worker().wait(milliseconds{30'000}, over));
  // However late a check asks whether it still lives.
  auto said = why([&] { at.check_alive(); });
  CHECK(said == "the worker ended (exit code 3) and should not have");
  at.next_check();
  CHECK(why([&] { at.check_alive(); }).empty());
}
