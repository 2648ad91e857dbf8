#pragma once

// Between one engine's STORE and the database: takes time, loses answers, and
// sometimes nobody knows whether it was written.

#include "actors/store_runner.hpp"
#include "tests/simulation/surroundings.hpp"

#include <array>
#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

namespace leasehold::sim {

class faulty_runner : public store_runner {
public:
  /// Told of what has been written, before anybody else is.
  using listener = std::function<void(const std::vector<store_write>&,
                                      const std::vector<result<written>>&)>;

  /// Both must outlive everything that the agenda still holds.
  faulty_runner(surroundings& around, store& what, listener on_written);

  /// Some databases do, and some do not.
  [[nodiscard]] bool writes_beside() const override {
    return two_lanes_;
  }

  void write(std::shared_ptr<write_queue> from,
             std::function<void(write_outcomes)> then) override;

  void read(store_query question,
            std::function<void(result<store_answer>)> then) override;

  /// The engine has died: it hears of nothing any more. What is on its way may
  /// still be written.
  void cut();

private:
  using listening = std::function<void(write_outcomes)>;

  /// Tells how a batch went, after those before it in its lane.
  void answer(size_t lane, milliseconds delay, write_outcomes how,
              const listening& then);

  std::vector<result<written>> apply(const std::vector<store_write>& batch,
                                     const fault* wrong);

  /// Runs it later, unless the engine has died.
  void later(milliseconds delay, std::function<void()> what);

  surroundings& around_;
  store& store_;
  listener on_written_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  bool two_lanes_;
  /// When the last answer of each lane arrives.
  std::array<milliseconds, 2> answered_at_{};
};

} // namespace leasehold::sim
