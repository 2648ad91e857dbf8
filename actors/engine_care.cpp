// The engine's verbs for operators: cleanups that are owed, runs that come
// back, and a look at everything.

#include "actors/conversions.hpp"
#include "actors/doctor_actor.hpp"
#include "actors/engine_impl.hpp"

#include <utility>

namespace leasehold {

namespace {

completion<lease_ended> to_ended(completion<ended_lease> then) {
  return converting<lease_ended>(
    std::move(then), [](lease_ended x) { return to_public(std::move(x)); });
}

reattached_run to_reattached(run_reattached x) {
  reattached_run out;
  for (auto& one : x.leases)
    out.leases.push_back(to_public(std::move(one)));
  out.errors = std::move(x.errors);
  return out;
}

} // namespace

std::future<result<reattached_run>>
engine::reattach(std::string run, std::chrono::milliseconds ttl) {
  auto [then, future] = promised<reattached_run>();
  impl_->ask<run_reattached>(
    impl_->supervisor, reattach_run{{std::move(run)}, ttl},
    converting<run_reattached>(std::move(then), to_reattached));
  return std::move(future);
}

std::future<result<ended_lease>> engine::retry_cleanup(std::string id,
                                                       std::string who) {
  auto [then, future] = promised<ended_lease>();
  impl_->ask<lease_ended>(
    impl_->janitor, leasehold::retry_cleanup{{std::move(id)}, std::move(who)},
    to_ended(std::move(then)));
  return std::move(future);
}

std::future<result<ended_lease>> engine::confirm_gone(std::string id,
                                                      std::string who) {
  auto [then, future] = promised<ended_lease>();
  impl_->ask<lease_ended>(impl_->janitor,
                          report_gone{{std::move(id)}, std::move(who)},
                          to_ended(std::move(then)));
  return std::move(future);
}

std::future<result<examination>> engine::examine(bool fix, std::string who) {
  auto [then, future] = promised<examination>();
  auto doctor = spawn_actor<doctor_state>(
    *impl_->system,
    doctor_colleagues{impl_->store, impl_->janitor, impl_->supervisor},
    impl_->with);
  // It leaves when it is done, or with the supervisor.
  impl_->ask<examined>(doctor, leasehold::examine{fix, std::move(who)},
                       converting<examined>(std::move(then), [](examined x) {
                         return examination{x.at_ms, std::move(x.findings)};
                       }));
  return std::move(future);
}

} // namespace leasehold
