#pragma once

// What every driver must pass.

#include "drivers/driver.hpp"
#include "tests/support/catch.hpp"

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

namespace leasehold::test {

/// Waits for a completion, on whatever thread it comes, and counts it.
template <class T = done>
class answer_watch {
public:
  /// A completion for one call.
  completion<T> then() {
    return [state = state_](result<T> x) {
      std::lock_guard guard{state->mutex};
      ++state->count;
      state->value = std::move(x);
      state->changed.notify_all();
    };
  }

  /// The answer; an error if there is none within a minute.
  result<T> get() {
    std::unique_lock guard{state_->mutex};
    auto come = [this] { return state_->value.has_value(); };
    if (!state_->changed.wait_for(guard, std::chrono::seconds{60}, come))
      return failure{ec::internal, "The completion never came."};
    return *state_->value;
  }

  /// How often the completion came so far.
  int count() {
    std::lock_guard guard{state_->mutex};
    return state_->count;
  }

private:
  struct shared {
    std::mutex mutex;
    std::condition_variable changed;
    int count = 0;
    std::optional<result<T>> value;
  };

  std::shared_ptr<shared> state_ = std::make_shared<shared>();
};

/// Calls one verb of a driver and waits for its answer. `count`, if given,
/// tells later how often the completion came.
template <class T, class Call>
result<T> ask(Call call, std::function<int()>* count = nullptr) {
  answer_watch<T> watch;
  call(watch.then());
  if (count)
    *count = [watch]() mutable { return watch.count(); };
  return watch.get();
}

/// One driver and what it needs to be asked something.
struct driver_under_test {
  std::shared_ptr<driver> uut;
  /// An environment whose config is valid.
  environment_context place;
  /// Whether the driver makes resources that have to be removed.
  bool makes_resources = false;
  /// Whether commands run: an `sh` is expected.
  bool runs_commands = false;
};

/// A lease of the environment, as a driver is told about it.
inline lease_context lease_in(const environment_context& place,
                              std::string resource = {}) {
  lease_context out;
  out.place = place;
  out.lease.value = "contract-lease";
  out.fence = 1;
  out.run.value = "contract-run";
  out.resource.value = std::move(resource);
  return out;
}

namespace contract {

/// A config goes in and comes out the same, whatever was filled in.
inline void configs(driver_under_test& x) {
  auto once = ask<json_text>(
    [&](auto then) { x.uut->validate(x.place, std::move(then)); });
  REQUIRE(once);
  auto place = x.place;
  place.config = once.value();
  auto twice = ask<json_text>(
    [&](auto then) { x.uut->validate(place, std::move(then)); });
  REQUIRE(twice);
  CHECK(twice.value() == once.value());
  place.config.text = "[]";
  CHECK_FALSE(ask<json_text>(
    [&](auto then) { x.uut->validate(place, std::move(then)); }));
}

/// Nobody can bring back what nobody made, and a resume never makes it.
inline void unknown_resources(driver_under_test& x) {
  auto lease = lease_in(x.place, "no-such-resource");
  resume_resource what;
  what.lease = lease;
  auto resumed = ask<resource_ready>(
    [&](auto then) { x.uut->resume(what, std::move(then)); });
  REQUIRE_FALSE(resumed);
  CHECK(disposition_of(resumed.error().code) == disposition::fall_back);
  CHECK(ask<done>([&](auto then) {
    x.uut->release({lease, release_status::released}, std::move(then));
  }));
  CHECK(ask<done>([&](auto then) {
    x.uut->destroy({lease, true}, std::move(then));
  }));
}

/// A resource, or an empty one for drivers that make none.
inline lease_context acquire(driver_under_test& x) {
  auto lease = lease_in(x.place);
  if (!x.makes_resources)
    return lease;
  auto made = ask<resource_ready>([&](auto then) {
    x.uut->acquire({lease, {}, {}}, std::move(then));
  });
  REQUIRE(made);
  lease.resource = made->resource;
  lease.metadata = made->metadata;
  CHECK_FALSE(lease.resource.empty());
  return lease;
}

/// Whatever ends a lease may come twice.
inline void endings(driver_under_test& x) {
  auto released = acquire(x);
  for (auto i = 0; i < 2; ++i)
    CHECK(ask<done>([&](auto then) {
      x.uut->release({released, release_status::released}, std::move(then));
    }));
  auto destroyed = acquire(x);
  for (auto i = 0; i < 2; ++i)
    CHECK(ask<done>([&](auto then) {
      x.uut->destroy({destroyed, true}, std::move(then));
    }));
  CHECK(ask<done>([&](auto then) {
    x.uut->destroy({released, true}, std::move(then));
  }));
}

/// A command's own ending comes back, and only that.
inline void commands(driver_under_test& x) {
  auto lease = acquire(x);
  auto run = [&](const std::string& script) {
    run_command what;
    what.lease = lease;
    what.execution.value = "contract-execution";
    what.spec.command = "sh";
    what.spec.args = {"-c", script};
    what.spec.stdin_text = "in";
    return ask<command_result>(
      [&](auto then) { x.uut->execute(what, nullptr, std::move(then)); });
  };
  auto good = run("cat; echo err >&2");
  REQUIRE(good);
  CHECK(good->exit_code == 0);
  CHECK(good->stdout_text == "in");
  CHECK(good->stderr_text == "err\n");
  auto bad = run("exit 3");
  REQUIRE(bad);
  CHECK(bad->exit_code == 3);
  CHECK_FALSE(bad->timed_out);
  x.uut->cancel(lease, {"unknown-execution"});
  CHECK(ask<done>([&](auto then) {
    x.uut->destroy({lease, true}, std::move(then));
  }));
}

/// Every completion comes once, and not once more while the driver goes.
inline void completions(driver_under_test& x) {
  std::function<int()> count;
  auto lease = lease_in(x.place, "no-such-resource");
  auto destroy = [&](auto then) {
    x.uut->destroy({lease, true}, std::move(then));
  };
  CHECK(ask<done>(destroy, &count));
  std::function<int()> probes;
  CHECK(ask<probe_report>(
    [&](auto then) { x.uut->probe(x.place, std::move(then)); }, &probes));
  x.uut.reset();
  CHECK(count() == 1);
  CHECK(probes() == 1);
}

} // namespace contract

/// Runs the whole contract; `make` gives a fresh driver each time.
inline void
check_driver_contract(const std::function<driver_under_test()>& make) {
  auto pass = [&](const char* name, void (*part)(driver_under_test&)) {
    INFO("contract: " << name);
    auto subject = make();
    part(subject);
  };
  pass("configs", contract::configs);
  pass("unknown resources", contract::unknown_resources);
  pass("endings", contract::endings);
  if (make().runs_commands)
    pass("commands", contract::commands);
  pass("completions", contract::completions);
}

} // namespace leasehold::test
