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
  choose(bug);
  for (uint64_t seed = 1; seed <= seeds_max && !out.seeds; ++seed)
    if (auto how = tools.simulate(make_plan(seed)); how.broken) {
      out.seeds = seed;
      out.broken = *how.broken;
    }
  choose(mutation::none);
  return out;
}

} // namespace leasehold::sim
