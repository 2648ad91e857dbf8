// Questions that may wait for long: each is answered once, in any order, or
// dropped, whoever else waits.

#include "actors/front_actor.hpp"
#include "actors/store_actor.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/world.hpp"

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

using namespace leasehold;

namespace {

/// Answers questions when the test says so, in the order that it wants.
struct held_reader : store_runner {
  std::vector<std::function<void(result<store_answer>)>> asked;

  void write(std::shared_ptr<write_queue> from,
             std::function<void(write_outcomes)> then) override {
    then({{from->take().size(), written{{1}, 0}}});
    std::ignore = from->take();
  }

  void read(store_query,
            std::function<void(result<store_answer>)> then) override {
    asked.push_back(std::move(then));
  }
};

struct asking : test::world {
  std::shared_ptr<held_reader> runner = std::make_shared<held_reader>();
  store_actor store = spawn_actor<store_state>(sys, runner);
  front_desk front{sys};
  std::vector<std::string> told;

  ~asking() {
    runner->asked.clear();
    front.close();
    send_away(store);
    settle();
  }

  void ask(const std::string& name) {
    front.ask<store_answer>(
      store, store_query{list_plugins{}},
      [this, name](const result<store_answer>& x) {
        told.push_back(name + ": " + (x ? "answered" : x.error().message));
      });
    settle();
  }

  void answer(size_t which, result<store_answer> how = store_answer{}) {
    std::exchange(runner->asked.at(which), {})(std::move(how));
    settle();
  }
};

using texts = std::vector<std::string>;

} // namespace

TEST_CASE_METHOD(asking, "correspondence: answers come in any order, once",
                 "[actors]") {
  ask("one");
  ask("two");
  ask("three");
  CHECK(told.empty());
  answer(1);
  answer(2);
  answer(0);
  CHECK(told == texts{"two: answered", "three: answered", "one: answered"});
}

TEST_CASE_METHOD(asking, "correspondence: a failure is an answer, too",
                 "[actors]") {
  ask("one");
  answer(0, failure{ec::store_unavailable, "The disk is full.", {}});
  CHECK(told == texts{"one: The disk is full."});
}

TEST_CASE_METHOD(asking, "correspondence: an actor that is gone is heard of",
                 "[actors]") {
  send_away(store);
  settle();
  ask("one");
  CHECK(told == texts{"one: An actor of the engine did not answer."});
}

TEST_CASE_METHOD(asking,
                 "correspondence: one that goes with a question "
                 "unanswered is heard of",
                 "[actors]") {
  ask("one");
  runner->asked.clear();
  send_away(store);
  settle();
  CHECK(told == texts{"one: An actor of the engine did not answer."});
}

TEST_CASE_METHOD(asking, "correspondence: who is closed hears nothing any more",
                 "[actors]") {
  auto kept = std::make_shared<int>(0);
  front.ask<store_answer>(store, store_query{list_plugins{}},
                          [this, kept](const result<store_answer>&) {
                            told.emplace_back("answered");
                          });
  settle();
  CHECK(kept.use_count() > 1);
  front.close();
  CHECK(kept.use_count() == 1);
  answer(0);
  CHECK(told.empty());
}
