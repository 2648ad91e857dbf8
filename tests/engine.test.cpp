// The engine through its public face: leases, commands, events. Real processes,
// a real store.

#include "tests/support/engine_host.hpp"

#include <unistd.h>

#include <stop_token>
#include <thread>

using namespace leasehold;
using namespace leasehold::test;

namespace {

/// An engine with both kinds of places that do real work.
struct places : engine_host {
  places() {
    start();
  }

  /// The environment behind a driver's name.
  std::string place(const std::string& kind) {
    return kind == "local" ? add_local() : add_bubblewrap();
  }
};

release_request ended_as(outcome how) {
  release_request out;
  out.outcome = how;
  return out;
}

} // namespace

// -- commands -----------------------------------------------------------------

TEST_CASE_METHOD(places, "engine: output comes in order and is told at the end",
                 "[engine]") {
  auto lease = acquire(place(GENERATE("local", "bubblewrap")));
  output_notes heard;
  auto done = value_of(running->execute(
    lease, shell("for i in 1 2 3 4 5; do echo $i; echo e$i >&2; done"),
    heard.callback()));
  CHECK(done.exit_code == 0);
  CHECK(done.stdout_text == "1\n2\n3\n4\n5\n");
  CHECK(done.stderr_text == "e1\ne2\ne3\ne4\ne5\n");
  CHECK(heard.text() == done.stdout_text);
  CHECK(heard.text(output::stream::err) == done.stderr_text);
}

TEST_CASE_METHOD(places, "engine: output comes while the command runs",
                 "[engine]") {
  auto lease = acquire(place(GENERATE("local", "bubblewrap")));
  output_notes heard;
  std::stop_source stop;
  auto what = shell("echo first; sleep 1000");
  what.stop = stop.get_token();
  auto running_command = running->execute(lease, what, heard.callback());
  CHECK(heard.says("first"));
  CHECK(running_command.wait_for(0s) == std::future_status::timeout);
  stop.request_stop();
  auto done = value_of(std::move(running_command));
  CHECK(done.cancelled);
  CHECK_FALSE(done.exit_code);
  CHECK(done.stdout_text == "first\n");
}

TEST_CASE_METHOD(places, "engine: a stop that came first cancels all the same",
                 "[engine]") {
  auto lease = acquire(place(GENERATE("local", "bubblewrap")));
  std::stop_source stop;
  stop.request_stop();
  auto what = shell("sleep 1000");
  what.stop = stop.get_token();
  CHECK(execute(lease, what).cancelled);
}

TEST_CASE_METHOD(places, "engine: a command reads its input and its variables",
                 "[engine]") {
  auto lease = acquire(place(GENERATE("local", "bubblewrap")));
  auto what = shell("cat; echo $GREETING; echo $LEASEHOLD_LEASE_ID; exit 7");
  what.stdin_text = "from outside\n";
  what.env = {{"GREETING", "hello"}};
  auto done = execute(lease, what);
  CHECK(done.exit_code == 7);
  CHECK(done.stdout_text == "from outside\nhello\n" + lease.id + "\n");
}

TEST_CASE_METHOD(places, "engine: a command that takes too long is timed out",
                 "[engine]") {
  auto lease = acquire(place(GENERATE("local", "bubblewrap")));
  auto what = shell("echo early; sleep 1000");
  what.timeout = 300ms;
  auto done = execute(lease, what);
  CHECK(done.timed_out);
  CHECK_FALSE(done.exit_code);
  // On a busy machine it may have had no time to say anything.
  CHECK((done.stdout_text.empty() || done.stdout_text == "early\n"));
}

TEST_CASE_METHOD(places, "engine: a command works in the realized workspace",
                 "[engine]") {
  auto lease = acquire(place(GENERATE("local", "bubblewrap")));
  write_text(dir / "project/readme", "made outside\n");
  workspace folder;
  folder.local_path = dir / "project";
  CHECK_FALSE(value_of(running->realize(lease, folder)).cwd.empty());
  CHECK(execute(lease, shell("cat readme")).stdout_text == "made outside\n");
}

TEST_CASE_METHOD(places, "engine: many commands run at once in one lease",
                 "[engine]") {
  auto lease = acquire(place(GENERATE("local", "bubblewrap")));
  std::vector<std::future<result<finished>>> all;
  for (auto i = 0; i < 12; ++i)
    all.push_back(running->execute(lease, shell("exit " + std::to_string(i))));
  for (auto i = 0; i < 12; ++i)
    CHECK(value_of(std::move(all[static_cast<size_t>(i)])).exit_code == i);
}

// -- leases -------------------------------------------------------------------

TEST_CASE_METHOD(places,
                 "engine: a lease is recorded from its grant to its "
                 "end",
                 "[engine]") {
  auto lease = acquire(place("bubblewrap"));
  CHECK(lease.origin == origin::fresh);
  CHECK(lease.fence > 0);
  CHECK(lease.provider == "bubblewrap");
  CHECK(boxes() == std::vector{lease.resource});
  CHECK(row(lease.id).status == "active");
  auto ended = value_of(running->release(lease));
  CHECK(ended.status == "released");
  CHECK_FALSE(ended.cleanup_owed);
  CHECK(row(lease.id).cleanup == "success");
  CHECK(boxes().empty());
  std::vector<std::string> told;
  for (const auto& line : value_of(running->history(lease.id)))
    told.push_back(line.from + " -> " + line.to);
  CHECK(told
        == std::vector<std::string>{" -> acquiring", "acquiring -> active",
                                    "active -> released"});
  CHECK(events.path(lease.id).back() == "recording -> ended");
}

TEST_CASE_METHOD(places, "engine: a release cancels what still runs",
                 "[engine]") {
  auto lease = acquire(place(GENERATE("local", "bubblewrap")));
  output_notes heard;
  auto command
    = running->execute(lease, shell("echo up; sleep 1000"), heard.callback());
  REQUIRE(heard.says("up"));
  auto ended = value_of(running->release(lease, ended_as(outcome::failed)));
  CHECK(ended.status == "failed");
  CHECK(ended.failure_reason == "adapter_or_run_failure");
  CHECK(value_of(std::move(command)).cancelled);
}

TEST_CASE_METHOD(places, "engine: a release waits for commands if asked to",
                 "[engine]") {
  auto lease = acquire(place(GENERATE("local", "bubblewrap")));
  output_notes heard;
  auto command = running->execute(lease, shell("echo up; sleep 0.3; exit 5"),
                                  heard.callback());
  REQUIRE(heard.says("up"));
  auto how = ended_as(outcome::released);
  how.wait_for_commands = true;
  CHECK(value_of(running->release(lease, how)).status == "released");
  CHECK(value_of(std::move(command)).exit_code == 5);
}

TEST_CASE_METHOD(places,
                 "engine: what has ended refuses commands and repeats "
                 "how it ended",
                 "[engine]") {
  auto lease = acquire(place("local"));
  value_of(running->release(lease, ended_as(outcome::expired)));
  auto again = value_of(running->release(lease));
  CHECK(again.status == "expired");
  auto why = failure_of(running->execute(lease, shell("true")));
  CHECK(why.code == ec::lease_ended);
  CHECK(why.message == "Lease " + lease.id + " has ended (expired).");
}

TEST_CASE_METHOD(places, "engine: a handle with another fence has no effect",
                 "[engine][promise-2]") {
  auto lease = acquire(place("local"));
  auto stale = lease;
  ++stale.fence;
  CHECK(failure_of(running->execute(stale, shell("true"))).code
        == ec::stale_lease);
  CHECK(failure_of(running->release(stale)).code == ec::stale_lease);
  CHECK(failure_of(running->destroy(stale)).code == ec::stale_lease);
  CHECK(row(lease.id).status == "active");
}

TEST_CASE_METHOD(places, "engine: a lease ends by itself when its time is over",
                 "[engine][pb-12.1.7]") {
  auto lease = acquire(place(GENERATE("local", "bubblewrap")), "run-1", 400ms);
  CHECK(lease.expires_at_ms);
  auto done = execute(lease, shell("sleep 1000"));
  CHECK(done.cancelled);
  CHECK(events.sees(lease.id, "ended"));
  CHECK(row(lease.id).status == "expired");
  CHECK(boxes().empty());
}

TEST_CASE_METHOD(places, "engine: a renewal moves the end out, never in",
                 "[engine]") {
  auto lease = acquire(place("local"), "run-1", 1h);
  auto later = value_of(running->renew(lease, 2h));
  CHECK(later > *lease.expires_at_ms);
  CHECK(value_of(running->renew(lease, 1s)) == later);
  CHECK(row(lease.id).expires_at_ms == later);
  CHECK(failure_of(running->renew(lease, 0s)).code == ec::invalid_request);
}

TEST_CASE_METHOD(places, "engine: a run's leases end together and no others",
                 "[engine]") {
  auto here = place("local");
  auto box = place("bubblewrap");
  auto first = acquire(here, "run-1");
  auto second = acquire(box, "run-1");
  auto other = acquire(box, "run-2");
  auto ended = value_of(running->release_run("run-1", outcome::failed));
  CHECK(ended.errors.empty());
  CHECK(ended.leases.size() == 2);
  CHECK(row(first.id).status == "failed");
  CHECK(row(second.id).status == "failed");
  CHECK(row(other.id).status == "active");
  CHECK(boxes() == std::vector{other.resource});
  CHECK(failure_of(running->release_run("", outcome::failed)).code
        == ec::invalid_request);
}

TEST_CASE_METHOD(places, "engine: a kept lease stays until it is destroyed",
                 "[engine]") {
  auto lease = acquire(place("bubblewrap"));
  execute(lease, shell("echo evidence > note"));
  auto how = ended_as(outcome::failed);
  how.keep = true;
  CHECK(value_of(running->release(lease, how)).status == "retained");
  CHECK(boxes() == std::vector{lease.resource});
  auto gone = value_of(running->destroy(lease, "seen"));
  CHECK_FALSE(gone.cleanup_owed);
  CHECK(boxes().empty());
}

TEST_CASE_METHOD(places,
                 "engine: what was kept is resumed by its lease's id, also by "
                 "the next engine",
                 "[engine]") {
  auto lease = acquire(place("bubblewrap"));
  execute(lease, shell("echo evidence > note"));
  auto how = ended_as(outcome::failed);
  how.keep = true;
  value_of(running->release(lease, how));
  start();
  auto again = value_of(running->resume({lease.id.substr(0, 13), "run-2"}));
  CHECK(again.resource == lease.resource);
  CHECK(again.id != lease.id);
  CHECK(again.fence > lease.fence);
  CHECK(again.origin == origin::resumed);
  CHECK(row(again.id).run == "run-2");
  CHECK(execute(again, shell("cat note")).stdout_text == "evidence\n");
  CHECK(failure_of(running->resume({lease.id, "run-3"})).code
        == ec::resource_gone);
  value_of(running->release(again));
  CHECK(boxes().empty());
  CHECK(failure_of(running->resume({again.id, "run-3"})).code
        == ec::resource_gone);
}

TEST_CASE_METHOD(places, "engine: a lease says what it was taken for",
                 "[engine]") {
  acquire_request what;
  what.environment = place("local");
  what.run = "run-1";
  what.workspace = "workspace-1";
  what.issue = "issue-1";
  auto lease = value_of(running->acquire(what));
  CHECK(row(lease.id).workspace == "workspace-1");
  CHECK(row(lease.id).issue == "issue-1");
  workspace wrong{dir.path().string()};
  wrong.metadata = "[1]";
  CHECK(failure_of(running->realize(lease, wrong)).code == ec::invalid_request);
}

TEST_CASE_METHOD(places, "engine: a destroy ends a lease that works",
                 "[engine]") {
  auto lease = acquire(place("bubblewrap"));
  output_notes heard;
  auto command
    = running->execute(lease, shell("echo up; sleep 1000"), heard.callback());
  REQUIRE(heard.says("up"));
  auto gone = value_of(running->destroy(lease, "enough"));
  CHECK(gone.status == "failed");
  CHECK(gone.failure_reason == "enough");
  CHECK(boxes().empty());
  CHECK(value_of(std::move(command)).cancelled);
}

// -- several engines ----------------------------------------------------------

TEST_CASE_METHOD(places,
                 "engine: two engines on one store do not touch each "
                 "other's leases",
                 "[engine][trap-8][promise-4]") {
  auto lease = acquire(place("bubblewrap"));
  engine other{opts};
  value_of(other.recovered());
  CHECK(row(lease.id).status == "active");
  auto why = failure_of(other.execute(lease, shell("true")));
  CHECK(why.code == ec::held_elsewhere);
  CHECK(failure_of(other.release(lease)).code == ec::held_elsewhere);
  CHECK(execute(lease, shell("echo mine")).stdout_text == "mine\n");
  // An operator may: the owner hears of it when it acts next.
  CHECK_FALSE(value_of(other.destroy(lease)).cleanup_owed);
  CHECK(boxes().empty());
  CHECK(row(lease.id).status == "failed");
}

TEST_CASE_METHOD(places, "engine: an engine can be moved", "[engine]") {
  auto lease = acquire(place("local"));
  engine moved{std::move(*running)};
  running.reset();
  CHECK(value_of(moved.execute(lease, shell("true"))).exit_code == 0);
}

// -- the two forms ------------------------------------------------------------

TEST_CASE_METHOD(places,
                 "engine: a callback is called once, on a thread of "
                 "the engine",
                 "[engine]") {
  auto here = place("local");
  notes<std::thread::id> told;
  acquire_request what;
  what.environment = here;
  what.run = "run-1";
  std::promise<result<lease>> granted;
  running->acquire(what, [&](const result<lease>& x) {
    told.add(std::this_thread::get_id());
    granted.set_value(x);
  });
  auto lease = value_of(granted.get_future());
  std::promise<result<finished>> ended;
  running->execute(lease, shell("true"), {}, [&](const result<finished>& x) {
    told.add(std::this_thread::get_id());
    ended.set_value(x);
  });
  CHECK(value_of(ended.get_future()).exit_code == 0);
  std::promise<result<ended_run>> released;
  running->release_run("run-1", outcome::released, [&](const auto& x) {
    told.add(std::this_thread::get_id());
    released.set_value(x);
  });
  CHECK(value_of(released.get_future()).leases.size() == 1);
  stop();
  CHECK(told.all().size() == 3);
  for (auto who : told.all())
    CHECK(who != std::this_thread::get_id());
}

TEST_CASE_METHOD(places, "engine: a verb may be called from a callback",
                 "[engine]") {
  acquire_request what;
  what.environment = place("local");
  std::promise<result<ended_lease>> ended;
  running->acquire(what, [&](const result<lease>& granted) {
    running->execute(*granted, shell("true"), {}, [&, granted](const auto&) {
      running->release(*granted, {}, [&](const result<ended_lease>& x) {
        ended.set_value(x);
      });
    });
  });
  CHECK(value_of(ended.get_future()).status == "released");
}

// -- the end ------------------------------------------------------------------

TEST_CASE_METHOD(places,
                 "engine: the destructor releases everything and "
                 "leaves no child",
                 "[engine]") {
  auto local = acquire(place("local"));
  auto boxed = acquire(place("bubblewrap"));
  output_notes heard;
  auto busy = running->execute(local, shell("echo up; sleep 1000 & sleep 1000"),
                               heard.callback());
  auto busy_box = running->execute(
    boxed, shell("echo in; sleep 1000 & sleep 1000"), heard.callback());
  REQUIRE(heard.says("up"));
  REQUIRE(heard.says("in"));
  CHECK_FALSE(children().empty());
  stop();
  CHECK(children().empty());
  CHECK(value_of(std::move(busy)).cancelled);
  CHECK(value_of(std::move(busy_box)).cancelled);
  CHECK(boxes().empty());
  start();
  for (const auto& lease : {local, boxed}) {
    CHECK(row(lease.id).status == "failed");
    CHECK(row(lease.id).failure_reason == "engine_stopped");
    CHECK(row(lease.id).cleanup == "success");
  }
}

TEST_CASE_METHOD(places,
                 "engine: whatever is under way when an engine is "
                 "destroyed gets an answer",
                 "[engine]") {
  auto box = place("bubblewrap");
  std::vector<std::future<result<lease>>> leases;
  std::vector<std::future<result<probe_result>>> probes;
  for (auto i = 0; i < 20; ++i) {
    acquire_request what;
    what.environment = box;
    leases.push_back(running->acquire(what));
    probes.push_back(running->probe(box));
  }
  auto listed = running->leases();
  auto settled = running->settled(1h);
  stop();
  CHECK(children().empty());
  for (auto& x : leases)
    REQUIRE_NOTHROW(outcome_of(std::move(x)));
  for (auto& x : probes)
    REQUIRE_NOTHROW(outcome_of(std::move(x)));
  REQUIRE_NOTHROW(outcome_of(std::move(listed)));
  REQUIRE_NOTHROW(outcome_of(std::move(settled)));
  // What came up too late for a release is owed to the next engine.
  start();
  CHECK(value_of(running->settled(1min)) == 0);
  CHECK(boxes().empty());
}
