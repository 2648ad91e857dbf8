#include "tests/simulation/hunt.hpp"

namespace leasehold::sim {

namespace {

#ifdef LEASEHOLD_MUTATIONS
void choose(mutation bug) {
  chosen_mutation = bug;
}
#else
void choose(mutation) {
  // nop
}
#endif

} // namespace

catch_of_hunt hunt(workshop& tools, mutation bug, uint64_t seeds_max) {
  catch_of_hunt out;
  out.bug = bug;
  for (uint64_t seed = 1; seed <= seeds_max && !out.seeds; ++seed) {
    auto what = make_plan(seed);
    choose(bug);
    auto how = tools.simulate(what);
    choose(mutation::none);
    // What breaks without it as well says nothing about this bug.
    if (!how.broken || tools.simulate(what).broken)
      continue;
    out.seeds = seed;
    out.broken = *how.broken;
  }
  return out;
}

} // namespace leasehold::sim
