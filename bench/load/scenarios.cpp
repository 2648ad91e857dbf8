// The list of all scenarios, in the order in which they run.

#include "bench/load/scenario.hpp"

#include <array>

namespace leasehold::bench {

namespace {

const auto all = std::array{
  scenario{"floors",
           "what the disk, a pipe, an actor and a bare process cost here",
           run_floors, false},
  scenario{"lease-cycle",
           "acquire and release: inside the engine, through a worker, in "
           "bubblewrap",
           run_lease_cycle},
  scenario{"reuse",
           "what an acquire costs with many leases on record and many "
           "resources waiting",
           run_reuse},
  scenario{"worker-rpc", "calls to a plugin worker, beside a bare pipe",
           run_worker_rpc, false},
  scenario{"stream", "output of commands, through a worker and of this host",
           run_stream, false},
  scenario{"idle", "memory and processor time of 100 000 live leases",
           run_idle},
  scenario{"expiry", "how late leases end while 100 000 have deadlines",
           run_expiry},
  scenario{"worker-recovery",
           "a worker is killed: until the next call succeeds",
           run_worker_recovery, false},
  scenario{"engine-recovery",
           "an engine with 10 000 live leases is killed: until the next one "
           "serves, until all are resolved",
           run_engine_recovery},
  scenario{"fairness", "a quiet company beside one that floods", run_fairness},
  scenario{"scale", "more environments, more threads", run_scale},
  scenario{"overload", "twice as many leases a second as can be had",
           run_overload},
};

} // namespace

std::span<const scenario> scenarios() {
  return all;
}

} // namespace leasehold::bench
