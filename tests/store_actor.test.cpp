// Group commit: what waits is written together, and nobody is answered before.

#include "actors/store_actor.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/world.hpp"

#include <array>
#include <set>
#include <tuple>

using namespace leasehold;

namespace {

/// Keeps batches until the test lets them be written.
struct patient_runner : store_runner {
  std::vector<size_t> batches;

  void write(std::shared_ptr<write_queue> from,
             std::function<void(write_outcomes)> then) override {
    from_ = std::move(from);
    then_ = std::move(then);
    begin();
  }

  void read(store_query,
            std::function<void(result<store_answer>)> then) override {
    then(store_answer{lease_rows{}});
  }

  void finish(result<written> how = written{{1}, 0}) {
    auto done = batches.back();
    begin();
    then_({std::vector<result<written>>(done, how)});
  }

private:
  void begin() {
    if (auto batch = from_->take(); !batch.empty())
      batches.push_back(batch.size());
  }

  std::shared_ptr<write_queue> from_;
  std::function<void(write_outcomes)> then_;
};

/// Two lanes, each of which writes when the test lets it.
struct two_lane_runner : store_runner {
  [[nodiscard]] bool writes_beside() const override {
    return true;
  }

  void write(std::shared_ptr<write_queue> from,
             std::function<void(write_outcomes)> then) override {
    auto& its = lanes.at(from->lane());
    its.from = std::move(from);
    its.then = std::move(then);
  }

  void read(store_query,
            std::function<void(result<store_answer>)> then) override {
    then(store_answer{lease_rows{}});
  }

  /// Writes what waits in a lane; how many these were.
  size_t finish(size_t number) {
    auto& [from, then] = lanes.at(number);
    if (!from)
      return 0;
    auto count = from->take().size();
    if (count > 0)
      then({std::vector<result<written>>(count, written{{1}, number})});
    std::ignore = from->take();
    return count;
  }

  struct lane {
    std::shared_ptr<write_queue> from;
    std::function<void(write_outcomes)> then;
  };

  std::array<lane, 2> lanes;
};

struct storing : test::world {
  std::shared_ptr<patient_runner> runner = std::make_shared<patient_runner>();
  store_actor store = spawn_actor<store_state>(sys, runner);

  ~storing() {
    send_away(store);
    settle();
  }

  auto write() {
    return ask<written>(store, store_write{remove_environment{{"x"}}});
  }
};

} // namespace

TEST_CASE_METHOD(storing, "store: an idle store writes at once", "[actors]") {
  auto one = write();
  CHECK(runner->batches == std::vector<size_t>{1});
  CHECK_FALSE(one->arrived());
  runner->finish();
  settle();
  CHECK(one->value);
}

TEST_CASE_METHOD(storing, "store: what comes meanwhile is written together",
                 "[actors]") {
  auto first = write();
  auto second = write();
  auto third = write();
  CHECK(runner->batches == std::vector<size_t>{1});
  runner->finish();
  settle();
  CHECK(first->value);
  CHECK_FALSE(second->arrived());
  CHECK(runner->batches == std::vector<size_t>{1, 2});
  runner->finish();
  settle();
  CHECK(second->value);
  CHECK(third->value);
}

TEST_CASE_METHOD(storing,
                 "store: the next batch is begun before anybody hears of the "
                 "last one",
                 "[actors]") {
  auto first = write();
  auto second = write();
  runner->finish();
  CHECK(runner->batches == std::vector<size_t>{1, 1});
  CHECK_FALSE(first->arrived());
  settle();
  CHECK(first->value);
  auto third = write();
  runner->finish();
  runner->finish();
  settle();
  CHECK(second->value);
  CHECK(third->value);
}

TEST_CASE_METHOD(storing, "store: a batch has its limit", "[actors]") {
  write();
  for (size_t i = 0; i < write_queue::batch_max + 5; ++i)
    write();
  runner->finish();
  settle();
  runner->finish();
  settle();
  CHECK(runner->batches == std::vector<size_t>{1, write_queue::batch_max, 5});
  runner->finish();
  settle();
}

TEST_CASE_METHOD(storing,
                 "store: a batch that fails fails for everybody in "
                 "it",
                 "[actors][promise-6]") {
  auto one = write();
  runner->finish(failure{ec::store_unavailable, "The disk is full.", {}});
  settle();
  CHECK(one->error.code == ec::store_unavailable);
  auto two = write();
  runner->finish();
  settle();
  CHECK(two->value);
}

// -- two lanes ----------------------------------------------------------------

namespace {

struct storing_in_lanes : test::world {
  std::shared_ptr<two_lane_runner> runner = std::make_shared<two_lane_runner>();
  store_actor store = spawn_actor<store_state>(sys, runner);

  ~storing_in_lanes() {
    send_away(store);
    settle();
  }

  auto grant(const std::string& id) {
    insert_lease what;
    what.row.id = {id};
    return ask<written>(store, store_write{what});
  }

  auto end(const std::string& id) {
    return ask<written>(store, store_write{end_lease{.lease = {{id}}}});
  }
};

} // namespace

TEST_CASE_METHOD(storing_in_lanes,
                 "store: what ends does not wait for what begins, if the "
                 "database can do both",
                 "[actors]") {
  auto begins = grant("a");
  auto ends = end("b");
  CHECK(runner->finish(write_lanes::others) == 1);
  settle();
  CHECK(ends->value);
  CHECK_FALSE(begins->arrived());
  CHECK(runner->finish(write_lanes::grants) == 1);
  settle();
  CHECK(begins->value);
}

TEST_CASE_METHOD(storing_in_lanes,
                 "store: writes on one lease keep their order in two lanes",
                 "[actors]") {
  auto begins = grant("a");
  auto ends = end("a");
  CHECK(runner->finish(write_lanes::others) == 0);
  CHECK(runner->finish(write_lanes::grants) == 2);
  settle();
  CHECK(begins->value);
  CHECK(ends->value);
  // Nothing is on its way any more.
  auto again = end("a");
  CHECK(runner->finish(write_lanes::others) == 1);
  settle();
  CHECK(again->value);
}

TEST_CASE("write_lanes: what takes a fence goes apart from all else",
          "[actors]") {
  write_lanes lanes;
  CHECK(lanes.choose(take_fence{{"a"}}) == write_lanes::grants);
  CHECK(lanes.choose(adopt_late{{"b"}}) == write_lanes::grants);
  CHECK(lanes.choose(reacquire_lease{.lease = {{"c"}}}) == write_lanes::grants);
  CHECK(lanes.choose(record_cleanup{{"d"}}) == write_lanes::others);
  CHECK(lanes.choose(activate_lease{.lease = {{"e"}}}) == write_lanes::others);
  CHECK(lanes.choose(remove_environment{{"f"}}) == write_lanes::others);
}

TEST_CASE("write_lanes: a lease's commands follow the last one that is on its "
          "way",
          "[actors]") {
  write_lanes lanes;
  end_lease end{.lease = {{"a"}}};
  CHECK(lanes.choose(end) == write_lanes::others);
  CHECK(lanes.choose(take_fence{{"a"}}) == write_lanes::others);
  lanes.answered({"a"});
  CHECK(lanes.choose(take_fence{{"a"}}) == write_lanes::others);
  lanes.answered({"a"});
  lanes.answered({"a"});
  CHECK(lanes.choose(take_fence{{"a"}}) == write_lanes::grants);
  lanes.answered({});
}
