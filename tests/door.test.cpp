// The door of an environment, with the shipped actors: limits, the queue in
// front, and whoever leaves it.

#include "tests/support/stage.hpp"

#include <stdexcept>

using namespace leasehold;
using namespace std::chrono_literals;
using leasehold::test::answer;
using leasehold::test::stage;
using leasehold::test::stage_parts;

namespace {

using texts = std::vector<std::string>;

supervisor_options with_limit(uint32_t leases) {
  supervisor_options out;
  out.environment.limits.leases_max = leases;
  out.environment.limits.queue_max = 3;
  out.environment.limits.queue_timeout = 30s;
  return out;
}

/// Has the actor of an environment die when somebody has to wait there.
void crash_of_the_door(const transition& what) {
  if (what.to == "queued")
    throw std::runtime_error{"a defect"};
}

struct narrow : stage {
  explicit narrow(const stage_parts& parts = {}) : stage{with_limit(1), parts} {
    // nop
  }

  using granted = std::shared_ptr<answer<lease_granted>>;

  /// Asks for a lease that has this id.
  granted come(const std::string& id, const std::string& run,
               milliseconds patience = 0ms) {
    acquire_lease what;
    what.id = {id};
    what.company = {"company-1"};
    what.environment = "box";
    what.run = {run};
    what.queue_timeout = patience;
    return ask<lease_granted>(supervisor, what);
  }

  texts waiting() {
    auto shown = ask<queue_shown>(supervisor, show_queue{"box"});
    REQUIRE(shown->value);
    texts out;
    for (const auto& x : shown->value->waiting)
      out.push_back(x.lease.value);
    return out;
  }

  size_t live() {
    size_t out = 0;
    for (const auto& row : rows())
      out += has_ended(row.status) ? 0 : 1;
    return out;
  }
};

/// A disk that reads when told to, while it is busy.
class slow_reader : public store_runner {
public:
  explicit slow_reader(std::shared_ptr<store> what) : what_{std::move(what)} {
    // nop
  }

  void write(std::shared_ptr<write_queue> from,
             std::function<void(write_outcomes)> then) override {
    make_inline_runner(what_)->write(std::move(from), std::move(then));
  }

  void read(store_query question,
            std::function<void(result<store_answer>)> then) override {
    if (!busy)
      return then(what_->read(question));
    todo_.push_back([this, question = std::move(question),
                     then = std::move(then)] { then(what_->read(question)); });
  }

  void read_all() {
    busy = false;
    for (auto& next : std::exchange(todo_, {}))
      next();
  }

  bool busy = false;

private:
  std::shared_ptr<store> what_;
  std::vector<std::function<void()>> todo_;
};

/// Made before the engine that uses it.
struct has_slow_reader {
  std::shared_ptr<slow_reader> reader;
};

struct narrow_on_slow_reader : has_slow_reader, narrow {
  narrow_on_slow_reader()
    : narrow{{.run = [this](std::shared_ptr<store> what) {
        return reader = std::make_shared<slow_reader>(std::move(what));
      }}} {
    // nop
  }
};

/// Where runs use again what there is.
struct narrow_reusing : narrow {
  narrow_reusing() {
    script.plan.policy = lease_policy::reuse_by_environment;
    script.plan.fingerprint = "same";
  }

  granted come_back(const std::string& id, const std::string& lease,
                    const std::string& run) {
    return ask<lease_granted>(supervisor, resume_lease{{id}, lease, {run}});
  }
};

} // namespace

TEST_CASE_METHOD(narrow, "door: at the limit a run waits for a lease to end",
                 "[door]") {
  auto first = come("l-1", "run-1");
  REQUIRE(first->value);
  auto second = come("l-2", "run-2");
  CHECK_FALSE(second->arrived());
  CHECK(waiting() == texts{"l-2"});
  CHECK(live() == 1);
  CHECK(log.back() == "l-2: fresh -> queued");
  SECTION("that is released") {
    release(*first->value);
  }
  SECTION("that is destroyed") {
    ask<lease_ended>(supervisor, destroy_lease{first->value->handle, {}});
  }
  CHECK(second->value);
  CHECK(waiting().empty());
  CHECK(live() == 1);
}

TEST_CASE_METHOD(narrow, "door: a place that an acquire fails to use is free",
                 "[door]") {
  script.acquire_error = {ec::provider_refused, "No.", {}};
  script.held_back = {"acquire"};
  auto first = come("l-1", "run-1");
  auto second = come("l-2", "run-2");
  script.held_back.clear();
  script.acquire_error = {};
  script.let_go("acquire");
  pass(10ms);
  CHECK(first->error.code == ec::provider_refused);
  CHECK(second->value);
}

TEST_CASE_METHOD(narrow, "door: a lease whose actor dies leaves its place",
                 "[door][promise-12]") {
  auto first = come("l-1", "run-1");
  auto second = come("l-2", "run-2");
  script.throws = {"execute"};
  execute(*first->value, "make");
  CHECK(row({"l-1"}).status == lease_status::failed);
  CHECK(second->value);
  // Nothing holds up the engine's end, either.
  script.throws.clear();
  CHECK(ask<done>(supervisor, shut_down{})->value);
}

TEST_CASE_METHOD(narrow,
                 "door: an environment whose actor dies is refused to those "
                 "who wait, and open to the next",
                 "[door][promise-12]") {
  auto first = come("l-1", "run-1");
  auto second = come("l-2", "run-2");
  on_transition = crash_of_the_door;
  auto third = come("l-3", "run-3");
  CHECK(second->error.code == ec::internal);
  CHECK(third->error.code == ec::internal);
  on_transition = nullptr;
  auto next = come("l-4", "run-4");
  // The first one lives still, and has its place.
  CHECK_FALSE(next->arrived());
  release(*first->value);
  CHECK(next->value);
}

TEST_CASE_METHOD(narrow,
                 "door: an environment that is made anew counts who is on his "
                 "way",
                 "[door][promise-12]") {
  // It has no row yet.
  script.held_back = {"plan"};
  auto first = come("l-1", "run-1");
  on_transition = crash_of_the_door;
  auto second = come("l-2", "run-2");
  on_transition = nullptr;
  CHECK(second->error.code == ec::internal);
  auto third = come("l-3", "run-3");
  script.held_back.clear();
  script.let_go("plan");
  settle();
  REQUIRE(first->value);
  CHECK_FALSE(third->arrived());
  release(*first->value);
  CHECK(third->value);
}

TEST_CASE_METHOD(narrow, "door: a full queue refuses at once", "[door]") {
  come("l-1", "run-1");
  for (auto* id : {"l-2", "l-3", "l-4"})
    CHECK_FALSE(come(id, id)->arrived());
  CHECK(come("l-5", "run-5")->error.code == ec::overloaded);
  CHECK(live() == 1);
}

TEST_CASE_METHOD(narrow, "door: nobody waits longer than he said", "[door]") {
  auto first = come("l-1", "run-1");
  auto patient = come("l-2", "run-2");
  auto hasty = come("l-3", "run-3", 2s);
  pass(2s);
  CHECK(hasty->error.code == ec::queue_timed_out);
  CHECK(hasty->error.message
        == "Environment \"box\": No lease of the environment became free in "
           "2000 ms.");
  CHECK_FALSE(patient->arrived());
  pass(28s);
  CHECK(patient->error.code == ec::queue_timed_out);
  release(*first->value);
  CHECK(come("l-4", "run-4")->value);
}

TEST_CASE_METHOD(narrow, "door: who waits may leave", "[door]") {
  auto first = come("l-1", "run-1");
  auto second = come("l-2", "run-2");
  auto third = come("l-3", "run-3");
  SECTION("because the request was taken back") {
    ask<done>(supervisor, cancel_acquire{{"l-2"}});
  }
  SECTION("because its run was released") {
    ask<run_released>(supervisor,
                      release_run{{"run-2"}, release_status::failed, {}});
  }
  CHECK(second->error.code == ec::cancelled);
  CHECK(waiting() == texts{"l-3"});
  release(*first->value);
  CHECK(third->value);
}

TEST_CASE_METHOD(narrow, "door: a request that has gone too far is ended",
                 "[door]") {
  script.held_back = {"acquire"};
  auto first = come("l-1", "run-1");
  auto second = come("l-2", "run-2");
  ask<done>(supervisor, cancel_acquire{{"l-1"}});
  script.let_go("acquire");
  script.held_back.clear();
  pass(1s);
  CHECK(first->error.code == ec::cancelled);
  CHECK(row({"l-1"}).cleanup == cleanup_status::success);
  // Its place is free all the same.
  script.let_go("acquire");
  pass(1s);
  CHECK(second->value);
  // Once it is granted it is a lease like any other.
  ask<done>(supervisor, cancel_acquire{{"l-2"}});
  CHECK(row({"l-2"}).status == lease_status::active);
}

TEST_CASE_METHOD(narrow, "door: a run that takes its own again does not wait",
                 "[door]") {
  script.plan.policy = lease_policy::reuse_by_environment;
  script.plan.fingerprint = "same";
  auto first = come("l-1", "run-1");
  auto again = come("l-2", "run-1");
  REQUIRE(again->value);
  CHECK(again->value->handle.id == first->value->handle.id);
  auto other = come("l-3", "run-2");
  CHECK_FALSE(other->arrived());
  release(*again->value);
  CHECK(other->value);
}

TEST_CASE_METHOD(narrow_on_slow_reader,
                 "door: who leaves while the config is read takes no place",
                 "[door][promise-12]") {
  release(*come("l-1", "run-1")->value);
  // So that the config is read again first.
  pass(2s);
  reader->busy = true;
  auto second = come("l-2", "run-2");
  ask<done>(supervisor, cancel_acquire{{"l-2"}});
  CHECK(second->error.code == ec::cancelled);
  reader->read_all();
  pass(10ms);
  CHECK(come("l-3", "run-3")->value);
}

TEST_CASE_METHOD(narrow_reusing,
                 "door: a run whose own is not to be had is refused if its "
                 "environment's actor has died meanwhile",
                 "[door][promise-12]") {
  auto first = come("l-1", "run-1");
  REQUIRE(first->value);
  script.held_back = {"resume"};
  script.resume_error = {ec::provider_refused, "No.", {}};
  auto again = come("l-2", "run-1");
  on_transition = crash_of_the_door;
  auto other = come("l-3", "run-2");
  on_transition = nullptr;
  CHECK(other->error.code == ec::internal);
  script.held_back.clear();
  script.let_go("resume");
  settle();
  CHECK(again->error.code == ec::internal);
}

TEST_CASE_METHOD(narrow_reusing,
                 "door: a run whose own is not to be had waits for another",
                 "[door][promise-12]") {
  auto first = come("l-1", "run-1");
  auto second = come("l-2", "run-2");
  script.resume_error = {ec::provider_refused, "No.", {}};
  auto again = come("l-3", "run-1");
  // Its own is removed, and the place is the next one's.
  REQUIRE(second->value);
  CHECK(has_ended(row({"l-1"}).status));
  CHECK_FALSE(again->arrived());
  CHECK(waiting() == texts{"l-3"});
  CHECK(live() == 1);
  script.resume_error = {};
  SECTION("until there is a place") {
    release(*second->value);
    CHECK(again->value);
    CHECK(live() == 1);
  }
  SECTION("or its time is up") {
    pass(31s);
    CHECK(again->error.code == ec::queue_timed_out);
  }
  SECTION("or it goes away") {
    ask<done>(supervisor, cancel_acquire{{"l-3"}});
    CHECK(again->error.code == ec::cancelled);
    release(*second->value);
    CHECK(come("l-4", "run-4")->value);
    CHECK(live() == 1);
  }
}

TEST_CASE_METHOD(narrow_reusing,
                 "door: a resume by id does not wait, and counts", "[door]") {
  release(*come("l-1", "run-1")->value);
  auto second = come_back("l-2", "l-1", "run-1");
  REQUIRE(second->value);
  auto third = come("l-3", "run-3");
  CHECK_FALSE(third->arrived());
  release(*second->value);
  CHECK(third->value);
}

TEST_CASE_METHOD(narrow_reusing,
                 "door: a resume by id that fails leaves its place",
                 "[door][promise-12]") {
  release(*come("l-1", "run-1")->value);
  // Whoever comes next finds it on its way, and counts it.
  pass(200s);
  script.held_back = {"resume"};
  script.resume_error = {ec::provider_refused, "No.", {}};
  auto second = come_back("l-2", "l-1", "run-1");
  auto third = come("l-3", "run-3");
  CHECK_FALSE(third->arrived());
  script.resume_error = {};
  script.held_back.clear();
  script.let_go("resume");
  pass(10ms);
  CHECK(second->error.code == ec::provider_refused);
  CHECK(third->value);
}

TEST_CASE_METHOD(narrow,
                 "door: a run that comes back does not wait, and counts",
                 "[door]") {
  release(*come("l-1", "run-1")->value);
  lease_row orphan;
  orphan.id = {"l-9"};
  orphan.company = {"company-1"};
  orphan.environment = {"env-box"};
  orphan.run = {"run-9"};
  orphan.status = lease_status::active;
  orphan.provider = "scripted";
  orphan.resource = {"res-9"};
  orphan.exclusive = true;
  orphan.owner = {"engine-9"};
  orphan.reattach_grace = 30s;
  write(insert_lease{.row = orphan});
  auto back = ask<run_reattached>(supervisor, reattach_run{{"run-9"}});
  REQUIRE(back->value);
  REQUIRE(back->value->leases.size() == 1);
  auto other = come("l-2", "run-2");
  CHECK_FALSE(other->arrived());
  release(back->value->leases.front());
  CHECK(other->value);
}

TEST_CASE_METHOD(narrow, "door: whoever waits is told when the engine stops",
                 "[door]") {
  come("l-1", "run-1");
  auto second = come("l-2", "run-2");
  ask<done>(supervisor, shut_down{});
  CHECK(second->error.code == ec::shutting_down);
}

TEST_CASE_METHOD(narrow, "door: a config changes the limit of its environment",
                 "[door]") {
  auto first = come("l-1", "run-1");
  auto second = come("l-2", "run-2");
  CHECK_FALSE(second->arrived());
  environment_row changed;
  changed.id = {"env-box"};
  changed.name = "box";
  changed.driver = "scripted";
  SECTION("a higher one lets in who waits") {
    changed.config = json_text{R"({"admission":{"maxLeases":2}})"};
    write(put_environment{changed});
    say(supervisor, environment_changed{changed.id, "box"});
    CHECK(second->value);
    CHECK_FALSE(come("l-3", "run-3")->arrived());
  }
  SECTION("archived, it lets in nobody") {
    changed.config = json_text{"{}"};
    changed.status = environment_status::archived;
    write(put_environment{changed});
    say(supervisor, environment_changed{changed.id, "box"});
    CHECK(second->error.code == ec::environment_inactive);
  }
}

TEST_CASE_METHOD(stage, "door: leases that lived before a limit are counted",
                 "[door]") {
  auto first = acquire("run-1");
  auto second = acquire("run-2");
  environment_row changed;
  changed.id = {"env-box"};
  changed.name = "box";
  changed.driver = "scripted";
  changed.config = json_text{R"({"admission":{"maxLeases":2}})"};
  write(put_environment{changed});
  say(supervisor, environment_changed{changed.id, "box"});
  auto third = acquire("run-3");
  CHECK_FALSE(third->arrived());
  release(*first->value);
  CHECK(third->value);
  pass(10min);
  // The actor has not gone idle and forgotten them.
  auto fourth = acquire("run-4");
  CHECK_FALSE(fourth->arrived());
  release(*second->value);
  CHECK(fourth->value);
}

TEST_CASE_METHOD(stage,
                 "door: where nothing is limited, what it says holds for a "
                 "second or until it is changed here",
                 "[door]") {
  REQUIRE(acquire("run-1")->value);
  environment_row changed;
  changed.id = {"env-box"};
  changed.name = "box";
  changed.driver = "scripted";
  changed.status = environment_status::archived;
  // By another engine.
  write(put_environment{changed});
  CHECK(acquire("run-2")->value);
  SECTION("after a second") {
    pass(1s);
  }
  SECTION("changed here") {
    say(supervisor, environment_changed{changed.id, "box"});
  }
  CHECK(acquire("run-3")->error.code == ec::environment_inactive);
}
