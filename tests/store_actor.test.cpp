// Group commit: what waits is written together, and nobody is answered before.

#include "actors/store_actor.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/world.hpp"

#include <set>

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
