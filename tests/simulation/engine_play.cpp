#include "tests/simulation/engine_play.hpp"

#include "drivers/sandbox_driver.hpp"
#include "drivers/secret_source.hpp"

namespace leasehold::sim {

namespace {

/// No config of the simulation names a secret.
class no_secrets : public secret_source {
public:
  void resolve(std::vector<secret_request> what,
               completion<std::vector<std::string>> then) override {
    if (what.empty())
      return then(std::vector<std::string>{});
    then(failure{ec::unknown_secret, "Secret not found"});
  }
};

no_secrets nobody_knows;

} // namespace

services_ptr engine_play::make_services() {
  auto out = std::make_shared<services>();
  auto* around = &where_.around;
  auto name = where_.self.value;
  out->self = where_.self;
  out->secrets = &nobody_knows;
  out->dice = [this] { return chance_.unit(); };
  out->make_id
    = [this, name] { return name + "-id-" + std::to_string(++last_id_); };
  out->observe = [around, name, alive = alive_](const transition& x) {
    if (*alive)
      around->note("change", x.to.size(), [&] {
        return name + ": " + std::string{x.kind} + " " + x.subject + ": "
               + x.from + " -> " + x.to + (x.note.empty() ? "" : ", " + x.note);
      });
  };
  out->log = [around, name, alive = alive_](log_rank, std::string_view text) {
    if (*alive)
      around->note("log", text.size(),
                   [&] { return name + ": " + std::string{text}; });
  };
  worker_driver_options calls;
  calls.late = [this](late_resource what) {
    tell_from_outside(janitor_, std::move(what));
  };
  calls.secrets = &nobody_knows;
  out->drivers.add(std::make_shared<sandbox_driver>(gate_, calls, true));
  return out;
}

engine_play::engine_play(const place& where)
  : workers{where.around, where.cloud}, where_{where},
    chance_{where.around.chance.roll()}, runner_{
                                           std::make_shared<faulty_runner>(
                                             where.around, where.database,
                                             where.on_written)} {
  with_ = make_services();
  auto& system = where_.room.system();
  where_.room.move_to(where_.around.time.now());
  supervisor_options setup;
  setup.reattach_grace = where_.reattach_grace;
  front_ = std::make_shared<front_desk>(system);
  store_ = spawn_actor<store_state>(system, runner_);
  janitor_ = spawn_actor<janitor_state>(system, store_, with_, setup.janitor);
  supervisor_ = spawn_actor<supervisor_state>(
    system, supervisor_colleagues{store_, janitor_, &workers, with_}, setup);
  gate_.open(supervisor_);
}

engine_play::~engine_play() {
  die();
}

size_t engine_play::die() {
  if (!std::exchange(*alive_, false))
    return 0;
  runner_->cut();
  workers.end_all();
  gate_.close();
  front_->close();
  for (const auto& who : {caf::actor_cast<caf::actor>(supervisor_),
                          caf::actor_cast<caf::actor>(janitor_),
                          caf::actor_cast<caf::actor>(store_)})
    caf::anon_send_exit(who, caf::exit_reason::kill);
  supervisor_ = nullptr;
  janitor_ = nullptr;
  store_ = nullptr;
  front_.reset();
  return where_.room.wreck();
}

} // namespace leasehold::sim
