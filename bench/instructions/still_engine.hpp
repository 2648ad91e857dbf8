#pragma once

// An engine on one thread, in which time stands still: the shipped actors and
// drivers on a real SQLite file, with workers that are none. Whatever it does
// takes the same instructions each time.

#include "actors/front_actor.hpp"
#include "actors/janitor_actor.hpp"
#include "actors/store_actor.hpp"
#include "actors/supervisor_actor.hpp"
#include "actors/worker_gate.hpp"
#include "bench/instructions/played_worker.hpp"
#include "drivers/io_loop.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/support/world.hpp"

#include <cstddef>
#include <memory>
#include <string>

namespace leasehold::counting {

class gathering_runner;

class still_engine : private test::world {
public:
  still_engine();

  ~still_engine();

  /// Takes and releases so many leases in this environment, all at a time:
  /// `here` needs no resource, `sandbox` has a worker make one.
  void cycle(const std::string& environment, size_t leases);

  /// Makes so many calls to the worker, all at a time.
  void call_worker_with(const std::string& method, const json_text& params,
                        size_t calls);

private:
  services_ptr make_services();
  void set_up();

  /// Delivers messages, and reads and writes what they ask for, until nothing
  /// is left.
  void work();

  test::temp_dir folder_;
  /// Not running: nobody starts local commands here.
  io_loop loop_;
  played_launcher workers_;
  worker_gate gate_;
  size_t last_id_ = 0;
  std::shared_ptr<gathering_runner> runner_;
  services_ptr with_;
  front_ptr front_;
  store_actor store_;
  janitor_actor janitor_;
  supervisor_actor supervisor_;
};

} // namespace leasehold::counting
