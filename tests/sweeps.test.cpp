// What the janitor does next.

#include "actors/sweeps.hpp"

#include "tests/support/catch.hpp"

#include <string>

using namespace leasehold;
using namespace std::literals;
namespace event = sweep_event;
namespace effect = sweep_effect;

namespace {

using words = std::vector<std::string>;

std::string word(const effect::list_orphans& x) {
  return "list " + std::to_string(x.limit) + " orphans";
}

std::string word(const effect::settle_orphan& x) {
  return (std::holds_alternative<await_run>(x.what) ? "wait for run of "
                                                    : "end ")
         + x.lease.value;
}

std::string word(const effect::arm_orphans& x) {
  return "orphans in " + std::to_string(x.in.count());
}

std::string word(const effect::ask& x) {
  if (std::holds_alternative<list_scheduled_cleanups>(x.what))
    return "what is owed?";
  return "what is parked?";
}

std::string word(const effect::clean& x) {
  return "clean " + x.row.id.value;
}

std::string word(const effect::record& x) {
  return "record " + to_string(x.what.outcome) + " of " + x.row.id.value;
}

std::string word(const effect::give_up_parked& x) {
  return "give up " + x.what.lease.value;
}

std::string word(const effect::arm_sweep& x) {
  return "sweep in " + std::to_string(x.in.count())
         + (x.sooner_only ? " at the latest" : "");
}

std::string word(const effect::prune& x) {
  return "prune after " + std::to_string(x.what.after);
}

std::string word(const effect::arm_prune& x) {
  return "prune in " + std::to_string(x.in.count());
}

std::string word(const effect::check_settled&) {
  return "settled?";
}

std::string word(const effect::say& x) {
  return "say: " + x.what;
}

/// Sweeps in a test, and what they asked for since somebody looked.
struct tried_sweeps {
  explicit tried_sweeps(sweep_options options = {}) {
    now.self = {"engine-1"};
    now.options = options;
  }

  words feed(const event::any& what) {
    auto [next, effects] = step(std::move(now), what);
    now = std::move(next);
    words out;
    for (const auto& x : effects)
      out.push_back(std::visit([](const auto& y) { return word(y); }, x));
    return out;
  }

  /// Goes through a sweep that finds these.
  words sweep(lease_rows owed, lease_rows parked = {}) {
    words all = feed(event::sweep_due{});
    for (auto* rows : {&owed, &parked})
      for (auto& x : feed(event::listed{std::move(*rows)}))
        all.push_back(std::move(x));
    return all;
  }

  sweeps now;
};

lease_row row_of(int n) {
  lease_row row;
  row.id = {"lease-" + std::to_string(n)};
  row.status = lease_status::failed;
  row.cleanup = cleanup_status::failed;
  row.next_cleanup_at = timestamp{1'000};
  row.owner = {"engine-2"};
  row.exclusive = true;
  row.resource = {"box-" + std::to_string(n)};
  return row;
}

lease_rows rows(int count) {
  lease_rows out{timestamp{1'000}, {}};
  for (auto i = 1; i <= count; ++i)
    out.rows.push_back(row_of(i));
  return out;
}

lease_rows orphans(int count) {
  auto out = rows(count);
  for (auto& row : out.rows)
    row.status = lease_status::active;
  return out;
}

} // namespace

// -- leases of dead engines ---------------------------------------------------

TEST_CASE("sweeps: what dead engines left is looked for first", "[sweeps]") {
  tried_sweeps x;
  CHECK(x.feed(event::started{}) == words{"list 100 orphans"});
  CHECK(x.feed(event::orphans_listed{orphans(1)})
        == words{"say: lease lease-1: its engine is gone", "end lease-1"});
  CHECK_FALSE(is_settled(x.now));
  CHECK(x.feed(event::orphan_written{{"lease-1"}, done{}})
        == words{"orphans in 10000", "what is owed?"});
}

TEST_CASE("sweeps: after a full page of orphans the next one follows at once",
          "[sweeps]") {
  sweep_options options;
  options.batch_max = 2;
  tried_sweeps x{options};
  x.feed(event::started{});
  x.feed(event::orphans_listed{orphans(2)});
  CHECK(x.feed(event::orphan_written{{"lease-1"}, done{}}).empty());
  CHECK(x.feed(event::orphan_written{{"lease-2"}, done{}}).front()
        == "orphans in 0");
  CHECK_FALSE(x.now.resolved);
  CHECK(x.feed(event::orphans_due{}) == words{"list 2 orphans"});
  CHECK(x.feed(event::orphans_listed{}).front() == "orphans in 10000");
  CHECK(x.now.resolved);
}

TEST_CASE("sweeps: a full page whose writes are refused is looked at again "
          "after a pause",
          "[sweeps]") {
  sweep_options options;
  options.batch_max = 1;
  tried_sweeps x{options};
  x.feed(event::started{});
  x.feed(event::orphans_listed{orphans(1)});
  auto refused = failure{ec::conflict, "Somebody else was faster.", {}};
  CHECK(x.feed(event::orphan_written{{"lease-1"}, refused}).front()
        == "orphans in 50");
}

TEST_CASE("sweeps: a list of orphans that fails is asked for again, and "
          "nothing is resolved until it works",
          "[sweeps]") {
  tried_sweeps x;
  x.feed(event::started{});
  for (auto pause : {50, 100, 200, 400}) {
    auto said = x.feed(event::orphans_unlisted{{ec::store_unavailable, "No."}});
    CHECK(said.front() == "orphans in " + std::to_string(pause));
    CHECK(said.back() == "say: cannot look for leases of dead engines: No.");
    x.feed(event::orphans_due{});
  }
  for (auto i = 0; i < 2; ++i)
    x.feed(event::listed{});
  CHECK_FALSE(is_settled(x.now));
  x.feed(event::orphans_listed{});
  // The sweep that is going on, and the one that was asked for meanwhile.
  for (auto i = 0; i < 4; ++i)
    x.feed(event::listed{});
  CHECK(is_settled(x.now));
}

TEST_CASE("sweeps: an orphan that could not be ended is looked at again soon",
          "[sweeps]") {
  tried_sweeps x;
  x.feed(event::started{});
  x.feed(event::orphans_listed{orphans(1)});
  auto after
    = x.feed(event::orphan_written{{"lease-1"}, failure{ec::conflict, "No."}});
  CHECK(after.front() == "orphans in 50");
  CHECK_FALSE(x.now.resolved);
}

TEST_CASE("sweeps: an orphan that waits for its run is looked at when that is "
          "over",
          "[sweeps]") {
  tried_sweeps x;
  x.feed(event::started{});
  auto found = orphans(1);
  found.rows[0].run = {"run-1"};
  found.rows[0].reattach_grace = 700ms;
  CHECK(x.feed(event::orphans_listed{found}).back()
        == "wait for run of lease-1");
  CHECK(x.feed(event::orphan_written{{"lease-1"}, done{}}).front()
        == "orphans in 700");
}

TEST_CASE("sweeps: where no engine has died, nothing more is asked",
          "[sweeps]") {
  tried_sweeps x;
  x.feed(event::started{});
  CHECK(x.feed(event::orphans_listed{}).back() == "what is owed?");
  x.feed(event::listed{});
  CHECK(x.feed(event::listed{}).back() == "settled?");
  x.feed(event::orphans_due{});
  CHECK(x.feed(event::orphans_listed{}) == words{"orphans in 10000"});
}

TEST_CASE("sweeps: answers that nobody waits for change nothing", "[sweeps]") {
  tried_sweeps x;
  CHECK(x.feed(event::orphans_listed{orphans(1)}).empty());
  CHECK(x.feed(event::orphan_written{{"lease-1"}, done{}}).empty());
  CHECK(x.feed(event::listed{rows(1)}).empty());
  CHECK(x.feed(event::recorded{{"lease-1"}, std::nullopt}).empty());
  CHECK(x.feed(event::unrecorded{{"lease-1"}}).empty());
}

// -- cleanups -----------------------------------------------------------------

TEST_CASE("sweeps: what is due is cleaned up, and the next due one sets the "
          "time",
          "[sweeps]") {
  tried_sweeps x;
  auto owed = rows(3);
  owed.rows[1].next_cleanup_at = timestamp{8'000};
  owed.rows[2].next_cleanup_at = timestamp{9'000};
  CHECK(x.sweep(owed)
        == words{"what is owed?", "clean lease-1", "what is parked?",
                 "sweep in 7000", "settled?"});
}

TEST_CASE("sweeps: what is under way does not set the time", "[sweeps]") {
  tried_sweeps x;
  auto owed = rows(2);
  owed.rows[0].next_cleanup_at = timestamp{7'000};
  owed.rows[1].next_cleanup_at = timestamp{8'000};
  x.feed(event::wanted{row_of(1)});
  CHECK(
    x.sweep(owed)
    == words{"what is owed?", "what is parked?", "sweep in 7000", "settled?"});
}

TEST_CASE("sweeps: no more cleanups are under way than allowed", "[sweeps]") {
  sweep_options options;
  options.batch_max = 4;
  tried_sweeps x{options};
  x.sweep(rows(4));
  CHECK(x.now.under_way.size() == 4);
  auto more = rows(5);
  more.rows.erase(more.rows.begin(), more.rows.end() - 1);
  CHECK(
    x.sweep(more)
    == words{"what is owed?", "what is parked?", "sweep in 60000", "settled?"});
  CHECK(x.now.under_way.size() == 4);
}

TEST_CASE("sweeps: what found no place is started once half of them are free",
          "[sweeps]") {
  sweep_options options;
  options.batch_max = 4;
  tried_sweeps x{options};
  for (auto i = 1; i <= 4; ++i)
    x.feed(event::wanted{row_of(i)});
  x.sweep({timestamp{1'000}, {row_of(5)}});
  CHECK(x.feed(event::recorded{{"lease-1"}, std::nullopt}).empty());
  CHECK(x.feed(event::recorded{{"lease-2"}, std::nullopt})
        == words{"what is owed?"});
}

TEST_CASE("sweeps: more are started once half of the places are free",
          "[sweeps]") {
  sweep_options options;
  options.batch_max = 4;
  tried_sweeps x{options};
  x.sweep(rows(4));
  CHECK(x.feed(event::recorded{{"lease-1"}, std::nullopt}).empty());
  CHECK(x.feed(event::recorded{{"lease-2"}, std::nullopt})
        == words{"what is owed?"});
}

TEST_CASE("sweeps: a cleanup is under way once", "[sweeps]") {
  tried_sweeps x;
  CHECK(x.feed(event::wanted{row_of(1)}) == words{"clean lease-1"});
  CHECK(x.feed(event::wanted{row_of(1)}).empty());
  CHECK(
    x.sweep(rows(1))
    == words{"what is owed?", "what is parked?", "sweep in 60000", "settled?"});
}

TEST_CASE("sweeps: what was tried is recorded, then swept again", "[sweeps]") {
  tried_sweeps x;
  x.feed(event::wanted{row_of(1)});
  CHECK(x.feed(event::tried{row_of(1), failure{ec::provider_refused, "No."}})
        == words{"record failed of lease-1"});
  CHECK(x.feed(event::recorded{{"lease-1"}, 5s}) == words{"what is owed?"});
}

TEST_CASE("sweeps: while others are under way, a retry sets the time itself",
          "[sweeps]") {
  tried_sweeps x;
  x.feed(event::wanted{row_of(1)});
  x.feed(event::wanted{row_of(2)});
  CHECK(x.feed(event::recorded{{"lease-1"}, 5s})
        == words{"sweep in 5000 at the latest"});
}

TEST_CASE("sweeps: what could not be recorded is not tried in a hurry",
          "[sweeps]") {
  tried_sweeps x;
  x.feed(event::wanted{row_of(1)});
  CHECK(x.feed(event::unrecorded{{"lease-1"}})
        == words{"sweep in 5000 at the latest", "settled?"});
}

TEST_CASE("sweeps: what could not be recorded during a sweep is not forgotten "
          "by it",
          "[sweeps]") {
  tried_sweeps x;
  x.feed(event::wanted{row_of(1)});
  x.feed(event::sweep_due{});
  x.feed(event::listed{rows(1)});
  x.feed(event::unrecorded{{"lease-1"}});
  CHECK(x.feed(event::listed{}) == words{"sweep in 5000", "settled?"});
}

TEST_CASE("sweeps: who asks during a sweep gets another one", "[sweeps]") {
  tried_sweeps x;
  x.feed(event::sweep_due{});
  CHECK(x.feed(event::sweep_due{}).empty());
  x.feed(event::listed{});
  CHECK(x.feed(event::listed{}) == words{"sweep in 60000", "what is owed?"});
}

TEST_CASE("sweeps: a store that does not answer is asked again later",
          "[sweeps]") {
  tried_sweeps x;
  x.feed(event::sweep_due{});
  CHECK(x.feed(event::unlisted{}) == words{"sweep in 5000"});
  CHECK(x.feed(event::sweep_due{}) == words{"what is owed?"});
}

// -- parked resources ---------------------------------------------------------

TEST_CASE("sweeps: what has been parked for too long is given up", "[sweeps]") {
  tried_sweeps x;
  auto parked = rows(3);
  parked.rows[0].deadline_at = timestamp{900};
  parked.rows[1].deadline_at = timestamp{1'000};
  parked.rows[2].deadline_at = timestamp{3'000};
  CHECK(x.sweep({}, parked)
        == words{"what is owed?", "what is parked?", "give up lease-1",
                 "give up lease-2", "sweep in 2000", "settled?"});
}

// -- history ------------------------------------------------------------------

TEST_CASE("sweeps: old history goes a stretch at a time", "[sweeps]") {
  sweep_options options;
  options.history_ttl = 24h;
  tried_sweeps x{options};
  CHECK(x.feed(event::started{}).back() == "prune in 60000");
  CHECK(x.feed(event::prune_due{}) == words{"prune after 0"});
  CHECK(x.feed(event::pruned{1'000}) == words{"prune after 1000"});
  CHECK(x.feed(event::pruned{}) == words{"prune in 3600000"});
}

TEST_CASE("sweeps: history that is kept for ever is left alone", "[sweeps]") {
  tried_sweeps x;
  CHECK(x.feed(event::started{}) == words{"list 100 orphans"});
}
