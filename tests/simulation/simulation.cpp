#include "tests/simulation/simulation.hpp"

#include "tests/simulation/engine_play.hpp"
#include "tests/simulation/places.hpp"
#include "tests/simulation/probe.hpp"
#include "tests/simulation/run_client.hpp"

#include <algorithm>
#include <functional>
#include <set>
#include <tuple>
#include <utility>

namespace leasehold::sim {

namespace {

using ms = milliseconds;

/// When the last fault has struck at the latest.
constexpr ms faults_end{110'000};
/// How long after that the world waits for runs that are slow.
constexpr ms runs_bound{300'000};
/// How long after the last fault everything but live leases has to be in order.
constexpr ms recovery_bound{230'000};
/// The same for everything, once every run has been released.
constexpr ms rest_bound{1'800'000};
/// How long everything has to stay in order to be believed.
constexpr ms calm{12'000};
/// No seed takes as many messages as this.
constexpr size_t messages_max = 200'000;

} // namespace

/// One seed, while it runs.
class simulation {
public:
  simulation(workshop& tools, const plan& what, bool in_words);

  verdict run();

private:
  /// One of the engines that a plan has; another one each time it starts.
  struct engine_seat {
    std::unique_ptr<engine_play> engine;
    std::unique_ptr<actor_room> room;
  };

  // -- engines (below) --------------------------------------------------------

  void open(size_t number);
  void crash(size_t number, ms comes_back_in);
  void stop(size_t number, ms comes_back_in);
  [[nodiscard]] engine_play* engine_at(size_t number) const;

  // -- what goes wrong, and when it ends --------------------------------------

  void plan_faults();
  void strike(const fault& what);
  [[nodiscard]] ms last_fault() const;
  [[nodiscard]] bool are_runs_done() const;
  void heal();
  void watch_recovery();
  [[nodiscard]] bool has_recovered() const;
  void release_everything();
  void watch_releases();
  void begin_probe();
  void watch_probe();
  void clear_up();
  void watch_rest();
  [[nodiscard]] std::optional<violation> unrest() const;

  // -- one thing at a time ----------------------------------------------------

  bool step();
  bool deliver();
  /// Until the next thing is due, if that is not longer from now than this.
  bool let_time_pass(ms longest);
  void count_message(size_t number);

  workshop& tools_;
  const plan& plan_;
  surroundings around_;
  provider cloud_;
  oracle truth_;
  probe probe_;
  dice order_;
  std::vector<engine_seat> seats_;
  std::vector<std::unique_ptr<run_client>> runs_;
  /// Engines that are no more; their answers may still be on their way.
  std::vector<std::unique_ptr<engine_play>> dead_;
  size_t opened_ = 0;
  size_t messages_ = 0;
  ms healed_at_{0};
  ms released_at_{0};
  /// Since when everything has been in order.
  std::optional<ms> calm_since_;
  bool over_ = false;
};

simulation::simulation(workshop& tools, const plan& what, bool in_words)
  : tools_{tools}, plan_{what}, around_{what}, truth_{around_, tools.rows_,
                                                      cloud_},
    probe_{around_, truth_}, order_{seed_for(what.seed, 3)},
    seats_(what.engines) {
  around_.story.in_words = in_words;
  tools_.rows_.reset(around_.time);
}

// -- engines ------------------------------------------------------------------

engine_play* simulation::engine_at(size_t number) const {
  auto* out = seats_[number].engine.get();
  return out && !out->stopping ? out : nullptr;
}

void simulation::open(size_t number) {
  auto& place = seats_[number];
  if (place.engine)
    return;
  if (!place.room) {
    if (tools_.free_rooms_.empty())
      tools_.free_rooms_.push_back(std::make_unique<actor_room>());
    place.room = std::move(tools_.free_rooms_.back());
    tools_.free_rooms_.pop_back();
  }
  auto self = database::name_of(++opened_);
  around_.note("engine", 1, [&] {
    return self.value + " starts in seat " + std::to_string(number);
  });
  auto on_written = [this](const auto& batch, const auto& how) {
    truth_.on_written(batch, how);
  };
  place.engine.reset(
    new engine_play({around_, cloud_, tools_.rows_.of(opened_), on_written,
                     *place.room, self, plan_.reattach_grace}));
}

void simulation::crash(size_t number, ms comes_back_in) {
  auto& place = seats_[number];
  if (!place.engine)
    return;
  auto self = place.engine->self();
  around_.note("engine", 2, [&] { return self.value + " dies"; });
  // A room where somebody is left can neither be used nor torn down.
  if (auto left = place.engine->die(); left > 0) {
    around_.alarm = std::to_string(left) + " actors outlive " + self.value;
    std::ignore = place.room.release();
  }
  dead_.push_back(std::move(place.engine));
  truth_.line().on_engine_gone(self);
  for (auto& run : runs_)
    run->on_engine_death(number);
  // Others notice some time later.
  tools_.rows_.bury(self,
                    around_.time.now() + order_.between(ms{0}, ms{3'000}));
  around_.time.in(comes_back_in, [this, number] { open(number); });
}

void simulation::stop(size_t number, ms comes_back_in) {
  auto* engine = engine_at(number);
  if (!engine)
    return;
  around_.note("engine", 3, [&] { return engine->self().value + " stops"; });
  engine->stopping = true;
  truth_.line().on_engine_gone(engine->self());
  for (const auto& [id, row] : truth_.rows())
    if (row.owner == engine->self())
      truth_.on_end_asked(id);
  engine->ask<done>(
    shut_down{}, [this, engine, number, comes_back_in](const result<>&) {
      around_.time.in(ms{0}, [this, engine, number, comes_back_in] {
        if (seats_[number].engine.get() == engine)
          crash(number, comes_back_in);
      });
    });
}

// -- what goes wrong, and when it ends ----------------------------------------

void simulation::plan_faults() {
  for (const auto& one : plan_.faults)
    around_.time.at(one.at, [this, &one] { strike(one); });
  around_.time.at(last_fault(), [this] { heal(); });
}

ms simulation::last_fault() const {
  if (plan_.patient)
    return faults_end;
  ms out{0};
  for (const auto& one : plan_.faults)
    if (!counts_occasions(one.what))
      out = std::max(out, one.at + one.lasts);
  return out;
}

void simulation::strike(const fault& what) {
  auto now = around_.time.now();
  switch (what.what) {
    case fault_kind::worker_killed:
      if (auto* engine = engine_at(what.engine))
        engine->workers.kill_one(what.nth);
      return;
    case fault_kind::workers_die_young:
      around_.workers_die_until = now + what.lasts;
      return;
    case fault_kind::resource_vanishes:
      return cloud_.lose_one(static_cast<size_t>(what.at.count()));
    case fault_kind::provider_down:
      around_.provider_down_until = now + what.lasts;
      return;
    case fault_kind::provider_raves:
      around_.raves_until = now + what.lasts;
      return;
    case fault_kind::store_away:
      around_.store_away_until = now + what.lasts;
      return;
    case fault_kind::engine_freezes:
      if (auto* engine = engine_at(what.engine))
        engine->frozen_until = now + what.lasts;
      return;
    case fault_kind::engine_stops:
      return stop(what.engine, what.lasts);
    default:
      // Those that count their occasions.
      return;
  }
}

bool simulation::are_runs_done() const {
  return std::all_of(runs_.begin(), runs_.end(),
                     [](const auto& x) { return x->is_done(); });
}

void simulation::heal() {
  // Runs that are slow only because of faults get some more time.
  if (!are_runs_done() && around_.time.now() < faults_end + runs_bound)
    return around_.time.in(ms{1'000}, [this] { heal(); });
  around_.note("healed", 0, [] { return "nothing goes wrong any more"; });
  around_.faults.heal();
  healed_at_ = around_.time.now();
  around_.time.in(ms{30'000}, [this] {
    for (size_t i = 0; i < seats_.size(); ++i)
      open(i);
  });
  watch_recovery();
}

bool simulation::has_recovered() const {
  for (const auto& seat : seats_)
    if (!seat.engine || seat.engine->stopping)
      return false;
  return are_runs_done() && !truth_.has_passing_rows();
}

void simulation::watch_recovery() {
  auto bound = healed_at_ + recovery_bound;
  if (around_.time.now() >= bound && are_runs_done()) {
    if (auto why = truth_.unresolved(healed_at_, false))
      return truth_.break_promise(why->promise, why->words);
    return release_everything();
  }
  // What could still happen while nothing is asked for is worth a look in some
  // seeds; in all of them it would be most of the work.
  if (!plan_.patient && has_recovered())
    return release_everything();
  around_.time.in(ms{2'000}, [this] { watch_recovery(); });
}

void simulation::release_everything() {
  for (const auto& [id, row] : truth_.rows())
    truth_.on_end_asked(id);
  for (auto& seat : seats_)
    for (const auto& run : runs_)
      seat.engine->ask<run_released>(
        release_run{run->run(), release_status::released, {}},
        [](const result<run_released>&) {});
  released_at_ = around_.time.now();
  watch_releases();
}

void simulation::watch_releases() {
  constexpr ms longest{80'000};
  auto now = around_.time.now();
  if (unrest() && now < released_at_ + longest)
    return around_.time.in(ms{2'000}, [this] { watch_releases(); });
  begin_probe();
}

void simulation::begin_probe() {
  std::set<size_t> where;
  for (const auto& run : plan_.runs)
    if (run.environment == raving_place
        || places().at(run.environment).limits.leases_max > 0)
      where.insert(run.environment);
  if (plan_.about != theme::crowd && plan_.about != theme::outage)
    where.clear();
  std::vector<engine_play*> engines;
  for (auto& seat : seats_)
    engines.push_back(seat.engine.get());
  probe_.begin(engines, {where.begin(), where.end()});
  watch_probe();
}

void simulation::watch_probe() {
  if (!probe_.is_done())
    return around_.time.in(ms{2'000}, [this] { watch_probe(); });
  if (plan_.clear_up)
    clear_up();
  watch_rest();
}

void simulation::clear_up() {
  auto& engine = *seats_.front().engine;
  for (const auto& [id, row] : truth_.rows())
    if (row.parked || row.status == lease_status::retained)
      engine.ask<lease_ended>(destroy_lease{{id, 0}, "cleared up"},
                              [](const result<lease_ended>&) {});
}

std::optional<violation> simulation::unrest() const {
  auto why = truth_.unresolved(healed_at_, true);
  auto waiting = size_t{0};
  for (const auto& seat : seats_)
    waiting += seat.engine->unanswered();
  if (!why && waiting > 0)
    why = violation{
      8, std::to_string(waiting) + " questions are unanswered "
           + std::to_string((around_.time.now() - healed_at_).count())
           + " ms after the last fault"};
  return why;
}

void simulation::watch_rest() {
  auto now = around_.time.now();
  auto why = unrest();
  // What the provider is still at may yet upset it.
  if (why || *around_.calls > 0)
    calm_since_.reset();
  else if (!calm_since_)
    calm_since_ = now;
  if (calm_since_ && now - *calm_since_ >= calm) {
    over_ = true;
    return;
  }
  if (why && now > healed_at_ + rest_bound)
    return truth_.break_promise(why->promise, why->words);
  if (auto stays = truth_.outstayed(healed_at_))
    return truth_.break_promise(stays->promise, stays->words);
  around_.time.in(ms{2'000}, [this] { watch_rest(); });
}

// -- one thing at a time ------------------------------------------------------

void simulation::count_message(size_t number) {
  auto& engine = *seats_[number].engine;
  ++messages_;
  ++engine.messages;
  if (const auto* how = around_.faults.crash(number, engine.messages))
    crash(number, how->lasts);
}

bool simulation::deliver() {
  auto now = around_.time.now();
  size_t all = 0;
  for (const auto& seat : seats_)
    if (seat.engine && seat.engine->frozen_until <= now)
      all += seat.room->waiting();
  if (all == 0)
    return false;
  auto which = order_.below(all);
  for (size_t i = 0; i < seats_.size(); ++i) {
    const auto& seat = seats_[i];
    if (!seat.engine || seat.engine->frozen_until > now)
      continue;
    if (which >= seat.room->waiting()) {
      which -= seat.room->waiting();
      continue;
    }
    auto& room = *seat.room;
    around_.note("message", room.print(which), [&] {
      return seat.engine->self().value + ": " + room.words(which);
    });
    room.run(which);
    count_message(i);
    return true;
  }
  return false;
}

bool simulation::let_time_pass(ms longest) {
  auto next = around_.time.next();
  auto sooner = [&](std::optional<ms> when) {
    if (when && (!next || *when < *next))
      next = when;
  };
  auto now = around_.time.now();
  for (const auto& seat : seats_) {
    if (!seat.engine)
      continue;
    auto frozen = seat.engine->frozen_until > now;
    sooner(frozen ? seat.engine->frozen_until : seat.room->next_timer());
  }
  if (!next || *next - now > longest)
    return false;
  around_.time.move_to(*next);
  now = around_.time.now();
  for (const auto& seat : seats_)
    if (seat.engine && seat.engine->frozen_until <= now)
      seat.room->move_to(now);
  return true;
}

bool simulation::step() {
  // Messages wait while the world goes on, but not for ever.
  auto in_a_hurry = plan_.haste > 0 && order_.percent(plan_.haste);
  if (in_a_hurry && let_time_pass(ms{1'000}))
    return true;
  if (order_.percent(20) && around_.time.do_one())
    return true;
  if (deliver())
    return true;
  if (around_.time.do_one())
    return true;
  return let_time_pass(ms::max());
}

verdict simulation::run() {
  for (size_t i = 0; i < seats_.size(); ++i)
    open(i);
  for (const auto& one : plan_.runs) {
    runs_.push_back(std::make_unique<run_client>(
      around_, truth_, one, plan_,
      [this](size_t which) { return engine_at(which); }));
    runs_.back()->begin();
  }
  plan_faults();
  while (!over_ && !truth_.broken() && step()) {
    if (messages_ > messages_max)
      truth_.break_promise(10, "it never comes to rest");
    if (!around_.alarm.empty())
      truth_.break_promise(10, around_.alarm);
  }
  verdict out;
  out.broken = truth_.broken();
  out.messages = messages_;
  out.lasted = around_.time.now();
  for (auto& seat : seats_) {
    auto clean = !seat.engine || seat.engine->die() == 0;
    if (!clean)
      std::ignore = seat.room.release();
    dead_.push_back(std::move(seat.engine));
    if (seat.room)
      tools_.free_rooms_.push_back(std::move(seat.room));
  }
  around_.time.clear();
  out.print = around_.story.print();
  out.story = std::move(around_.story.text);
  return out;
}

verdict workshop::simulate(const plan& what, bool in_words) {
  return simulation{*this, what, in_words}.run();
}

} // namespace leasehold::sim
