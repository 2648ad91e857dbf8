// Random walks through a placement: a driver that answers late, never or with
// an error, a store that refuses or does not say, others who end the row, and a
// run that gives up when it likes. Whatever the order, the run is answered once
// and no resource is lost.

#include "actors/placement.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/machine_words.hpp"

#include <algorithm>
#include <functional>
#include <map>
#include <random>

using namespace leasehold;

namespace {

namespace effect = placement_effect;
namespace event = placement_event;
using fate = give_up_resource::fate;

/// What the store says about the lease that the run has already.
enum class own_state { none, active, ended };

const std::string own_name = "own-box";

enum class row_state { none, acquiring, active, failed };

/// What the store says about the lease to be.
struct row_model {
  row_state state = row_state::none;
  std::string resource;
  bool owed = false;
};

/// What the store says about a resource that waits.
enum class parked_state { parked, claimed, gone, owed };

/// The store, the driver and the environment around one placement.
class world_model {
public:
  explicit world_model(unsigned seed) : rng_{seed} {
    now_.lease = {"lease-new"};
    for (size_t i = roll(3); i > 0; --i)
      offer("box-" + std::to_string(i));
    if (one_in(3))
      own_ = own_state::active;
    // One that somebody else has claimed already: the index does not know.
    if (!index_.empty() && one_in(3))
      parked_[index_.back().lease.value] = parked_state::claimed;
    if (one_in(4))
      name_what_is_wanted();
  }

  void run() {
    if (named_)
      feed(event::asked_back{*named_, resumable_plan()});
    else
      feed(event::opened{});
    for (auto i = 0; i < 60; ++i)
      stir();
    // Time passes: whatever can still happen does.
    while (!todo_.empty() || !unanswered_.empty())
      if (!todo_.empty())
        take(todo_)();
      else
        answer();
  }

  void check() {
    CHECK(is_finished(now_));
    CHECK(answers_ == 1);
    CHECK(disposals_[own_name] == 0);
    check_row();
    for (const auto& name : born_)
      check_born(name);
    for (const auto& [lease, state] : parked_)
      check_parked(lease, state);
  }

private:
  using task = std::function<void()>;

  size_t roll(size_t n) {
    return rng_() % n;
  }

  bool one_in(size_t n) {
    return roll(n) == 0;
  }

  template <class T>
  T take(std::vector<T>& from) {
    auto pos = from.begin() + static_cast<long>(roll(from.size()));
    auto out = std::move(*pos);
    from.erase(pos);
    return out;
  }

  /// The run wants one resource and no other: its own, one of those that wait,
  /// or one that was kept, which no index has.
  void name_what_is_wanted() {
    if (own_ == own_state::active) {
      named_ = own_claim();
    } else if (!index_.empty() && one_in(2)) {
      named_ = index_.front();
    } else {
      offer("kept");
      named_ = index_.back();
      named_->kept = true;
      index_.pop_back();
    }
  }

  [[nodiscard]] parked_resource own_claim() const {
    return {{"lease-own"}, {own_name}, {}, {}, {}, {}, 1 + fences_};
  }

  static lease_plan resumable_plan() {
    lease_plan out;
    out.makes_resource = true;
    return out;
  }

  void offer(const std::string& name) {
    parked_resource what;
    what.lease = {"lease-" + name};
    what.resource = {name};
    parked_[what.lease.value] = parked_state::parked;
    index_.push_back(std::move(what));
  }

  void feed(const event::any& what) {
    auto [next, effects] = step(now_, what);
    now_ = std::move(next);
    for (const auto& wish : effects)
      std::visit([this](const auto& x) { perform(x); }, wish);
  }

  /// Something happens, of its own accord.
  void stir() {
    switch (roll(12)) {
      case 0:
        return feed(event::timed_out{now_.attempt});
      case 1:
        if (one_in(4))
          feed(event::cancelled{});
        return;
      case 2:
        // An operator destroys the lease while it is being acquired.
        if (one_in(6) && row_.state == row_state::acquiring)
          row_.state = row_state::failed, row_.owed = true;
        else if (one_in(6) && own_ == own_state::active)
          own_ = own_state::ended;
        return;
      case 3:
      case 4:
        if (!unanswered_.empty())
          answer();
        return;
      default:
        if (!todo_.empty())
          take(todo_)();
    }
  }

  // -- the driver -------------------------------------------------------------

  struct pending_call {
    attempt_no attempt;
    /// Empty if something new is made.
    std::string resumes;
  };

  void answer() {
    auto call = take(unanswered_);
    static constexpr ec reasons[]{ec::provider_refused, ec::worker_lost,
                                  ec::call_timed_out, ec::resource_gone};
    if (one_in(3))
      return feed(event::refused{
        call.attempt, {reasons[roll(std::size(reasons))], "No.", {}}});
    auto name = call.resumes;
    if (name.empty() || one_in(8)) {
      name = "born-" + std::to_string(born_.size());
      born_.push_back(name);
    }
    feed(event::came_up{call.attempt, {{name}, {}, {}}});
  }

  void call(attempt_no attempt, std::string resumes) {
    CHECK((!named_ || !resumes.empty()));
    if (resumes == own_name)
      CHECK(fences_ == (named_ ? 0 : 1));
    else
      CHECK(row_.state != row_state::none);
    CHECK_FALSE(now_.cancelled);
    unanswered_.push_back({attempt, std::move(resumes)});
  }

  void perform(const effect::resume& x) {
    call(x.attempt, now_.claim->resource.value);
  }

  void perform(const effect::acquire& x) {
    call(x.attempt, {});
  }

  // -- the store --------------------------------------------------------------

  /// Writes some time later, if `guard` holds then and the store is well.
  void write(std::function<bool()> guard, task change) {
    todo_.push_back([this, guard, change] {
      auto fails = [this](ec code) {
        store_failed_ = store_failed_ || code != ec::conflict;
        feed(event::unrecorded{{code, "The store said so.", {}}});
      };
      if (one_in(10))
        return fails(ec::store_unavailable);
      if (!guard())
        return fails(ec::conflict);
      change();
      if (one_in(15))
        return fails(ec::commit_unknown);
      feed(event::recorded{});
    });
  }

  bool is_acquiring() const {
    return row_.state == row_state::acquiring;
  }

  bool is_held() const {
    return is_acquiring() || row_.state == row_state::active;
  }

  /// The run's own lease gets a new fence.
  void take_again() {
    write([this] { return own_ == own_state::active; }, [this] { ++fences_; });
  }

  void perform(const effect::record&) {
    auto claim = now_.claim;
    if (claim && claim->held_under != 0)
      return take_again();
    auto makes = now_.plan.makes_resource;
    auto guard = [this, claim] {
      return !claim || parked_.at(claim->lease.value) == parked_state::parked;
    };
    write(guard, [this, claim, makes] {
      row_.state = makes ? row_state::acquiring : row_state::active;
      row_.resource = claim ? claim->resource.value : "";
      if (claim) {
        parked_[claim->lease.value] = parked_state::claimed;
        claimed_ = claim->lease.value;
      }
    });
  }

  void perform(const effect::abandon& x) {
    CHECK(x.claim.resource.value == own_name);
    CHECK_FALSE(now_.cancelled);
    todo_.push_back([this] {
      own_ = own_state::ended;
      feed(event::recorded{});
    });
  }

  void perform(const effect::give_up& x) {
    write([this] { return is_acquiring(); },
          [this, x] {
            row_.resource.clear();
            claimed_.clear();
            parked_[x.claim.lease.value]
              = x.fate == fate::gone   ? parked_state::gone
                : x.fate == fate::owed ? parked_state::owed
                                       : parked_state::parked;
            CHECK((!named_ || x.fate != fate::owed));
          });
  }

  void perform(const effect::confirm& x) {
    write([this] { return is_acquiring(); },
          [this, name = x.ready.resource.value] {
            row_.state = row_state::active;
            row_.resource = name;
          });
  }

  void perform(const effect::end& x) {
    write([this] { return is_held(); },
          [this, x] {
            row_.state = row_state::failed;
            row_.owed = x.owed;
            if (!x.resource.empty())
              row_.resource = x.resource.value;
          });
  }

  // -- everybody else ---------------------------------------------------------

  void perform(const effect::make_plan&) {
    todo_.push_back([this] {
      if (one_in(10))
        return feed(event::unplannable{{ec::worker_not_ready, "No.", {}}});
      lease_plan plan;
      plan.makes_resource = !one_in(6);
      if (plan.makes_resource && !one_in(3))
        plan.policy = lease_policy::reuse_by_environment;
      plan.preserve_on_resume_failure = one_in(3);
      feed(event::planned{plan});
    });
  }

  void perform(const effect::choose&) {
    todo_.push_back([this] {
      std::optional<parked_resource> found;
      if (own_ == own_state::active)
        found = own_claim();
      else if (!index_.empty())
        found = take(index_);
      feed(event::chosen{found});
    });
  }

  void perform(const effect::give_back& x) {
    CHECK_FALSE(x.what.kept);
    // Parking what is there already moves it.
    std::erase_if(index_,
                  [&](const auto& y) { return y.lease == x.what.lease; });
    index_.push_back(x.what);
  }

  void perform(const effect::dispose& x) {
    CHECK_FALSE(x.resource.empty());
    ++disposals_[x.resource.value];
  }

  void perform(const effect::report_owed& x) {
    // Whoever is told to clean up finds something to do.
    if (x.lease == now_.lease)
      CHECK(row_.owed);
    else
      CHECK(parked_.at(x.lease.value) == parked_state::owed);
  }

  void perform(const effect::grant&) {
    ++answers_;
    CHECK_FALSE(now_.cancelled);
    if (now_.claim && now_.claim->held_under != 0) {
      // Its own actor may be ending it by now, but nobody else has it.
      CHECK(fences_ == 1);
      return;
    }
    granted_ = true;
    CHECK(row_.state == row_state::active);
  }

  void perform(const effect::deny& x) {
    ++answers_;
    CHECK(x.why.code != ec::none);
  }

  // -- what must hold ---------------------------------------------------------

  /// Whether the row was left as it is because the store did not write.
  bool stranded() const {
    return store_failed_ && is_held() && !granted_;
  }

  void check_row() {
    if (granted_) {
      CHECK(row_.state == row_state::active);
      CHECK(row_.resource == now_.resource.value);
    } else if (!stranded()) {
      CHECK((row_.state == row_state::none || row_.state == row_state::failed));
    }
  }

  void check_born(const std::string& name) {
    CAPTURE(name, row_.resource, disposals_[name]);
    auto is_named = row_.resource == name;
    auto is_granted = granted_ && is_named;
    auto is_owed = row_.state == row_state::failed && row_.owed && is_named;
    auto is_disposed = disposals_[name] > 0;
    CHECK((is_granted || is_owed || is_disposed));
    CHECK_FALSE((is_granted && is_disposed));
    CHECK(disposals_[name] <= 1);
  }

  void check_parked(const std::string& lease, parked_state state) {
    CAPTURE(lease, row_.resource);
    auto in_index
      = std::count_if(index_.begin(), index_.end(),
                      [&](const auto& x) { return x.lease.value == lease; });
    CHECK(in_index <= 1);
    auto name = lease.substr(std::string{"lease-"}.size());
    if (lease == claimed_) {
      // This row has it now: as its own, or as what is to be cleaned up.
      CHECK(row_.resource == name);
      CHECK((granted_ || row_.owed || stranded()));
      CHECK((granted_ ? disposals_[name] == 0 : true));
    } else if (state == parked_state::parked) {
      CHECK(disposals_[name] == 0);
      auto is_kept = named_ && named_->kept && named_->lease.value == lease;
      CHECK((in_index == (is_kept ? 0 : 1) || store_failed_));
    } else if (!named_) {
      // Who names a resource does not take it out of the index; whoever is
      // given it from there loses the claim and tries the next.
      CHECK((in_index == 0 || store_failed_ || state == parked_state::claimed));
    }
  }

  std::minstd_rand rng_;
  placement now_;
  row_model row_;
  std::map<std::string, parked_state> parked_;
  /// The lease whose resource the row took over.
  std::string claimed_;
  std::vector<parked_resource> index_;
  /// What the run wants and nothing else.
  std::optional<parked_resource> named_;
  std::vector<task> todo_;
  std::vector<pending_call> unanswered_;
  std::vector<std::string> born_;
  std::map<std::string, int> disposals_;
  own_state own_ = own_state::none;
  fence_no fences_ = 0;
  int answers_ = 0;
  bool granted_ = false;
  bool store_failed_ = false;
};

} // namespace

TEST_CASE("placement: no order of events loses a resource",
          "[sim][promise-1]") {
  auto seed = GENERATE(range(1, 3000));
  CAPTURE(seed);
  world_model world{static_cast<unsigned>(seed)};
  world.run();
  world.check();
}
