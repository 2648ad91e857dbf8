// What actors leave with other threads comes back to them.

#include "actors/mail.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/world.hpp"

#include <caf/event_based_actor.hpp>

#include <memory>

using namespace leasehold;

namespace {

/// An actor that lends `held` out with a continuation.
struct lending : test::world {
  std::shared_ptr<int> held = std::make_shared<int>(0);
  completion<int> then;

  lending() {
    spawn([this](caf::event_based_actor* self) {
      then = back_to<int>(self,
                          [kept = held](result<int> x) { *kept = x.value(); });
      return caf::behavior{[](int) {}};
    });
    settle();
  }

  [[nodiscard]] bool is_lent() const {
    return held.use_count() > 1;
  }
};

} // namespace

TEST_CASE_METHOD(lending, "mail: a continuation runs in its actor",
                 "[actors]") {
  then(7);
  CHECK(*held == 0);
  settle();
  CHECK(*held == 7);
}

TEST_CASE_METHOD(lending,
                 "mail: whoever called a continuation has nothing of it left",
                 "[actors]") {
  auto copy = then;
  then(7);
  settle();
  CHECK_FALSE(is_lent());
  // A second call has nothing to call.
  copy(8);
  settle();
  CHECK(*held == 7);
}

TEST_CASE_METHOD(lending,
                 "mail: a continuation that is dropped ends in its actor",
                 "[actors]") {
  then = nullptr;
  CHECK(is_lent());
  settle();
  CHECK_FALSE(is_lent());
}
