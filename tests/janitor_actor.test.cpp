// What nobody else minds: resources that come up late, leases of dead engines,
// parked resources that wait for too long, operators who ask.

#include "tests/support/stage.hpp"

#include <algorithm>
#include <functional>

using namespace leasehold;
using namespace std::literals;
using test::stage;
using test::stage_parts;

namespace {

using calls = std::vector<std::string>;

size_t count(const calls& all, const std::string& what) {
  return static_cast<size_t>(std::count(all.begin(), all.end(), what));
}

/// A store that refuses what the test says, as if it were not well.
class moody_store : public store {
public:
  using question_refused = std::function<bool(const store_query&)>;
  using write_refused = std::function<bool(const store_write&)>;

  moody_store(std::unique_ptr<store> behind, question_refused blind_to,
              write_refused deaf_to)
    : behind_{std::move(behind)}, blind_to_{std::move(blind_to)},
      deaf_to_{std::move(deaf_to)} {
    // nop
  }

  std::vector<result<written>>
  apply(std::span<const store_write> batch) override {
    for (const auto& what : batch)
      if (deaf_to_ && deaf_to_(what))
        return {batch.size(), failure{ec::store_unavailable, "Not now."}};
    return behind_->apply(batch);
  }

  result<store_answer> read(const store_query& question) override {
    if (blind_to_ && blind_to_(question))
      return failure{ec::store_unavailable, "Not now."};
    return behind_->read(question);
  }

private:
  std::unique_ptr<store> behind_;
  question_refused blind_to_;
  write_refused deaf_to_;
};

/// A stage whose store is moody.
stage_parts with_moods(const test::temp_dir& folder,
                       moody_store::question_refused blind_to,
                       moody_store::write_refused deaf_to = {}) {
  return {
    [&folder, blind_to, deaf_to](const instance_id& self, store_clock clock) {
      auto made
        = open_sqlite_store(folder / "leasehold.db", self, std::move(clock));
      return std::make_shared<moody_store>(std::move(made).value(), blind_to,
                                           deaf_to);
    }};
}

/// A lease of an engine that is dead.
lease_row orphan(const std::string& id = "lease-x") {
  lease_row row;
  row.id = {id};
  row.company = {"company-1"};
  row.run = {"run-x"};
  row.status = lease_status::active;
  row.provider = "scripted";
  row.resource = {"box-" + id};
  row.exclusive = true;
  row.owner = {"engine-9"};
  return row;
}

supervisor_options impatient(uint32_t attempts_max = 20) {
  supervisor_options out;
  out.janitor.cleanup.attempts_max = attempts_max;
  out.lease.parked_ttl = 10s;
  return out;
}

/// A stage on which an acquire has timed out, and its worker is still at it.
struct too_late : stage {
  explicit too_late(supervisor_options setup = impatient())
    : stage{std::move(setup)} {
    script.held_back = {"acquire"};
    auto lease = acquire("run-1");
    pass(31s);
    REQUIRE(lease->error.code == ec::call_timed_out);
    script.held_back.clear();
  }

  lease_id first() {
    return rows().at(0).id;
  }
};

} // namespace

// -- resources that come up late ----------------------------------------------

TEST_CASE_METHOD(too_late,
                 "janitor: a late resource is removed by the row of its lease",
                 "[janitor]") {
  script.let_go("acquire");
  pass(1s);
  CHECK(row(first()).resource == resource_id{"res-1"});
  CHECK(row(first()).cleanup == cleanup_status::success);
  CHECK(script.calls.back() == "destroy res-1");
  CHECK(rows().size() == 1);
}

TEST_CASE_METHOD(too_late,
                 "janitor: a late resource of a lease that owes nothing any "
                 "more is on record before it is removed",
                 "[janitor]") {
  // The provider was asked until it was believed to have nothing.
  pass(120s);
  REQUIRE(row(first()).cleanup == cleanup_status::success);
  script.held_back = {"destroy"};
  script.let_go("acquire");
  settle();
  REQUIRE(rows().size() == 2);
  auto late = rows()[1];
  CHECK(late.resource == resource_id{"res-1"});
  CHECK(late.cleanup == cleanup_status::failed);
  CHECK(late.next_cleanup_at);
  CHECK(late.failure_reason == "came_up_late");
  CHECK(script.calls.back() == "destroy res-1");
  script.let_go("destroy");
  settle();
  CHECK(row(late.id).cleanup == cleanup_status::success);
}

TEST_CASE("janitor: a late resource that cannot be removed is tried a bounded "
          "number of times, then an operator must act",
          "[janitor]") {
  too_late play{impatient(3)};
  play.pass(60s);
  play.script.destroy_error = {ec::provider_refused, "Busy."};
  play.script.let_go("acquire");
  play.pass(120s);
  auto late = play.rows().at(1);
  CHECK(late.cleanup == cleanup_status::failed);
  CHECK(late.cleanup_attempts == 3);
  CHECK_FALSE(late.next_cleanup_at);
  CHECK(count(play.script.calls, "destroy res-1") == 3);
}

TEST_CASE_METHOD(stage,
                 "janitor: a late answer that names what somebody holds is "
                 "left alone",
                 "[janitor][promise-4]") {
  auto lease = acquire("run-1");
  REQUIRE(lease->value);
  say(janitor, late_resource{lease->value->handle.id, lease->value->resource});
  pass(30s);
  CHECK(row(lease->value->handle.id).status == lease_status::active);
  CHECK(count(script.calls, "destroy res-1") == 0);
  CHECK(rows().size() == 1);
}

// -- outcomes that nobody knows -----------------------------------------------

TEST_CASE_METHOD(too_late,
                 "janitor: one empty list is no proof that nothing was made",
                 "[janitor][promise-3]") {
  pass(10s);
  CHECK(row(first()).cleanup == cleanup_status::failed);
  CHECK(row(first()).next_cleanup_at);
  // A provider that is slow may take a while after nobody waits any more.
  pass(40s);
  CHECK(row(first()).cleanup == cleanup_status::failed);
  CHECK(row(first()).cleanup_attempts >= 4);
  pass(60s);
  CHECK(row(first()).cleanup == cleanup_status::success);
}

TEST_CASE_METHOD(too_late,
                 "janitor: what a provider lists for a lease is left alone if "
                 "another one has it",
                 "[janitor][promise-4]") {
  // Asked back in vain by the lost one, and parked again.
  auto parked = lease_row{};
  parked.id = {"parked"};
  parked.environment = row(first()).environment;
  parked.provider = row(first()).provider;
  parked.resource = {"res-9"};
  parked.exclusive = true;
  parked.status = lease_status::active;
  write(insert_lease{.row = parked});
  end_lease end;
  end.lease = {{"parked"}, 0};
  end.from = {lease_status::active};
  end.to = lease_status::released;
  end.parked = true;
  write(end);
  script.holds = {{{"res-9"}, first()}, {{"res-8"}, first()}};
  pass(10s);
  CHECK(count(script.calls, "destroy res-9") == 0);
  CHECK(count(script.calls, "destroy res-8") == 1);
  CHECK(row(first()).cleanup == cleanup_status::success);
}

TEST_CASE_METHOD(too_late,
                 "janitor: the provider is asked for what a lost acquire made",
                 "[janitor][promise-3][pb-12.1.4]") {
  script.holds = {{{"res-9"}, first()}, {{"res-8"}, {"somebody-else"}}};
  pass(10s);
  CHECK(script.calls.back() == "destroy res-9");
  CHECK(count(script.calls, "destroy res-8") == 0);
  CHECK(row(first()).cleanup == cleanup_status::success);
}

TEST_CASE_METHOD(too_late,
                 "janitor: where a provider cannot say what it holds, an "
                 "operator must act, and may",
                 "[janitor]") {
  script.list_error = {ec::not_supported, "It does not list."};
  pass(60s);
  auto now = row(first());
  CHECK(now.cleanup == cleanup_status::failed);
  CHECK(now.cleanup_attempts == 1);
  CHECK_FALSE(now.next_cleanup_at);
  CHECK(history(first()).back()
        == "failed -> failed: nobody can say whether the provider made "
           "something: its worker does not list what it holds; an operator "
           "must act");
  auto gone = ask<lease_ended>(janitor, report_gone{first(), "ann@host"});
  REQUIRE(gone->value);
  CHECK(row(first()).cleanup == cleanup_status::success);
}

// -- leases of dead engines ---------------------------------------------------

TEST_CASE("janitor: recovery goes on when its first looks fail", "[janitor]") {
  test::temp_dir folder;
  auto blind_for = 3;
  stage play{{}, with_moods(folder, [&](const store_query& question) {
               return std::holds_alternative<list_orphans>(question)
                      && blind_for-- > 0;
             })};
  play.write(insert_lease{.row = orphan()});
  auto recovered = play.ask(play.janitor, await_recovery{});
  CHECK_FALSE(recovered->arrived());
  play.pass(1s);
  CHECK(recovered->value);
  CHECK(play.row({"lease-x"}).status == lease_status::failed);
  CHECK(play.row({"lease-x"}).cleanup == cleanup_status::success);
  CHECK(play.script.calls == calls{"destroy box-lease-x"});
}

TEST_CASE("janitor: who waits until nothing is owed hears of it though the "
          "store refused to say",
          "[janitor]") {
  test::temp_dir folder;
  auto blind_for = 1;
  stage play{{}, with_moods(folder, [&](const store_query& question) {
               return std::holds_alternative<list_owed_cleanups>(question)
                      && blind_for-- > 0;
             })};
  play.pass(1s);
  auto settled = play.ask<cleanups_left>(play.janitor, await_settled{600s});
  REQUIRE(blind_for == 0);
  CHECK_FALSE(settled->arrived());
  play.pass(6s);
  REQUIRE(settled->value);
  CHECK(settled->value->count == 0);
}

TEST_CASE("janitor: many orphans are ended a page at a time, without a pause",
          "[janitor][promise-9]") {
  supervisor_options setup;
  setup.janitor.batch_max = 5;
  stage play{setup};
  for (auto i = 0; i < 23; ++i)
    play.write(insert_lease{.row = orphan("lease-x" + std::to_string(i))});
  play.pass(12s);
  for (const auto& row : play.rows()) {
    CHECK(row.status == lease_status::failed);
    CHECK(row.cleanup == cleanup_status::success);
  }
}

namespace {

/// A stage with a lease whose engine is dead, and whose run may come back.
struct bereaved : stage {
  bereaved() {
    auto row = orphan();
    row.reattach_grace = 30s;
    write(insert_lease{.row = row});
    // Until somebody looks.
    pass(11s);
  }
};

} // namespace

TEST_CASE_METHOD(bereaved,
                 "janitor: the run of a dead engine's lease may come back in "
                 "time",
                 "[janitor]") {
  auto before = row({"lease-x"});
  REQUIRE(before.status == lease_status::active);
  REQUIRE(before.deadline_at);
  auto back = ask<run_reattached>(supervisor, reattach_run{{"run-x"}});
  REQUIRE(back->value);
  CHECK(back->value->errors.empty());
  REQUIRE(back->value->leases.size() == 1);
  const auto& lease = back->value->leases[0];
  CHECK(lease.handle.id == before.id);
  CHECK(lease.handle.fence > before.fence);
  CHECK(lease.resource == before.resource);
  auto now = row({"lease-x"});
  CHECK(now.owner == instance_id{"engine-1"});
  CHECK_FALSE(now.deadline_at);
  pass(60s);
  CHECK(execute(lease, "make")->value);
  // Asking again changes nothing.
  auto again = ask<run_reattached>(supervisor, reattach_run{{"run-x"}});
  REQUIRE(again->value);
  REQUIRE(again->value->leases.size() == 1);
  CHECK(again->value->leases[0].handle == lease.handle);
  CHECK(release(lease)->value);
  CHECK(script.calls == calls{"execute make", "release box-lease-x, released"});
}

TEST_CASE_METHOD(bereaved,
                 "janitor: a run that does not come back in time has lost its "
                 "lease",
                 "[janitor]") {
  pass(28s);
  CHECK(row({"lease-x"}).status == lease_status::active);
  pass(12s);
  auto now = row({"lease-x"});
  CHECK(now.status == lease_status::failed);
  CHECK(now.failure_reason == "engine_restart");
  CHECK(now.cleanup == cleanup_status::success);
  CHECK(script.calls == calls{"destroy box-lease-x"});
  auto back = ask<run_reattached>(supervisor, reattach_run{{"run-x"}});
  REQUIRE(back->value);
  CHECK(back->value->leases.empty());
}

TEST_CASE_METHOD(bereaved,
                 "janitor: an operator ends a lease that waits for its run",
                 "[janitor]") {
  auto ended = ask<lease_ended>(
    supervisor,
    release_lease{
      {{"lease-x"}, 0}, release_status::released, {}, false, false});
  REQUIRE(ended->value);
  CHECK(row({"lease-x"}).status == lease_status::released);
  CHECK(script.calls == calls{"destroy box-lease-x"});
}

TEST_CASE_METHOD(stage, "janitor: nobody comes back for an ad-hoc lease",
                 "[janitor]") {
  auto back = ask<run_reattached>(supervisor, reattach_run{});
  CHECK(back->error.code == ec::invalid_request);
}

// -- parked resources ---------------------------------------------------------

TEST_CASE("janitor: a resource that nobody comes for is removed in the end",
          "[janitor][promise-8][pb-12.1.8][trap-2]") {
  stage play{impatient()};
  play.script.plan.policy = lease_policy::reuse_by_environment;
  play.script.plan.fingerprint = "scripted:{}";
  auto lease = play.acquire("run-1");
  REQUIRE(play.release(*lease->value)->value);
  auto id = lease->value->handle.id;
  play.pass(9s);
  CHECK(play.row(id).parked);
  play.pass(60s);
  CHECK_FALSE(play.row(id).parked);
  CHECK(play.row(id).status == lease_status::released);
  CHECK(play.row(id).cleanup == cleanup_status::success);
  CHECK(play.script.calls.back() == "destroy res-1");
  // The next run gets a fresh one, though its environment remembers the other.
  auto next = play.acquire("run-2");
  REQUIRE(next->value);
  CHECK(next->value->resource == resource_id{"res-2"});
}

TEST_CASE("janitor: a parked resource that could not be given up is looked at "
          "again soon",
          "[janitor]") {
  test::temp_dir folder;
  auto refused = 0;
  stage play{impatient(), with_moods(folder, {}, [&](const store_write& what) {
               return std::holds_alternative<owe_cleanup>(what)
                      && refused++ == 0;
             })};
  play.script.plan.policy = lease_policy::reuse_by_environment;
  play.script.plan.fingerprint = "scripted:{}";
  auto lease = play.acquire("run-1");
  REQUIRE(play.release(*lease->value)->value);
  auto id = lease->value->handle.id;
  for (int i = 0; i < 120 && refused == 0; ++i)
    play.pass(1s);
  REQUIRE(refused == 1);
  CHECK(play.row(id).parked);
  play.pass(6s);
  CHECK_FALSE(play.row(id).parked);
  CHECK(play.row(id).cleanup == cleanup_status::success);
}

// -- what operators say -------------------------------------------------------

TEST_CASE("janitor: an operator has a cleanup tried again that was given up",
          "[janitor]") {
  stage play{impatient(1)};
  auto lease = play.acquire("run-1");
  auto id = lease->value->handle.id;
  play.script.release_error = {ec::worker_not_ready, "No worker."};
  play.script.destroy_error = {ec::provider_refused, "Busy."};
  play.release(*lease->value);
  play.pass(1s);
  REQUIRE_FALSE(play.row(id).next_cleanup_at);
  auto again
    = play.ask<lease_ended>(play.janitor, retry_cleanup{id, "ann@host"});
  REQUIRE(again->value);
  CHECK(again->value->cleanup == cleanup_status::failed);
  CHECK(again->value->cleanup_error == "Busy.");
  play.script.destroy_error = {};
  again = play.ask<lease_ended>(play.janitor, retry_cleanup{id, "ann@host"});
  REQUIRE(again->value);
  CHECK(again->value->cleanup == cleanup_status::success);
  CHECK(play.history(id).at(4)
        == "released -> released: cleanup asked for again by ann@host");
  CHECK(play.ask<lease_ended>(play.janitor, retry_cleanup{id, ""})->error.code
        == ec::invalid_request);
}

TEST_CASE_METHOD(stage, "janitor: what lives is not to be given up by mistake",
                 "[janitor]") {
  auto lease = acquire("run-1");
  auto id = lease->value->handle.id;
  CHECK(ask<lease_ended>(janitor, report_gone{id, ""})->error.code
        == ec::in_use);
  CHECK(ask<lease_ended>(janitor, report_gone{{"nobody"}, ""})->error.code
        == ec::unknown_lease);
  CHECK(row(id).status == lease_status::active);
}

// -- an engine that was counted as dead ---------------------------------------

TEST_CASE_METHOD(stage,
                 "supervisor: an engine that has lost touch serves nobody "
                 "until it knows what it still has",
                 "[actors]") {
  auto lease = acquire("run-1");
  script.held_back = {"execute"};
  auto running = execute(*lease->value, "make");
  say(supervisor, life_changed{true});
  CHECK(execute(*lease->value, "test")->error.code == ec::store_unavailable);
  auto ended = release(*lease->value);
  script.let_go("execute");
  settle();
  CHECK(running->value);
  // The provider is not called before it is known whose the resource is.
  CHECK(count(script.calls, "release res-1, released") == 0);
  CHECK_FALSE(ended->arrived());
  say(supervisor, life_changed{false});
  REQUIRE(ended->value);
  CHECK(ended->value->status == lease_status::released);
  CHECK(count(script.calls, "release res-1, released") == 1);
}

TEST_CASE_METHOD(stage,
                 "supervisor: an engine that was counted as dead lets go of "
                 "what it has lost, and keeps the rest",
                 "[actors]") {
  auto lost = acquire("run-1");
  auto kept = acquire("run-2");
  script.held_back = {"execute"};
  auto running = execute(*lost->value, "make");
  say(supervisor, life_changed{true});
  // Another engine ends one of its leases.
  write(end_lease{.lease = lost->value->handle,
                  .from = {lease_status::active},
                  .to = lease_status::failed,
                  .cleanup = cleanup_status::success});
  say(supervisor, life_changed{false});
  CHECK(running->error.code == ec::outcome_unknown);
  CHECK(count(script.calls, "cancel") == 1);
  CHECK(execute(*lost->value, "test")->error.code == ec::lease_ended);
  CHECK(count(script.calls, "release res-1, failed") == 0);
  CHECK(count(script.calls, "destroy res-1") == 0);
  script.held_back.clear();
  CHECK(execute(*kept->value, "test")->value);
  CHECK(logged.back()
        == "this engine was counted as dead and has lost 1 of 2 leases");
}
