#include "tests/simulation/probe.hpp"

#include "tests/simulation/places.hpp"

namespace leasehold::sim {

namespace {

using ms = milliseconds;

/// Until when a lease has to be granted: the longest pause of a breaker or a
/// worker that crashes, and somewhat more.
constexpr ms probe_bound{450'000};
constexpr ms pause_of_probe{3'000};

} // namespace

probe::probe(surroundings& around, oracle& truth)
  : around_{around}, truth_{truth} {
  // nop
}

void probe::begin(const std::vector<engine_play*>& engines,
                  const std::vector<size_t>& where) {
  began_at_ = around_.time.now();
  left_ = engines.size() * where.size();
  for (auto* engine : engines)
    for (auto number : where)
      attempt(engine, number);
}

void probe::attempt(engine_play* engine, size_t where) {
  acquire_lease what;
  what.id = {"probe-" + std::to_string(++last_name_)};
  what.company = {"company-0"};
  what.environment = "env-" + std::to_string(where);
  what.run = {what.id.value + "-run"};
  truth_.line().on_asked(what, engine->self());
  engine->ask<lease_granted>(
    what, [=, this, id = what.id](const result<lease_granted>& how) {
      around_.note("probe", static_cast<uint64_t>(how.error().code), [&] {
        return "env-" + std::to_string(where) + " of " + engine->self().value
               + ": " + (how ? "is there" : how.error().message);
      });
      truth_.line().on_answered(id, how.error());
      on_answer(engine, where, how);
    });
}

void probe::on_answer(engine_play* engine, size_t where,
                      const result<lease_granted>& how) {
  if (how) {
    truth_.on_granted(*how, "company-0");
    truth_.on_end_asked(how->handle.id);
    release_lease over;
    over.lease = how->handle;
    return engine->ask<lease_ended>(
      over, [this](const result<lease_ended>&) { --left_; });
  }
  if (around_.time.now() > began_at_ + probe_bound) {
    auto limited = places().at(where).limits.leases_max > 0;
    return truth_.break_promise(
      limited ? 12 : 11, engine->self().value + " grants nothing in env-"
                           + std::to_string(where)
                           + ", although all is well: " + how.error().message);
  }
  around_.time.in(pause_of_probe, [=, this] { attempt(engine, where); });
}

} // namespace leasehold::sim
