#pragma once

// Two ways to put load on something that answers later: so many at a time
// (closed loop), or so many a second whether it keeps up or not (open loop).

#include "bench/load/histogram.hpp"
#include "messages/errors.hpp"

#include <cstddef>
#include <functional>
#include <map>
#include <string>

namespace leasehold::bench {

/// Tells how one piece of work went: `ec::none`, or why it failed. Any thread.
using finish = std::function<void(ec)>;

/// Starts one piece of work; the number tells them apart.
using work = std::function<void(uint64_t number, finish then)>;

struct load_result {
  /// Closed loop: from the first start to the last end. Open loop: the time in
  /// which work was started, less what does not count.
  double seconds = 0;
  /// What ended well in that time; and what ended well at all.
  uint64_t done = 0;
  uint64_t done_in_all = 0;
  uint64_t started = 0;
  /// How many failed, by the name of the error.
  std::map<std::string, uint64_t> errors;
  /// Of what ended well. In an open loop it counts from the moment at which the
  /// work was meant to start, so that a stall counts for all it holds up.
  histogram latency;

  [[nodiscard]] double rate() const {
    return seconds > 0 ? static_cast<double>(done) / seconds : 0;
  }
};

/// Keeps `in_flight` going for `seconds`; returns when all have ended. These
/// count, too: what comes in batches would else be rounded to them.
load_result closed_loop(size_t in_flight, double seconds, const work& what);

/// Does so many, `in_flight` at a time.
load_result closed_loop(size_t in_flight, uint64_t count, const work& what);

/// Starts `rate` a second at random moments (a Poisson process); returns when
/// all have ended. What ends in the first `warm_up` of these seconds does not
/// count.
load_result open_loop(double rate, double seconds, const work& what,
                      double warm_up = 0);

} // namespace leasehold::bench
