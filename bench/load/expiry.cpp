// expiry: how long after its deadline a lease has ended, for whoever watches
// the engine's events, while 100 000 of them (in a
// hurry: 20 000) have deadlines.

#include "bench/load/engine_stage.hpp"

#include <condition_variable>
#include <stdexcept>
#include <unordered_map>

namespace leasehold::bench {

namespace {

using std::chrono::milliseconds;

int64_t now_ms() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch())
    .count();
}

/// The leases that are to end, and how late each did.
class watch_list {
public:
  void expect(const std::string& lease, int64_t deadline) {
    std::lock_guard guard{mutex_};
    auto [pos, added] = all_.emplace(lease, deadline);
    // It may have ended before we heard of it.
    if (!added)
      finish(deadline, pos->second);
    if (!added)
      all_.erase(pos);
    ++expected_;
  }

  void on_event(const event& what) {
    if (what.kind != "lease" || what.to != "ended")
      return;
    auto now = now_ms();
    std::lock_guard guard{mutex_};
    auto [pos, added] = all_.emplace(what.subject, now);
    if (added)
      return;
    finish(pos->second, now);
    all_.erase(pos);
  }

  /// Whether all have ended in time.
  bool await_all(milliseconds patience) {
    std::unique_lock guard{mutex_};
    return changed_.wait_for(guard, patience,
                             [this] { return ended_ == expected_; });
  }

  histogram lateness() {
    std::lock_guard guard{mutex_};
    return late_;
  }

  uint64_t early() {
    std::lock_guard guard{mutex_};
    return early_;
  }

private:
  void finish(int64_t deadline, int64_t end) {
    late_.add(milliseconds{end - deadline});
    early_ += end < deadline ? 1 : 0;
    ++ended_;
    changed_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::unordered_map<std::string, int64_t> all_;
  histogram late_;
  uint64_t expected_ = 0;
  uint64_t ended_ = 0;
  uint64_t early_ = 0;
};

/// When leases end on their own: `ttl` from now, or up to `spread` later, in an
/// order that is not that of the deadlines.
struct end_times {
  milliseconds ttl{0};
  milliseconds spread{1};

  [[nodiscard]] milliseconds of(uint64_t number) const {
    return ttl
           + milliseconds{static_cast<int64_t>(number * 7919) % spread.count()};
  }
};

work arm(engine& with, end_times ends, watch_list* watched) {
  return [&with, ends, watched](uint64_t number, const finish& then) {
    acquire_request what;
    what.environment = "box";
    what.run = "expiry-" + std::to_string(number);
    what.ttl = ends.of(number);
    with.acquire(what, [watched, then](const result<lease>& how) {
      if (how && watched)
        watched->expect(how->id, *how->expires_at_ms);
      then(how ? ec::none : how.error().code);
    });
  };
}

void run_on(stage& on, const std::string& kind) {
  auto armed = on.pick(uint64_t{20'000}, uint64_t{100'000});
  watch_list watched;
  auto opts = options_for(on.fresh_store(kind));
  opts.stop_timeout = milliseconds{1};
  engine with{opts};
  with.subscribe([&](const event& x) { watched.on_event(x); });
  add_fake(with);
  closed_loop(512, armed, arm(with, {std::chrono::hours{24}}, nullptr));
  // As many a second as a busy engine has.
  auto spread = on.pick(milliseconds{2'000}, milliseconds{10'000});
  auto count = static_cast<uint64_t>(spread.count()) / 2;
  auto how = closed_loop(256, count,
                         arm(with, {milliseconds{1'500}, spread}, &watched));
  if (!watched.await_all(std::chrono::seconds{60}))
    throw std::runtime_error{"leases did not end at their deadlines"};
  figure out;
  out.what = "lateness";
  out.store = kind;
  out.at = {{"armed", static_cast<double>(armed)}, {"a_second", 500}};
  out.unit = "ms, median";
  auto late = watched.lateness();
  out.values = {late.quantile_us(0.5) / 1e3};
  out.latency = late.summary();
  out.note = std::to_string(armed) + " armed, " + std::to_string(count)
             + " ends, " + std::to_string(watched.early()) + " early "
             + note_of(how);
  on.add(std::move(out));
}

} // namespace

void run_expiry(stage& on) {
  auto stores = on.how().stores;
  if (on.how().quick)
    stores.resize(1);
  for (const auto& kind : stores)
    run_on(on, kind);
}

} // namespace leasehold::bench
