// Between the STORE and the database: which writes become one batch, on the
// threads that ship.

#include "actors/store_runner.hpp"

#include "actors/write_lanes.hpp"
#include "tests/support/catch.hpp"

#include <memory>
#include <semaphore>
#include <span>
#include <tuple>
#include <vector>

using namespace leasehold;

namespace {

/// Writes when the test says so.
class held_store : public store {
public:
  std::vector<result<written>>
  apply(std::span<const store_write> batch) override {
    begun.release();
    go_on.acquire();
    return {batch.size(), written{{1}, 0}};
  }

  result<store_answer> read(const store_query&) override {
    return store_answer{lease_rows{}};
  }

  std::counting_semaphore<> begun{0};
  std::counting_semaphore<> go_on{0};
};

/// Writes one batch while another is under way.
class broad_store : public store {
public:
  std::vector<result<written>>
  apply(std::span<const store_write> batch) override {
    begun.release();
    go_on.acquire();
    return {batch.size(), written{{1}, 0}};
  }

  [[nodiscard]] bool writes_beside() const override {
    return true;
  }

  std::vector<result<written>>
  apply_beside(std::span<const store_write> batch) override {
    return {batch.size(), written{{1}, 7}};
  }

  result<store_answer> read(const store_query&) override {
    return store_answer{lease_rows{}};
  }

  std::binary_semaphore begun{0};
  std::binary_semaphore go_on{0};
};

/// Tells of the first command only.
class sparing_store : public store {
public:
  std::vector<result<written>> apply(std::span<const store_write>) override {
    return {written{{1}, 7}};
  }

  result<store_answer> read(const store_query&) override {
    return store_answer{lease_rows{}};
  }
};

store_write any_write() {
  return remove_environment{{"x"}};
}

} // namespace

TEST_CASE("write_queue: who finds it idle has to begin", "[actors]") {
  write_queue queue;
  CHECK(queue.take().empty());
  CHECK(queue.push(any_write()));
  CHECK_FALSE(queue.push(any_write()));
  CHECK(queue.take().size() == 2);
  CHECK_FALSE(queue.push(any_write()));
  CHECK(queue.take().size() == 1);
  CHECK(queue.take().empty());
  CHECK(queue.push(any_write()));
}

TEST_CASE("write_queue: no batch is larger than one transaction may be",
          "[actors]") {
  write_queue queue;
  for (size_t i = 0; i < write_queue::batch_max + 5; ++i)
    std::ignore = queue.push(any_write());
  CHECK(queue.take().size() == write_queue::batch_max);
  CHECK(queue.take().size() == 5);
}

TEST_CASE("store_runner: what came meanwhile is written at once, together",
          "[actors]") {
  auto disk = std::make_shared<held_store>();
  std::vector<size_t> told;
  {
    auto runner = make_store_threads(disk);
    auto queue = std::make_shared<write_queue>();
    auto begin = [&] {
      runner->write(queue, [&](const write_outcomes& how) {
        told.push_back(how.outcomes.size());
      });
    };
    REQUIRE(queue->push(any_write()));
    begin();
    disk->begun.acquire();
    for (int i = 0; i < 3; ++i)
      REQUIRE_FALSE(queue->push(any_write()));
    disk->go_on.release();
    // Nobody has asked for this one.
    disk->begun.acquire();
    disk->go_on.release();
  }
  CHECK(told == std::vector<size_t>{1, 3});
}

TEST_CASE("store_runner: each lane has its own thread", "[actors]") {
  auto disk = std::make_shared<broad_store>();
  auto runner = make_store_threads(disk);
  REQUIRE(runner->writes_beside());
  std::binary_semaphore granted{0};
  std::vector<fence_no> told;
  auto others = std::make_shared<write_queue>(write_lanes::others);
  auto grants = std::make_shared<write_queue>(write_lanes::grants);
  REQUIRE(others->push(any_write()));
  runner->write(others, [&](const write_outcomes& how) {
    told.push_back(how.outcomes.at(0)->fence);
  });
  disk->begun.acquire();
  REQUIRE(grants->push(any_write()));
  runner->write(grants, [&](const write_outcomes& how) {
    told.push_back(how.outcomes.at(0)->fence);
    granted.release();
  });
  granted.acquire();
  disk->go_on.release();
  runner.reset();
  CHECK(told == std::vector<fence_no>{7, 0});
}

TEST_CASE(
  "store_runner: a command that the store says nothing about has failed, "
  "and nobody gets the answer of another",
  "[actors]") {
  auto runner = make_inline_runner(std::make_shared<sparing_store>());
  auto queue = std::make_shared<write_queue>();
  for (int i = 0; i < 3; ++i)
    std::ignore = queue->push(any_write());
  std::vector<result<written>> told;
  runner->write(queue, [&](const write_outcomes& how) { told = how.outcomes; });
  REQUIRE(told.size() == 3);
  CHECK(told[0].value().fence == 7);
  CHECK(told[1].error().code == ec::internal);
  CHECK(told[2].error().code == ec::internal);
}
