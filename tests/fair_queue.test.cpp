// Whose turn it is: a bounded queue that gives each company its share.

#include "actors/fair_queue.hpp"

#include "tests/support/catch.hpp"

#include <random>
#include <string>
#include <vector>

using namespace leasehold;

namespace {

const company_id flood{"flood"};
const company_id quiet{"quiet"};
const company_id third{"third"};

std::vector<int> drain(fair_queue<int>& queue) {
  std::vector<int> out;
  while (auto item = queue.pop())
    out.push_back(*item);
  return out;
}

} // namespace

TEST_CASE("fair_queue: one company's items keep their order", "[fair_queue]") {
  fair_queue<int> queue{10};
  for (auto i : {1, 2, 3})
    CHECK_FALSE(queue.push(flood, i));
  CHECK(queue.size() == 3);
  CHECK(drain(queue) == std::vector<int>{1, 2, 3});
  CHECK(queue.empty());
  CHECK_FALSE(queue.pop());
}

TEST_CASE("fair_queue: a quiet company does not wait for a flooding one",
          "[fair_queue]") {
  fair_queue<int> queue{1'000};
  for (auto i = 0; i < 500; ++i)
    queue.push(flood, i);
  queue.push(quiet, 1'000);
  queue.push(quiet, 1'001);
  CHECK(queue.pop() == 0);
  CHECK(queue.pop() == 1'000);
  CHECK(queue.pop() == 1);
  CHECK(queue.pop() == 1'001);
  CHECK(queue.pop() == 2);
}

TEST_CASE("fair_queue: companies take turns", "[fair_queue][promise-12]") {
  fair_queue<int> queue{100};
  for (auto i : {10, 11, 12})
    queue.push(flood, i);
  for (auto i : {20, 21})
    queue.push(quiet, i);
  queue.push(third, 30);
  CHECK(drain(queue) == std::vector<int>{10, 20, 30, 11, 21, 12});
}

TEST_CASE("fair_queue: who leaves and comes back waits for one turn",
          "[fair_queue]") {
  fair_queue<int> queue{100};
  for (auto i = 0; i < 4; ++i)
    queue.push(flood, i);
  queue.push(quiet, 10);
  CHECK(queue.pop() == 0);
  CHECK(queue.pop() == 10);
  queue.push(quiet, 11);
  CHECK(drain(queue) == std::vector<int>{1, 11, 2, 3});
}

TEST_CASE("fair_queue: a full queue takes nothing more", "[fair_queue]") {
  fair_queue<int> queue{2};
  queue.push(flood, 1);
  queue.push(flood, 2);
  CHECK(queue.push(flood, 3) == 3);
  CHECK(queue.size() == 2);
  CHECK(drain(queue) == std::vector<int>{1, 2});
  CHECK_FALSE(queue.push(flood, 4));
}

TEST_CASE("fair_queue: a flooding company does not keep a quiet one out",
          "[fair_queue][pb-12.2.28][promise-12]") {
  fair_queue<int> queue{4};
  for (auto i = 0; i < 4; ++i)
    queue.push(flood, i);
  // The one that came last gives way.
  CHECK(queue.push(quiet, 10) == 3);
  CHECK(queue.push(quiet, 11) == 2);
  CHECK(queue.size() == 4);
  // Now both have their share.
  CHECK(queue.push(quiet, 12) == 12);
  CHECK(queue.push(flood, 4) == 4);
  CHECK(drain(queue) == std::vector<int>{0, 10, 1, 11});
}

TEST_CASE("fair_queue: a queue without room has none for anybody",
          "[fair_queue]") {
  fair_queue<int> queue{0};
  CHECK(queue.push(flood, 1) == 1);
  CHECK_FALSE(queue.pop());
}

TEST_CASE("fair_queue: what goes in comes out once, or is handed back",
          "[sim]") {
  auto seed = GENERATE(range(1, 300));
  CAPTURE(seed);
  std::minstd_rand rng{static_cast<unsigned>(seed)};
  const company_id companies[]{flood, quiet, third};
  fair_queue<int> queue{1 + rng() % 8};
  std::vector<int> seen(200, 0);
  size_t inside = 0;
  for (auto i = 0; i < 200; ++i) {
    ++inside;
    if (auto left_over = queue.push(companies[rng() % 3], i)) {
      ++seen.at(static_cast<size_t>(*left_over));
      --inside;
    }
    if (rng() % 3 == 0)
      if (auto item = queue.pop()) {
        ++seen.at(static_cast<size_t>(*item));
        --inside;
      }
    REQUIRE(queue.size() == inside);
  }
  for (auto item : drain(queue))
    ++seen.at(static_cast<size_t>(item));
  CHECK(seen == std::vector<int>(200, 1));
}
