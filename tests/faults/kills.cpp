#include "tests/faults/kills.hpp"

#include "tests/faults/store_places.hpp"

#include <utility>

namespace leasehold::faults {

namespace {

/// Where the fault worker can be made to die (fault_worker.cpp).
const std::vector<std::string> worker_places{
  "acquire.called", "acquire.made",    "resume.called",  "resume.done",
  "release.called", "release.done",    "destroy.called", "destroy.done",
  "execute.called", "execute.started", "execute.ended"};

/// What a new engine comes by when it tidies up after a dead one.
const std::vector<std::string> recovery_places{"list.called", "release.called",
                                               "release.done", "destroy.called",
                                               "destroy.done"};

const std::vector<std::string> late_places{"acquire.made", "resume.done",
                                           "release.done"};

} // namespace

killer::killer(kill_stage& stage, uint64_t seed) : stage_{stage}, dice_{seed} {
  ways_ = {
    {26, [this] { kill_engine(); }},
    {8, [this] { kill_engine_at_start(); }},
    {20, [this] { kill_engine_at_store(); }},
    {14, [this] { kill_engine_at_worker(); }},
    {8, [this] { kill_engine_in_recovery(); }},
    {6, [this] { kill_worker(); }},
    {10, [this] { kill_worker_at_trip(); }},
    {4, [this] { kill_tenant(); }},
    {3, [this] { kill_one_of("bubblewrap worker", "bubblewrap"); }},
    {4, [this] { kill_one_of("sandbox", "mark"); }},
    {1, [this] { delay_worker(); }},
  };
  if (stage_.server()) {
    ways_.push_back({5, [this] { kill_backend(); }});
    ways_.push_back({2, [this] { kill_postmaster(false); }});
    ways_.push_back({2, [this] { kill_postmaster(true); }});
  }
}

int killer::roll(int below) {
  return std::uniform_int_distribution{0, below - 1}(dice_);
}

const std::string& killer::pick(const std::vector<std::string>& from) {
  return from[static_cast<size_t>(roll(static_cast<int>(from.size())))];
}

void killer::note(const std::string& who, const std::string& where) {
  ++kills_[who + " " + where];
  ++count_;
}

void killer::round() {
  auto sum = 0;
  for (const auto& x : ways_)
    sum += x.weight;
  auto dice = roll(sum);
  auto which = ways_.begin();
  while (dice >= which->weight)
    dice -= (which++)->weight;
  auto t0 = std::chrono::steady_clock::now();
  which->kill();
  auto t1 = std::chrono::steady_clock::now();
  come_to_rest();
  auto t2 = std::chrono::steady_clock::now();
  if (getenv("TRACE"))
    fprintf(stderr, "way %d kill %.0f ms rest %.0f ms total %zu\n",
            (int)(which - ways_.begin()),
            std::chrono::duration<double, std::milli>(t1 - t0).count(),
            std::chrono::duration<double, std::milli>(t2 - t1).count(), count_);
}

void killer::work(int ms_max) {
  stage_.victim().tell("go");
  stage_.victim().listen(milliseconds{roll(ms_max)});
}

bool killer::await_trip(milliseconds longest) {
  // The worker tells nobody; it is looked at between two lines.
  for (auto waited = milliseconds{0}; waited < longest;
       waited += milliseconds{2}) {
    stage_.victim().listen(milliseconds{2});
    if (stage_.victim().silent() || stage_.tripped())
      return true;
  }
  return false;
}

void killer::come_to_rest() {
  auto& found = stage_.found();
  // Some have work to do while they recover.
  if (roll(3) == 0)
    work(15);
  if (stage_.victim().silent())
    stage_.bury();
  else if (stage_.settle())
    return stage_.check();
  else
    stage_.bury();
  for (auto attempt = 0; attempt < 5; ++attempt) {
    stage_.start();
    if (stage_.settle())
      return stage_.check();
    stage_.bury();
  }
  ++found.other;
  found.words.push_back("the engine does not start any more");
}

// -- the engine ---------------------------------------------------------------

void killer::kill_engine() {
  work(30);
  stage_.victim().kill();
  note("engine", "any time");
  stage_.bury();
  stage_.start();
}

void killer::kill_engine_at_start() {
  stage_.victim().kill();
  note("engine", "at rest");
  stage_.bury();
  stage_.start();
  stage_.victim().tell("go");
  stage_.victim().listen(milliseconds{roll(60)});
  stage_.victim().kill();
  note("engine", "while it starts");
  stage_.bury();
  stage_.start();
}

void killer::kill_engine_at_store() {
  auto place = pick(store_places());
  work(10);
  stage_.victim().tell("arm " + place);
  stage_.victim().listen(milliseconds{1'000}, "nothing begins like this");
  auto there = stage_.victim().silent();
  stage_.victim().kill();
  note("engine", there ? place : "any time");
  stage_.bury();
  stage_.start();
}

void killer::kill_engine_at_worker() {
  auto place = pick(worker_places);
  work(10);
  stage_.arm_worker(place, "engine");
  await_trip(milliseconds{1'000});
  stage_.victim().kill();
  stage_.bury();
  note("engine", stage_.disarm_worker() ? "by worker, " + place : "any time");
  stage_.start();
}

void killer::kill_engine_in_recovery() {
  work(20);
  stage_.victim().kill();
  note("engine", "any time");
  stage_.bury();
  auto by_store = roll(2) == 0;
  auto place = pick(by_store ? store_places() : recovery_places);
  if (!by_store)
    stage_.arm_worker(place, "engine");
  stage_.start(by_store ? place : "");
  stage_.victim().tell("settle");
  stage_.victim().listen(patience, "settled");
  auto there = stage_.victim().silent();
  auto tripped = stage_.disarm_worker();
  if (!there && !tripped)
    return;
  stage_.bury();
  note("engine", "in recovery, " + place);
  stage_.start();
}

// -- the worker, and what it runs ---------------------------------------------

void killer::kill_worker() {
  work(20);
  if (kill_surely(stage_.worker_pid(), stage_.dir()))
    note("worker", "any time");
  work(10);
}

void killer::kill_worker_at_trip() {
  auto place = pick(worker_places);
  work(10);
  stage_.arm_worker(place, "worker");
  auto there = await_trip(milliseconds{1'000});
  stage_.disarm_worker();
  if (there)
    note("worker", place);
  else if (kill_surely(stage_.worker_pid(), stage_.dir()))
    note("worker", "any time");
  work(10);
}

void killer::delay_worker() {
  auto hangs = roll(2) == 0;
  auto place = pick(hangs ? worker_places : late_places);
  stage_.victim().tell("go");
  stage_.arm_worker(place, hangs ? "hang" : "late");
  delays_ += await_trip(milliseconds{1'000});
  stage_.disarm_worker();
}

void killer::kill_tenant() {
  stage_.victim().tell("go");
  for (auto attempt = 0; attempt < 50; ++attempt) {
    stage_.victim().listen(milliseconds{4});
    for (const auto& why : stage_.seen().read()) {
      ++stage_.found().double_holders;
      stage_.found().words.push_back(why);
    }
    if (kill_surely(stage_.seen().running(), stage_.dir()))
      return note("command", "any time");
  }
}

void killer::kill_one_of(const char* who, const char* path) {
  auto mark = (stage_.dir() / path).string();
  stage_.victim().tell("go");
  for (auto attempt = 0; attempt < 50; ++attempt) {
    stage_.victim().listen(milliseconds{roll(10)});
    auto all = stage_.processes_with(mark);
    if (all.empty())
      continue;
    auto which = all[static_cast<size_t>(roll(static_cast<int>(all.size())))];
    if (kill_surely(which, mark)) {
      note(who, "any time");
      break;
    }
  }
  work(10);
}

// -- the database -------------------------------------------------------------

void killer::kill_backend() {
  work(10);
  if (stage_.server()->kill_backend("faults"))
    note("postgres backend", "any time");
  work(10);
}

void killer::kill_postmaster(bool engine_too) {
  work(15);
  stage_.server()->kill();
  note("postmaster", engine_too ? "and the engine with it" : "any time");
  if (engine_too) {
    stage_.victim().kill();
    note("engine", "with the postmaster");
    stage_.bury();
  } else {
    stage_.victim().listen(milliseconds{roll(50)});
  }
  stage_.server()->start();
  if (engine_too)
    stage_.start();
}

} // namespace leasehold::faults
