// Random walks through the janitor's sweeps: a store that does not answer or
// refuses, other engines that are faster, providers that fail, runs that come
// back, and new debts at any time. Whatever the order, no more cleanups are
// under way than allowed, none twice at a time, and once faults stop nothing is
// left.

#include "actors/sweeps.hpp"

#include "tests/support/catch.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <random>
#include <string>

using namespace leasehold;

namespace {

namespace event = sweep_event;
namespace effect = sweep_effect;

constexpr uint32_t batch_max = 4;

sweep_options small_options() {
  sweep_options out;
  out.batch_max = batch_max;
  out.orphan_interval = milliseconds{1'000};
  out.sweep_interval = milliseconds{5'000};
  out.cleanup = {milliseconds{100}, milliseconds{800}, 6};
  return out;
}

/// The store, the providers and the other engines around one janitor.
class world_model {
public:
  explicit world_model(unsigned seed) : rng_{seed} {
    now_.self = {"engine-1"};
    now_.options = small_options();
    for (auto i = roll(12); i > 0; --i)
      add_orphan();
    for (auto i = roll(12); i > 0; --i)
      add_debt();
    for (auto i = roll(4); i > 0; --i)
      add_parked();
  }

  void run() {
    feed(event::started{});
    for (auto i = 0; i < 150; ++i)
      step_once();
    faults_ = false;
    // Long enough for every pause and every attempt.
    for (auto i = 0; i < 20'000 && !is_over(); ++i)
      step_once();
    CHECK(is_over());
    CHECK(is_settled(now_));
    for (const auto& [id, row] : rows_)
      check_end(row);
  }

private:
  unsigned roll(unsigned sides) {
    return static_cast<unsigned>(rng_() % sides);
  }

  bool fails() {
    return faults_ && roll(4) == 0;
  }

  lease_row& new_row(lease_status status) {
    auto id = "lease-" + std::to_string(rows_.size() + 1);
    auto& row = rows_[id];
    row.id = {id};
    row.status = status;
    row.exclusive = true;
    row.resource = {"box-" + id};
    row.owner = {"engine-9"};
    row.updated_at = time_;
    return row;
  }

  void add_orphan() {
    auto& row = new_row(lease_status::active);
    if (roll(2) == 0) {
      row.run = {"run"};
      row.reattach_grace = milliseconds{300};
    }
  }

  void add_debt() {
    auto& row = new_row(lease_status::failed);
    row.cleanup = cleanup_status::failed;
    row.next_cleanup_at = time_ + milliseconds{roll(500)};
  }

  void add_parked() {
    auto& row = new_row(lease_status::released);
    row.parked = true;
    if (roll(3) > 0)
      row.deadline_at = time_ + milliseconds{roll(900)};
  }

  static void check_end(const lease_row& row) {
    INFO(row.id.value);
    CHECK(has_ended(row.status));
    if (row.parked)
      CHECK_FALSE(row.deadline_at);
    else if (row.cleanup == cleanup_status::failed)
      // It was given up, which is to be seen.
      CHECK(row.cleanup_attempts == small_options().cleanup.attempts_max);
    else
      CHECK(row.cleanup == cleanup_status::success);
  }

  /// Whether only timers are left, and nothing that they could find.
  [[nodiscard]] bool is_over() const {
    if (!todo_.empty() || !now_.resolved || now_.looking)
      return false;
    return std::none_of(rows_.begin(), rows_.end(),
                        [](const auto& entry) {
                          const auto& row = entry.second;
                          return !has_ended(row.status)
                                 || row.next_cleanup_at.has_value()
                                 || (row.parked && row.deadline_at.has_value());
                        })
           && is_settled(now_);
  }

  void step_once() {
    if (faults_ && roll(40) == 0)
      add_debt();
    if (faults_ && roll(60) == 0)
      feed(event::sweep_due{});
    if (faults_ && roll(30) == 0)
      interfere();
    if (!todo_.empty() && roll(3) > 0)
      return do_something();
    // Nothing happens for a while.
    time_.ms += todo_.empty() ? 50 : 5;
    if (sweep_at_ && *sweep_at_ <= time_) {
      sweep_at_.reset();
      feed(event::sweep_due{});
    }
    if (orphans_at_ && *orphans_at_ <= time_) {
      orphans_at_.reset();
      feed(event::orphans_due{});
    }
  }

  /// Another engine, or a run, does something to one of the rows.
  void interfere() {
    auto pos = std::next(rows_.begin(), roll(static_cast<unsigned>(
                                          std::max<size_t>(1, rows_.size()))));
    if (pos == rows_.end())
      return;
    auto& row = pos->second;
    if (row.status == lease_status::active)
      end(row);
    else if (row.parked)
      claim(row);
    else if (row.cleanup == cleanup_status::failed)
      settle(row);
  }

  static void claim(lease_row& row) {
    row.parked = false;
    row.deadline_at.reset();
    row.cleanup = cleanup_status::success;
  }

  static void settle(lease_row& row) {
    row.cleanup = cleanup_status::success;
    row.next_cleanup_at.reset();
  }

  void end(lease_row& row) const {
    row.status = lease_status::failed;
    row.deadline_at.reset();
    row.cleanup = cleanup_status::failed;
    row.next_cleanup_at = time_;
  }

  void do_something() {
    auto pos = todo_.begin() + roll(static_cast<unsigned>(todo_.size()));
    auto wish = std::move(*pos);
    todo_.erase(pos);
    std::visit([this](const auto& x) { perform(x); }, wish);
  }

  void feed(const event::any& what) {
    auto [next, effects] = step(std::move(now_), what);
    now_ = std::move(next);
    CHECK(now_.under_way.size() <= batch_max);
    for (auto& x : effects)
      note(std::move(x));
  }

  /// Timers are armed at once; all else takes its time.
  void note(effect::any x) {
    if (auto* arm = std::get_if<effect::arm_sweep>(&x)) {
      auto at = time_ + arm->in;
      if (!arm->sooner_only || !sweep_at_ || at < *sweep_at_)
        sweep_at_ = at;
    } else if (auto* orphans = std::get_if<effect::arm_orphans>(&x)) {
      orphans_at_ = time_ + orphans->in;
    } else if (!std::holds_alternative<effect::say>(x)
               && !std::holds_alternative<effect::check_settled>(x)) {
      todo_.push_back(std::move(x));
    }
  }

  template <class Predicate>
  lease_rows select(uint32_t limit, Predicate wanted) const {
    lease_rows out{time_, {}};
    for (const auto& [id, row] : rows_)
      if (out.rows.size() < limit && wanted(row))
        out.rows.push_back(row);
    return out;
  }

  /// Those with the soonest of these times.
  template <class Predicate>
  lease_rows first(uint32_t limit, std::optional<timestamp> lease_row::*when,
                   Predicate wanted) const {
    auto out = select(
      UINT32_MAX, [&](const auto& row) { return row.*when && wanted(row); });
    std::sort(
      out.rows.begin(), out.rows.end(),
      [when](const auto& a, const auto& b) { return a.*when < b.*when; });
    if (out.rows.size() > limit)
      out.rows.resize(limit);
    return out;
  }

  // -- effects ----------------------------------------------------------------

  void perform(const effect::list_orphans& x) {
    CHECK(x.limit == batch_max);
    if (fails())
      return feed(event::orphans_unlisted{{ec::store_unavailable, "No."}});
    feed(event::orphans_listed{select(x.limit, [this](const auto& row) {
      return row.status == lease_status::active
             && (!row.deadline_at || *row.deadline_at <= time_);
    })});
  }

  void perform(const effect::settle_orphan& x) {
    auto& row = rows_.at(x.lease.value);
    result<> how = done{};
    if (fails())
      how = failure{ec::store_unavailable, "No."};
    else if (row.status != lease_status::active)
      how = failure{ec::conflict, "Somebody was faster."};
    else if (auto* wait = std::get_if<await_run>(&x.what))
      row.deadline_at = time_ + wait->grace;
    else
      end(row);
    feed(event::orphan_written{x.lease, how});
  }

  void perform(const effect::ask& x) {
    if (fails())
      return feed(event::unlisted{});
    if (auto* owed = std::get_if<list_scheduled_cleanups>(&x.what))
      return feed(event::listed{
        first(owed->limit, &lease_row::next_cleanup_at, [](const auto& row) {
          return row.cleanup == cleanup_status::failed && !row.parked;
        })});
    auto& parked = std::get<list_parked_until>(x.what);
    feed(event::listed{first(parked.limit, &lease_row::deadline_at,
                             [](const auto& row) { return row.parked; })});
  }

  void perform(const effect::clean& x) {
    CHECK(now_.under_way.contains(x.row.id));
    CHECK(++cleaning_[x.row.id] == 1);
    result<> how = done{};
    if (fails())
      how = failure{ec::provider_refused, "No."};
    --cleaning_[x.row.id];
    feed(event::tried{x.row, how, 0.5});
  }

  void perform(const effect::record& x) {
    auto& row = rows_.at(x.row.id.value);
    if (fails() || row.cleanup != cleanup_status::failed)
      return feed(event::unrecorded{x.row.id});
    ++row.cleanup_attempts;
    row.cleanup = x.what.outcome;
    row.next_cleanup_at.reset();
    if (x.what.next_cleanup_in)
      row.next_cleanup_at = time_ + *x.what.next_cleanup_in;
    feed(event::recorded{x.row.id, x.what.next_cleanup_in});
  }

  void perform(const effect::give_up_parked& x) {
    auto& row = rows_.at(x.what.lease.value);
    if (fails() || !row.parked)
      return;
    claim(row);
    row.cleanup = cleanup_status::failed;
    row.next_cleanup_at = time_;
    feed(event::sweep_due{});
  }

  template <class T>
  void perform(const T&) {
    FAIL("nobody asked for that");
  }

  std::mt19937 rng_;
  sweeps now_;
  timestamp time_{1'000};
  bool faults_ = true;
  std::map<std::string, lease_row> rows_;
  std::vector<effect::any> todo_;
  std::map<lease_id, int> cleaning_;
  std::optional<timestamp> sweep_at_;
  std::optional<timestamp> orphans_at_;
};

} // namespace

TEST_CASE("sweeps: whatever happens, nothing is left in the end",
          "[sweeps][sim][promise-3]") {
  for (unsigned seed = 1; seed <= 500; ++seed) {
    CAPTURE(seed);
    world_model{seed}.run();
  }
}
