#pragma once

// Once all is well: whether a lease is to be had in the environments that a
// seed is about. A place that nobody gave back, or a breaker that stays open
// for ever, shows only then.

#include "tests/simulation/engine_play.hpp"
#include "tests/simulation/sim_oracle.hpp"

#include <string>
#include <vector>

namespace leasehold::sim {

class probe {
public:
  probe(surroundings& around, oracle& truth);

  /// Each engine is asked for a lease in each of these environments until it
  /// grants one.
  void begin(const std::vector<engine_play*>& engines,
             const std::vector<size_t>& where);

  /// Whether every one was granted, and is over.
  [[nodiscard]] bool is_done() const {
    return left_ == 0;
  }

private:
  void attempt(engine_play* engine, size_t where);
  void on_answer(engine_play* engine, size_t where,
                 const result<lease_granted>& how);

  surroundings& around_;
  oracle& truth_;
  milliseconds began_at_{0};
  size_t left_ = 0;
  size_t last_name_ = 0;
};

} // namespace leasehold::sim
