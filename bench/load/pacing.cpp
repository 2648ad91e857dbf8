#include "bench/load/pacing.hpp"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <limits>
#include <mutex>
#include <random>
#include <thread>

namespace leasehold::bench {

namespace {

using steady = std::chrono::steady_clock;

/// In an open loop, what is due within this time is started together.
constexpr std::chrono::duration<double> tick{0.0005};

/// What both loops note about what ends between two moments.
class tally {
public:
  tally(steady::time_point begin, steady::time_point end)
    : begin_{begin}, end_{end} {
    // nop
  }

  void start() {
    std::lock_guard guard{mutex_};
    ++out_.started;
    ++open_;
  }

  void end(steady::time_point since, ec how) {
    auto now = steady::now();
    std::lock_guard guard{mutex_};
    if (how != ec::none)
      ++out_.errors[to_string(how)];
    else
      count(now, since);
    if (--open_ == 0)
      idle_.notify_all();
  }

  /// Waits for what is open. Without an end, the last one's counts.
  load_result finish_all() {
    std::unique_lock guard{mutex_};
    idle_.wait(guard, [this] { return open_ == 0; });
    auto last = end_ == steady::time_point::max() ? last_ : end_;
    out_.seconds = std::chrono::duration<double>(last - begin_).count();
    return std::move(out_);
  }

private:
  void count(steady::time_point now, steady::time_point since) {
    ++out_.done_in_all;
    last_ = std::max(last_, now);
    if (now < begin_)
      return;
    out_.latency.add(now - since);
    if (now <= end_)
      ++out_.done;
  }

  steady::time_point begin_;
  steady::time_point end_;
  steady::time_point last_ = begin_;
  std::mutex mutex_;
  std::condition_variable idle_;
  load_result out_;
  size_t open_ = 0;
};

/// One of the places of a closed loop: starts the next when the last has ended.
class lanes {
public:
  lanes(steady::time_point end, uint64_t count, const work& what)
    : end_{end}, count_{count}, what_{what}, tally_{steady::now(),
                                                    steady::time_point::max()} {
    // nop
  }

  load_result run(size_t in_flight) {
    // Held open by us, so that it is not idle before all have begun.
    tally_.start();
    for (size_t i = 0; i < in_flight; ++i)
      next();
    tally_.end(steady::now(), ec::cancelled);
    auto out = tally_.finish_all();
    --out.started;
    if (--out.errors[to_string(ec::cancelled)] == 0)
      out.errors.erase(to_string(ec::cancelled));
    return out;
  }

private:
  void next() {
    auto number = last_.fetch_add(1);
    auto now = steady::now();
    if (number >= count_ || now >= end_)
      return;
    tally_.start();
    what_(number, [this, now](ec how) {
      // The next one first: the loop must not look idle in between.
      next();
      tally_.end(now, how);
    });
  }

  steady::time_point end_;
  uint64_t count_;
  const work& what_;
  std::atomic<uint64_t> last_{0};
  tally tally_;
};

} // namespace

load_result closed_loop(size_t in_flight, double seconds, const work& what) {
  auto end = steady::now()
             + std::chrono::duration_cast<steady::duration>(
               std::chrono::duration<double>{seconds});
  return lanes{end, std::numeric_limits<uint64_t>::max(), what}.run(in_flight);
}

load_result closed_loop(size_t in_flight, uint64_t count, const work& what) {
  return lanes{steady::time_point::max(), count, what}.run(in_flight);
}

load_result open_loop(double rate, double seconds, const work& what,
                      double warm_up) {
  std::mt19937_64 dice{7};
  std::exponential_distribution<double> gap{rate};
  auto begin = steady::now();
  auto at = [begin](double x) {
    return begin
           + std::chrono::duration_cast<steady::duration>(
             std::chrono::duration<double>{x});
  };
  tally notes{at(warm_up), at(seconds)};
  uint64_t number = 0;
  for (auto due = gap(dice); due < seconds; due += gap(dice)) {
    // A thread that wakes for each would be a load of its own.
    if (rate <= 1 / tick.count())
      std::this_thread::sleep_until(at(due));
    else if (at(due) > steady::now())
      std::this_thread::sleep_for(tick);
    notes.start();
    what(number++,
         [&notes, since = at(due)](ec how) { notes.end(since, how); });
  }
  std::this_thread::sleep_until(at(seconds));
  return notes.finish_all();
}

} // namespace leasehold::bench
