// The composition root: the only file that sees everything.

#include "actors/conversions.hpp"
#include "actors/engine_impl.hpp"
#include "actors/engine_store.hpp"
#include "actors/helpers.hpp"
#include "actors/janitor_actor.hpp"
#include "actors/store_actor.hpp"
#include "actors/supervisor_actor.hpp"
#include "drivers/child_process.hpp"

#include <caf/init_global_meta_objects.hpp>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <mutex>
#include <random>
#include <thread>
#include <utility>

namespace leasehold {

namespace {

constexpr const char* version = LEASEHOLD_VERSION;

void init_caf_once() {
  static std::once_flag once;
  std::call_once(once, [] {
    caf::init_global_meta_objects<caf::id_block::leasehold>();
    caf::core::init_global_meta_objects();
  });
}

worker_options worker_options_of(const options& x) {
  worker_options out;
  out.initialize_timeout = x.worker_initialize_timeout;
  out.call_timeout = x.worker_call_timeout;
  out.health_interval = x.worker_health_interval;
  out.relief_patience = x.worker_relief_patience;
  out.drain_timeout = x.worker_drain_timeout;
  out.shutdown_timeout = x.worker_shutdown_timeout;
  out.terminate_timeout = x.worker_terminate_timeout;
  out.kill_timeout = x.worker_kill_timeout;
  out.calls_max = x.worker_calls_max;
  out.queue_max = x.worker_queue_max;
  out.line_max = x.worker_line_max;
  out.host_env = host_environment();
  out.host_version = version;
  return out;
}

janitor_options janitor_options_of(const options& x) {
  janitor_options out;
  out.cleanup = {x.cleanup_retry_delay, x.cleanup_retry_delay_max,
                 x.cleanup_attempts_max};
  out.batch_max = x.cleanup_batch_max;
  out.orphan_interval
    = std::clamp(x.peer_grace, milliseconds{100}, milliseconds{10'000});
  out.history_ttl = x.history_ttl;
  out.secret_access_ttl = x.secret_access_ttl;
  return out;
}

admission_limits limits_of(const options& x) {
  return {x.environment_leases_max, x.environment_acquires_max,
          x.environment_queue_max, x.environment_queue_timeout,
          x.company_weights};
}

supervisor_options supervisor_options_of(const options& x) {
  supervisor_options out;
  out.worker_ready_grace = x.worker_ready_grace;
  out.stop_timeout = x.stop_timeout;
  out.startup
    = {x.worker_restart_delay, x.worker_restart_delay_max,
       x.worker_stable_after, x.worker_crashes_max, x.worker_crash_window};
  out.breaker = {x.breaker_failures_max, x.breaker_pause, x.breaker_pause_max};
  out.environment.limits = limits_of(x);
  out.worker = worker_options_of(x);
  out.reattach_grace = x.reattach_grace;
  out.lease.parked_ttl = x.parked_ttl;
  out.janitor = janitor_options_of(x);
  return out;
}

result<std::shared_ptr<store>>
open_store(const options& x, const instance_id& self,
           const std::shared_ptr<life_bell>& life) {
  auto ring = [life](life_sign sign) { life->ring({sign == life_sign::lost}); };
  auto opened = open_engine_store(x, self, {x.peer_grace, ring});
  if (!opened)
    return opened.error();
  return std::shared_ptr<store>{std::move(opened).value()};
}

/// Where this engine's master key is.
master_key_place key_place_of(options& x) {
  master_key_place out{std::exchange(x.master_key, {}), x.master_key_file};
  if (const auto* given = std::getenv(master_key_variable);
      given && out.text.empty())
    out.text = given;
  // The process may change its directory later.
  std::error_code ignored;
  if (out.file.empty() && x.store.find("://") == std::string::npos)
    out.file = (std::filesystem::absolute(x.store, ignored).parent_path()
                / "master.key")
                 .string();
  return out;
}

std::function<void(log_rank, std::string_view)> log_of(const options& x) {
  if (!x.log)
    return {};
  return [log = x.log](log_rank rank, std::string_view text) {
    log(static_cast<log_level>(rank), text);
  };
}

} // namespace

// -- events -------------------------------------------------------------------

void event_hub::subscribe(std::function<void(const event&)> callback) {
  std::lock_guard guard{mutex_};
  auto more = std::make_shared<listeners>(*listeners_);
  more->push_back(std::move(callback));
  listeners_ = std::move(more);
  heard_ = true;
}

void event_hub::publish(const transition& what) const {
  std::shared_ptr<const listeners> all;
  {
    std::lock_guard guard{mutex_};
    all = listeners_;
  }
  if (all->empty())
    return;
  event out{std::string{what.kind}, what.subject, what.from, what.to,
            what.note};
  for (const auto& callback : *all)
    callback(out);
}

// -- making and unmaking ------------------------------------------------------

services_ptr engine::impl::make_services() {
  auto out = std::make_shared<services>();
  out->self = id;
  auto dice = std::make_shared<dice_box>();
  out->dice = [dice] { return dice->roll(); };
  out->make_id = [dice] { return dice->make_uuid(); };
  out->log = log_of(opts);
  out->secrets = &secrets;
  out->observe
    = {[this](const transition& what) { hub.publish(what); }, &hub.heard()};
  auto late = [this](late_resource what) {
    tell_from_outside(janitor, std::move(what));
  };
  out->drivers = make_drivers(
    {*launcher, *loop, gate, find_helper("leasehold-guard", opts.helpers),
     opts.allow_fake_provider, late, opts.worker_call_timeout, &secrets,
     opts.worker_acquire_margin});
  return out;
}

engine::impl::impl(options what, std::shared_ptr<leasehold::store> opened,
                   instance_id self, std::shared_ptr<life_bell> bell)
  : opts{std::move(what)}, id{std::move(self)}, life{std::move(bell)},
    box{std::make_shared<secret_box>(key_place_of(opts))} {
  loop->start();
  launcher = make_process_launcher(*loop);
  with = make_services();
  runner = make_store_threads(std::move(opened));
  // Actors never block: one thread a processor is enough. Threads that steal
  // poll for work, which costs whoever waits for an answer a tenth of a
  // millisecond, and an engine at rest its rest (docs/performance.md).
  config.set("caf.scheduler.policy", "sharing");
  config.set("caf.scheduler.max-threads",
             opts.threads > 0
               ? opts.threads
               : std::max<size_t>(std::thread::hardware_concurrency(), 1));
  system = std::make_unique<caf::actor_system>(config);
  auto setup = supervisor_options_of(opts);
  front = std::make_shared<front_desk>(*system);
  store = spawn_actor<store_state>(*system, runner);
  ask<written>(store,
               store_write{register_instance{{id, host_name(), getpid(), {}}}},
               [](const result<written>&) {});
  janitor = spawn_actor<janitor_state>(*system, store, with, setup.janitor);
  supervisor = spawn_actor<supervisor_state>(
    *system, supervisor_colleagues{store, janitor, launcher.get(), with},
    std::move(setup));
  gate.open(supervisor);
  life->open(supervisor);
  secret_front = std::make_shared<front_desk>(*system);
  secrets.open(secret_front, store, with, box);
}

engine::impl::~impl() {
  auto [then, stopped] = promised<done>();
  ask<done>(supervisor, shut_down{}, std::move(then));
  stopped.wait();
  secrets.close();
  secret_front->close();
  send_away(janitor);
  send_away(store);
  front->close();
  system->await_all_actors_done();
  // The threads of the store and of the loop may be telling actors what nobody
  // hears any more, and so does what is dropped unanswered. Even that takes a
  // system, so all of it ends before.
  runner.reset();
  with.reset();
  launcher.reset();
  loop.reset();
  config.clock.close();
  life->close();
  gate.close();
  supervisor = supervisor_actor{};
  janitor = janitor_actor{};
  store = store_actor{};
  front.reset();
  secret_front.reset();
  system.reset();
}

engine::engine(std::unique_ptr<impl> self) : impl_{std::move(self)} {
  // nop
}

engine::engine(options opts) : engine{open(std::move(opts)).value()} {
  // nop
}

result<engine> engine::open(options opts) {
  init_caf_once();
  instance_id self{dice_box{}.make_uuid()};
  auto life = std::make_shared<life_bell>();
  auto store = open_store(opts, self, life);
  if (!store)
    return store.error();
  return engine{std::make_unique<impl>(std::move(opts),
                                       std::move(store).value(),
                                       std::move(self), std::move(life))};
}

engine::engine(engine&&) noexcept = default;

engine& engine::operator=(engine&&) noexcept = default;

engine::~engine() = default;

void engine::subscribe(std::function<void(const event&)> callback) {
  impl_->hub.subscribe(std::move(callback));
}

} // namespace leasehold
