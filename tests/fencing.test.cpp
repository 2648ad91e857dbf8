// Fencing: whoever held a resource before has no effect on it any more, and
// every call to a provider says under which grant it is made.

#include "tests/support/stage.hpp"

#include <algorithm>
#include <span>

using namespace leasehold;
using namespace std::chrono_literals;
using leasehold::test::stage;

namespace {

using calls = std::vector<std::string>;

struct fenced : stage {
  /// What each verb on a lease answers to this handle.
  std::vector<std::pair<std::string, ec>> all_verbs(const lease_handle& by) {
    execute_command execute;
    execute.lease = by;
    execute.execution = {"execution-of-nobody"};
    execute.spec.command = "make";
    return {
      {"execute", ask<command_result>(supervisor, execute)->error.code},
      {"cancel", ask<done>(supervisor, cancel_command{by, {}})->error.code},
      {"realize", ask<workspace_realized>(
                    supervisor, realize_workspace{by, "/from", {}, {}, {}})
                    ->error.code},
      {"renew",
       ask<lease_renewed>(supervisor, renew_lease{by, 1s})->error.code},
      {"release",
       ask<lease_ended>(
         supervisor,
         release_lease{by, release_status::released, {}, false, false})
         ->error.code},
      {"destroy",
       ask<lease_ended>(supervisor, destroy_lease{by, {}})->error.code},
    };
  }

  /// Every verb refuses the handle, and nothing whatever changes.
  void check_stale(const lease_handle& by) {
    auto before = rows();
    auto called = script.calls;
    auto told = history(by.id);
    for (const auto& [verb, code] : all_verbs(by)) {
      CAPTURE(verb);
      CHECK(code == ec::stale_lease);
    }
    pass(1s);
    CHECK(rows() == before);
    CHECK(script.calls == called);
    CHECK(history(by.id) == told);
  }

  /// The fence of the last call of this verb.
  fence_no last(const std::string& verb) {
    fence_no out = 0;
    for (const auto& [name, fence] : script.fences)
      if (name == verb)
        out = fence;
    return out;
  }

  /// Has every environment reuse what it made.
  void reuse() {
    script.plan.policy = lease_policy::reuse_by_environment;
    script.plan.fingerprint = "same";
  }

  fence_no latest() {
    fence_no out = 0;
    for (const auto& row : rows())
      out = std::max(out, row.fence);
    return out;
  }
};

} // namespace

// -- handles ------------------------------------------------------------------

TEST_CASE_METHOD(fenced, "fencing: no verb takes a handle of another grant",
                 "[fencing][promise-2][pb-12.1.2][trap-3][trap-14]") {
  reuse();
  auto first = acquire("run-1")->value->handle;
  SECTION("that came before the run took its lease again") {
    auto second = acquire("run-1")->value->handle;
    REQUIRE(second.id == first.id);
    REQUIRE(second.fence > first.fence);
    check_stale(first);
    lease_granted again;
    again.handle = second;
    CHECK(execute(again, "make")->value);
  }
  SECTION("that never was") {
    check_stale({first.id, first.fence + 1});
  }
}

TEST_CASE_METHOD(fenced, "fencing: where only the row is left, it is the same",
                 "[fencing][promise-2]") {
  reuse();
  auto first = acquire("run-1")->value->handle;
  auto second = *acquire("run-1")->value;
  SECTION("because the lease has ended") {
    release(second);
    check_stale(first);
  }
  SECTION("because another engine holds it") {
    auto row = stage::row(first.id);
    row.id = {"lease-far"};
    row.owner = {"engine-2"};
    row.run = {"run-9"};
    row.resource = {"res-far"};
    write(register_instance{{{"engine-2"}, "far", 1, {}}});
    write(insert_lease{.row = row});
    check_stale({row.id, first.fence});
  }
}

TEST_CASE_METHOD(fenced, "fencing: a stale resume is of no use to anybody",
                 "[fencing]") {
  reuse();
  auto lease = *acquire("run-1")->value;
  release(lease);
  auto next = *acquire("run-2")->value;
  REQUIRE(next.resource == lease.resource);
  resume_lease again{{"lease-again"}, lease.handle.id.value, {"run-1"}, {}};
  CHECK(ask<lease_granted>(supervisor, again)->error.code == ec::resource_gone);
  // Its old lease is history; what it says has no effect on the next one's.
  CHECK(ask<lease_ended>(supervisor, destroy_lease{lease.handle, {}})->value);
  CHECK(script.calls.back() != "destroy " + lease.resource.value);
  CHECK(execute(next, "make")->value);
}

// -- calls to providers -------------------------------------------------------

TEST_CASE_METHOD(fenced, "fencing: every call of a lease carries its fence",
                 "[fencing][promise-2]") {
  reuse();
  auto lease = *acquire("run-1")->value;
  ask<workspace_realized>(supervisor,
                          realize_workspace{lease.handle, "/from", {}, {}, {}});
  script.held_back = {"execute"};
  execute(lease, "make");
  ask<done>(supervisor, cancel_command{lease.handle, {}});
  script.let_go("execute");
  release(lease);
  for (const auto* verb :
       {"acquire", "realize", "execute", "cancel", "release"})
    CHECK(last(verb) == lease.handle.fence);
  auto next = *acquire("run-2")->value;
  CHECK(next.handle.fence > lease.handle.fence);
  CHECK(last("resume") == next.handle.fence);
  ask<lease_ended>(supervisor, destroy_lease{next.handle, {}});
  CHECK(last("destroy") == next.handle.fence);
}

TEST_CASE_METHOD(fenced,
                 "fencing: a cleanup comes under a fence that its resource "
                 "cannot have seen",
                 "[fencing][promise-2]") {
  reuse();
  auto lease = *acquire("run-1")->value;
  release(lease);
  SECTION("after a resume that took effect and was not heard of") {
    script.held_back = {"resume"};
    auto next = acquire("run-2");
    pass(script.plan.acquire_timeout + 1s);
    script.held_back.clear();
    pass(10min);
    REQUIRE(next->arrived());
    CHECK(last("destroy") > last("resume"));
    CHECK(row(lease.handle.id).cleanup == cleanup_status::success);
    // What the resume did late is behind the cleanup.
    CHECK(last("resume") > lease.handle.fence);
  }
  SECTION("every time that it is tried") {
    script.destroy_error = {ec::provider_refused, "Stuck.", {}};
    ask<lease_ended>(supervisor, destroy_lease{lease.handle, {}});
    auto first = last("destroy");
    CHECK(first > latest());
    auto next = acquire("run-2")->value->handle;
    CHECK(next.fence > first);
    script.destroy_error = {};
    pass(1min);
    CHECK(last("destroy") > next.fence);
    CHECK(row(lease.handle.id).cleanup == cleanup_status::success);
  }
}

TEST_CASE_METHOD(fenced, "fencing: what came up late goes under a new fence",
                 "[fencing]") {
  script.held_back = {"acquire"};
  auto lease = acquire("run-1");
  pass(script.plan.acquire_timeout + 1s);
  REQUIRE(lease->error.code == ec::call_timed_out);
  auto fence = latest();
  script.held_back.clear();
  script.let_go("acquire");
  pass(1min);
  CHECK(last("acquire") == fence);
  CHECK(last("destroy") > fence);
}

TEST_CASE_METHOD(fenced,
                 "fencing: a provider that has seen a later fence says so to "
                 "who asks",
                 "[fencing]") {
  auto lease = *acquire("run-1")->value;
  script.execute_error = {ec::stale_lease, "stale fence", {}};
  CHECK(execute(lease, "make")->error.code == ec::stale_lease);
  // A release that was refused so is owed, and comes again under a new fence.
  script.release_error = {ec::stale_lease, "stale fence", {}};
  auto ended = release(lease);
  REQUIRE(ended->value);
  CHECK(ended->value->cleanup == cleanup_status::failed);
  pass(1s);
  CHECK(last("destroy") > lease.handle.fence);
  CHECK(row(lease.handle.id).cleanup == cleanup_status::success);
}

// -- a fence that nobody was told of ------------------------------------------

namespace {

/// A store whose answer to a new fence for a live lease may get lost.
struct forgetful : store {
  std::unique_ptr<store> inner;
  bool forgets = false;

  std::vector<result<written>>
  apply(std::span<const store_write> batch) override {
    auto out = inner->apply(batch);
    for (size_t i = 0; i < batch.size(); ++i)
      if (forgets && std::holds_alternative<reacquire_lease>(batch[i]))
        out[i] = failure{ec::commit_unknown, "Who knows."};
    return out;
  }

  result<store_answer> read(const store_query& question) override {
    return inner->read(question);
  }
};

struct doubt {
  leasehold::test::temp_dir disk;
  std::shared_ptr<forgetful> memory = std::make_shared<forgetful>();

  leasehold::test::stage_parts parts() {
    leasehold::test::stage_parts out;
    out.open = [this](const instance_id& self, store_clock clock) {
      memory->inner
        = open_sqlite_store(disk / "leasehold.db", self, clock).value();
      return memory;
    };
    return out;
  }
};

struct doubted : doubt, stage {
  doubted() : stage{{}, parts()} {
    script.plan.policy = lease_policy::reuse_by_environment;
    script.plan.fingerprint = "same";
  }
};

} // namespace

TEST_CASE_METHOD(doubted,
                 "fencing: a lease whose new fence may not have been written "
                 "looks which one it has",
                 "[fencing]") {
  auto first = acquire("run-1")->value->handle;
  memory->forgets = true;
  auto again = acquire("run-1");
  REQUIRE(again->value);
  memory->forgets = false;
  const auto& handle = again->value->handle;
  CHECK(handle.id == first.id);
  CHECK(handle.fence > first.fence);
  CHECK(handle.fence == row(first.id).fence);
  // It is not lost: it works, and it ends.
  CHECK(execute(*again->value, "make")->value);
  CHECK(release(*again->value)->value);
  CHECK(has_ended(row(first.id).status));
}
